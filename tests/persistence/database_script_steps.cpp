// What a script does next: mostly what the cluster would do, with the numbers that it would know, and sometimes with others.
// Two things are left out, because PostgreSQL's own answer is up to chance: deadlocks, and two inserts that wait for one.
#include "tests/persistence/database_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::testing {

using sim::role;

namespace {

constexpr std::uint64_t hotels = 4;
constexpr std::uint64_t places = 4;  // of a hotel's journal

}  // namespace

// All nodes are connected, some shards have owners and targets already, somebody has the role, and there are wishes.
void script::prepare() {
  std::string sql = "BEGIN;";
  db_.change([](sim::tables& rows) {
    for (incarnation_id n = 1; n <= stage_nodes; ++n) {
      rows.nodes[n] = {.incarnation = n, .name = database_stage::node_name(n)};
      for (int slot = 0; slot < sim::writer_rows; ++slot) rows.writers[{n, slot}].node = database_stage::node_name(n);
    }
  });
  for (shard_id s = 0; s < stage_shards; ++s) {
    const auto owner = chance(80) ? any_node() : 0;
    const auto target = owner != 0 && chance(60) ? any_node() : 0;
    const shard_row row{.owner = owner, .target = target, .version = first_version_};
    db_.change([s, row, first = first_version_](sim::tables& rows) {
      rows.change(s) = row;
      rows.routes_version += first;
    });
    sql += fmt::format(
        "UPDATE shards SET owner = NULLIF({}, 0), target = NULLIF({}, 0), version = {}, after_fence = false WHERE "
        "shard = {};",
        owner, target, first_version_, s);
  }
  const coordinator_row holder{.holder = any_node(), .term = 1, .beat = 1};
  db_.change([=](sim::tables& rows) {
    rows.coordinator = holder;
    rows.rebalance_asked = true;
  });
  sql += fmt::format("UPDATE coordinator SET holder = {}, term = 1, beat = 1, rebalance_asked = true; COMMIT;",
                     holder.holder);
  const auto first_wish = std::stoll(
      stage_.ask(sql + "WITH made AS (INSERT INTO moves (shard, to_node, reason) VALUES (0, 'node-1', 'operator'), "
                       "(1, 'node-1', 'operator') RETURNING id) SELECT min(id) FROM made"));
  for (shard_id s = 0; s < 2; ++s) {
    const move_wish wish{.id = first_wish + s, .shard = s, .node = "node-1"};
    db_.change([=](sim::tables& rows) { rows.moves_asked.push_back(wish); });
  }
  for (incarnation_id n = 1; n <= stage_nodes; ++n) {
    for (const auto as : {role::slot_0, role::slot_1, role::membership}) connect(at(n, as));
    connect(at(n, role::slot_0, 1));
  }
}

void script::step() {
  if (chance(30) && commit_one()) return;
  if (chance(4)) return kill_one();
  begin_one();
}

bool script::commit_one() {
  std::vector<lane*> open;
  for (auto& [c, l] : lanes_) {
    if (l.is == state::open) open.push_back(&l);
  }
  if (open.empty()) return false;
  commit(*open[below(open.size())]);
  return true;
}

void script::kill_one() {
  std::vector<lane*> some;
  for (auto& [c, l] : lanes_) {
    if (l.session && !l.dead && c.who != 0 && c.as != role::start) some.push_back(&l);
  }
  if (!some.empty()) kill(*some[below(some.size())]);
}

void script::begin_one() {
  const auto kind = below(100);
  if (kind < 54) return write_journal(kind);
  if (kind < 89) return coordinate(kind - 4);
  change_nodes(kind);
}

script::lane& script::any_slot() {
  const bool again = chance(25);  // a second connection of the same name
  const auto as = again || chance(50) ? role::slot_0 : role::slot_1;
  return at(any_node(), as, again);
}

// Mostly the coordinator's.
script::lane& script::any_membership() {
  const auto holder = db_.rows().coordinator.holder;
  return at(chance(70) && holder <= stage_nodes ? holder : any_node(), role::membership);
}

// The number that stands there, and now and then another.
std::int64_t script::version_of(shard_id s) {
  const auto version = db_.rows().shard(s).version;
  return chance(85) ? version : version + static_cast<std::int64_t>(below(3)) - 1;
}

std::int64_t script::some_term() {
  const auto term = db_.rows().coordinator.term;
  return chance(85) ? term : term + static_cast<std::int64_t>(below(3)) - 1;
}

std::vector<shard_id> script::some_shards() {
  std::vector<shard_id> some;
  for (shard_id s = 0; s < stage_shards; ++s) {
    if (chance(45)) some.push_back(s);
  }
  if (some.empty()) some.push_back(any_shard());
  if (chance(30)) std::ranges::reverse(some);
  return some;
}

std::vector<commit_ptr> script::some_commits() {
  std::vector<commit_ptr> batch;
  for (std::uint64_t hotel = 1; hotel <= hotels; ++hotel) {
    if (!chance(40)) continue;
    const auto first = 1 + below(places);
    auto c = sample_commit(hotel, first, first + below(2));
    c.events.front().by = chance(70) ? "same" : "other";
    batch.push_back(std::make_shared<const keyrack::commit>(std::move(c)));
  }
  if (batch.empty()) batch.push_back(std::make_shared<const keyrack::commit>(sample_commit(1, 1, 1)));
  return batch;
}

// Of those that wait for an insert to end, who goes first when it is taken back is up to chance.
bool script::waits_for_one_at_most(const std::vector<commit_ptr>& batch) const {
  return std::ranges::none_of(lanes_, [&](const auto& entry) {
    const auto& l = entry.second;
    return l.is == state::waits && std::ranges::any_of(l.appends, [&](const commit_ptr& theirs) {
             return std::ranges::any_of(batch, [&](const commit_ptr& c) {
               return c->hotel == theirs->hotel && c->first_seq() == theirs->first_seq();
             });
           });
  });
}

// Whether the fence or the shards' rows are locked first is the planner's choice: so not where it would show.
bool script::order_is_the_planners(sim::writer_id me, const std::vector<hand_over>& what) const {
  using hold = sim::row_locks::hold;
  const bool shards_free = std::ranges::all_of(
      what, [this](const hand_over& h) { return db_.held({sim::table::shards, h.shard}) == hold::free; });
  const bool fence_free = db_.held({sim::table::writers, me.who, me.slot}) != hold::exclusive;
  const bool owns_one = std::ranges::any_of(what, [&](const hand_over& h) {
    const auto& row = db_.rows().shard(h.shard);
    return row.owner == me.who && row.target == h.target && row.version == h.version;
  });
  return !fence_free || (!shards_free && !(owns_one && db_.rows().unfenced(me)));
}

void script::write_journal(std::uint64_t kind) {
  auto& l = any_slot();
  if (l.busy()) return;
  const sim::writer_id me{l.cast.who, l.cast.as == role::slot_0 ? 0 : 1};
  if (kind < 25) {
    const auto batch = some_commits();
    if (!waits_for_one_at_most(batch)) return;
    l.appends = batch;
    begin(l, append_of(me, batch), chance(50));
  } else if (kind < 31) {
    begin(l, enlist_of(me), chance(40));
  } else if (kind < 35) {
    begin(l, look_of(me, some_commits()));
  } else if (kind < 37) {
    begin(l, end_namesakes_of(l.real->name()));
  } else {
    std::vector<hand_over> what;
    for (const auto s : some_shards()) {
      const auto& row = db_.rows().shard(s);
      what.push_back(
          {.shard = s, .version = version_of(s), .target = row.target != 0 && chance(85) ? row.target : any_node()});
    }
    // Mostly by who may.
    const auto owner = db_.rows().shard(what.front().shard).owner;
    auto& by = chance(80) && owner != 0 && owner <= stage_nodes ? at(owner, role::slot_0) : l;
    const sim::writer_id writer{by.cast.who, by.cast.as == role::slot_0 ? 0 : 1};
    if (by.busy() || order_is_the_planners(writer, what)) return;
    begin(by, hand_over_of(writer, what), chance(50));
  }
}

// The same of the coordinator's statements: where no row fits, or the role is another's, it is the planner's choice whether they are locked before
// that is seen.
template <typename Asked, typename Fits>
bool script::order_is_the_planners(incarnation_id me, std::int64_t term, const std::vector<Asked>& asked,
                                   Fits fits) const {
  const bool all_free = std::ranges::all_of(
      asked, [this](const Asked& a) { return db_.held({sim::table::shards, a.shard}) == sim::row_locks::hold::free; });
  const bool role_free = db_.held({sim::table::coordinator}) != sim::row_locks::hold::exclusive && may_remove();
  const bool has_role = db_.rows().has_role(me, term);
  return !(all_free && role_free) && (!has_role || std::ranges::none_of(asked, [&](const Asked& a) {
    const auto& row = db_.rows().shard(a.shard);
    return row.version == a.version && fits(row, a);
  }));
}

void script::coordinate(std::uint64_t kind) {
  auto& l = any_membership();
  if (l.busy()) return;
  const auto me = l.cast.who;
  const bool held = chance(50);
  const auto term = some_term();
  if (kind < 56) return take_role();
  if (kind < 59) return begin(l, renew_role_of(me, term), held);
  if (kind < 67) {
    std::vector<gift> gifts;
    for (const auto s : some_shards()) {
      gifts.push_back({.shard = s, .version = version_of(s), .to = any_node(), .after_fence = chance(50)});
    }
    const bool unclear = order_is_the_planners(me, term, gifts, [this](const shard_row& row, const gift&) {
      return row.owner == 0 || !db_.rows().live(row.owner);
    });
    if (unclear) return;
    return begin(l, give_of(me, term, gifts), held);
  }
  if (kind < 74) {
    std::vector<beginning_move> moves;
    for (const auto s : some_shards()) {
      const auto owner = db_.rows().shard(s).owner;
      const auto& asked = db_.rows().moves_asked;
      moves.push_back({.shard = s,
                       .version = version_of(s),
                       .from = chance(85) ? owner : any_node(),
                       .to = any_node(),
                       .reason = "test",
                       .wish = !asked.empty() && moves.empty() && chance(40) ? asked.front().id : 0});
    }
    const bool unclear = order_is_the_planners(me, term, moves, [](const shard_row& row, const beginning_move& m) {
      return row.owner == m.from && row.owner != 0 && row.target == 0;
    });
    if (unclear) return;
    return begin(l, begin_moves_of(me, term, moves), held);
  }
  if (kind < 79) {
    std::vector<called_off> moves;
    for (const auto s : some_shards()) moves.push_back({.shard = s, .version = version_of(s), .reason = "test"});
    if (order_is_the_planners(me, term, moves, [](const shard_row& row, const called_off&) { return row.target != 0; }))
      return;
    return begin(l, call_off_of(me, term, moves), held);
  }
  if (kind < 81) {
    std::vector<refused_wish> wishes;
    for (const auto& w : db_.rows().moves_asked) wishes.push_back({.id = w.id, .reason = "test"});
    return begin(l, refuse_wishes_of(me, term, wishes));
  }
  if (kind < 82) return begin(l, finish_rebalance_of(me, term), held);
  if (kind < 84) return begin(l, read_of({0, 1, 2, 3}));
  begin(l, tell_reach_of(me, {any_node()}), held);
}

// Who ends the backend of the holder must have nobody else's lock in its way, or it tries for ever.
void script::take_role() {
  auto seen = db_.rows().coordinator;
  auto& l = at(any_node(), role::membership);
  if (l.busy()) return;
  bool others = !may_remove();
  for (const auto& [c, other] : lanes_) {
    others = others || (other.busy() && c.as == role::membership && c.who != seen.holder);
  }
  const bool hurried = !others && l.cast.who != seen.holder && chance(60);
  if (hurried) return begin(l, take_role_of(l.cast.who, seen, patience::short_));
  seen.term = some_term();
  begin(l, take_role_of(l.cast.who, seen, patience::endless), chance(50));
}

bool script::may_remove() const {
  return std::ranges::none_of(lanes_, [](const auto& l) { return l.second.removes != 0; });
}

// Few of those that make connections of their own: they take longer than all others together.
void script::change_nodes(std::uint64_t kind) {
  if (kind < 92) {
    auto& l = at(any_node(), role::heartbeat);
    if (!l.busy()) begin(l, beat_of(l.cast.who), chance(40));
    return;
  }
  if (!may_remove()) return;
  const auto who = any_node();
  if (kind < 96) return fence(chance(50));
  if (kind < 98) {
    auto& l = any_membership();
    if (l.busy() || l.cast.who == who) return;
    l.removes = who;
    return begin(l, fence_and_remove_of(who));
  }
  if (kind < 99 || chance(50)) {
    auto& l = at(who, role::start);
    if (l.busy()) return;
    l.removes = who;
    return begin(l, leave_of(who), chance(50));
  }
  auto& l = at(0, role::start);
  if (l.busy() || at(who, role::heartbeat).busy() || !registered_.insert(who).second) return;
  l.removes = who;
  begin(l, register_of(database_stage::node_name(who), stage_.next_incarnation()));
}

void script::fence(bool hurried) {
  const auto who = any_node();
  auto& l = at(0, role::start);
  if (l.busy()) return;
  l.removes = who;
  begin(l, fence_of(who, hurried ? patience::short_ : patience::endless));
}

}  // namespace keyrack::testing
