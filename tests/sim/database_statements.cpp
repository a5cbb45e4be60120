// The statements, each as the product's of the same name: which rows it sees when it begins, which it locks in what order, and
// what it finds when it has them. A row that did not fit when the statement began is passed by; one that did is looked at
// again when its lock is had (READ COMMITTED). What stands in other tables is believed as of the beginning.
#include "tests/sim/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

row_key key_of(writer_id w) { return {table::writers, w.who, w.slot}; }
row_key key_of_node(incarnation who) { return {table::nodes, who}; }
row_key key_of_shard(shard_id s) { return {table::shards, s}; }
constexpr row_key coordinator_key{table::coordinator};
row_key key_of(const commit& c) {
  return {table::commits, static_cast<std::int64_t>(c.hotel.value), static_cast<std::int64_t>(c.first_seq())};
}

template <typename Asked>
std::vector<shard_id> shards_of(const std::vector<Asked>& asked) {
  std::vector<shard_id> all;
  for (const auto& a : asked) all.push_back(a.shard);
  std::ranges::sort(all);
  return all;
}

}  // namespace

template <typename Granted>
void database::lock(const transaction_ptr& t, const row_key& row, lock_mode mode, Granted granted) {
  if (t->ended) return;
  if (locks_.try_acquire(t, row, mode)) return granted();
  locks_.wait(t, row, mode, std::move(granted));
  watch_lock_timeout(t);
}

void database::lock_all(const transaction_ptr& t, const rows_to_lock& rows, std::size_t from,
                        std::function<void()> granted) {
  for (auto i = from; i < rows->size(); ++i) {
    if (t->ended) return;
    const auto& row = (*rows)[i];
    if (locks_.try_acquire(t, row, lock_mode::exclusive)) continue;
    locks_.wait(t, row, lock_mode::exclusive,
                [this, t, rows, i, granted = std::move(granted)] { lock_all(t, rows, i + 1, granted); });
    return watch_lock_timeout(t);
  }
  granted();
}

// … WHERE incarnation AND slot AND fenced_at IS NULL FOR SHARE
void database::with_fence(const transaction_ptr& t, writer_id me, std::function<void(bool)> go_on) {
  if (bug_ == planted::append_without_fence) return go_on(true);
  if (!now_.unfenced(me)) return go_on(false);
  lock(t, key_of(me), lock_mode::share,
       [this, me, go_on = std::move(go_on)] { go_on(now_.unfenced(me) || lie_ == lie::fence_seen_at_beginning); });
}

// The journal.

void database::append(const transaction_ptr& t, writer_id me, const std::vector<commit_ptr>& batch,
                      then<append_answer> executed) {
  auto what =
      std::make_shared<appending>(appending{.me = me, .batch = batch, .answer = {}, .executed = std::move(executed)});
  with_fence(t, me, [this, t, what](bool unfenced) {
    what->answer.fenced = !unfenced;
    what->answer.inserted.assign(what->batch.size(), false);
    if (!unfenced) return what->executed(what->answer);
    insert(t, what, 0);
  });
}

// A row that another has inserted and not committed is waited for; one that stands there is met without any lock.
void database::insert(const transaction_ptr& t, const std::shared_ptr<appending>& what, std::size_t from) {
  for (auto i = from; i < what->batch.size(); ++i) {
    if (t->ended) return;
    const auto& c = *what->batch[i];
    locks_.note(key_of(c), lock_mode::share);
    if (now_.commits[c.hotel].contains(c.first_seq())) continue;
    if (lie_ != lie::conflict_not_waited_for && !locks_.try_acquire(t, key_of(c), lock_mode::exclusive)) {
      locks_.wait(t, key_of(c), lock_mode::exclusive, [this, t, what, i] {
        const auto& waited = *what->batch[i];
        if (now_.commits[waited.hotel].contains(waited.first_seq())) {
          locks_.give_back(t, key_of(waited));
        } else {
          insert_one(t, *what, i);
        }
        insert(t, what, i + 1);
      });
      return watch_lock_timeout(t);
    }
    insert_one(t, *what, i);
  }
  const bool conflict = std::ranges::find(what->answer.inserted, false) != what->answer.inserted.end();
  if (lie_ == lie::conflict_fails_neighbours && conflict) {
    what->answer.inserted.assign(what->batch.size(), false);
    t->effects.clear();
  }
  what->executed(what->answer);
}

void database::insert_one(const transaction_ptr& t, appending& what, std::size_t i) {
  what.answer.inserted[i] = true;
  t->effects.push_back([this, c = what.batch[i], me = what.me.who](tables& rows) {
    if (&rows == &now_) check_writer(me, c->hotel);
    rows.commits[c->hotel].try_emplace(c->first_seq(), journal_row{c->last_seq(), me, c});
  });
}

void database::check_writer(incarnation me, hotel_id hotel) {
  world_.trace("append", static_cast<std::uint64_t>(me), hotel.value);
  const auto owner = now_.shard(shard_of(hotel)).owner;
  if (owner == me) return;
  violations.push_back(fmt::format("at {} us: hotel {}: {} has written, and {} is the owner", world_.now().count(),
                                   hotel.value, me, owner));
}

void database::enlist(const transaction_ptr& t, writer_id me, then<bool> executed) {
  if (!now_.writers.contains(me)) return executed(false);
  if (lie_ == lie::enlist_ignores_locks) return executed(now_.unfenced(me));
  lock(t, key_of(me), lock_mode::exclusive, [this, t, me, executed = std::move(executed)] {
    t->effects.push_back([](tables&) {});  // it writes: which proves that what it saw is durable
    executed(now_.unfenced(me));
  });
}

database::rows_to_lock database::writers_of(incarnation who) const {
  auto keys = std::make_shared<std::vector<row_key>>();
  for (auto w = now_.writers.lower_bound({who, 0}); w != now_.writers.end() && w->first.who == who; ++w) {
    keys->push_back(key_of(w->first));
  }
  return keys;
}

void database::fence(const transaction_ptr& t, incarnation who, then<int> executed) {
  const auto keys = writers_of(who);
  const auto count = static_cast<int>(keys->size());
  const bool lockless = bug_ == planted::fence_ignores_locks || lie_ == lie::fence_takes_no_lock;
  lock_all(t, lockless ? std::make_shared<std::vector<row_key>>() : keys, 0,
           [this, t, who, count, executed = std::move(executed)] {
             t->effects.push_back([this, who](tables& rows) {
               if (&rows == &now_) {
                 fences += rows.live(who);
                 world_.trace("fence", static_cast<std::uint64_t>(who));
               }
               for (auto w = rows.writers.lower_bound({who, 0}); w != rows.writers.end() && w->first.who == who; ++w) {
                 w->second.fenced = true;
               }
             });
             executed(count);
           });
}

void database::fence_patiently(const session_ptr& s, incarnation who, duration lock_timeout,
                               std::function<void(bool)> done) {
  s->lock_timeout = lock_timeout;
  const auto t = begin(s);
  if (!t) return;
  t->timed_out = [this, s, who, lock_timeout, done] {
    end_sessions(who);
    fence_patiently(s, who, lock_timeout, done);
  };
  fence(t, who, [this, t, done](int rows) { commit(t, [done, rows] { done(rows > 0); }); });
}

void database::save_snapshot(const transaction_ptr& t, writer_id me, std::shared_ptr<const hotel_state> state,
                             then<bool> executed) {
  with_fence(t, me, [t, state = std::move(state), executed = std::move(executed)](bool unfenced) {
    if (unfenced) {
      t->effects.push_back([state](tables& rows) {
        auto& kept = rows.snapshots[state->id];
        if (!kept || kept->seq < state->seq) kept = state;
      });
    }
    executed(unfenced);
  });
}

// Nodes.

void database::register_node(const transaction_ptr& t, incarnation me, const std::string& name,
                             const std::string& address, then<bool> executed) {
  t->effects.push_back([me, name, address](tables& rows) {
    for (int slot = 0; slot < writer_rows; ++slot) rows.writers[{me, slot}] = {.node = name};
    rows.nodes[me] = {.incarnation = me, .name = name, .actor_address = address};
  });
  executed(true);
}

void database::remove_fenced_nodes(const transaction_ptr& t, then<bool> executed) {
  auto keys = std::make_shared<std::vector<row_key>>();
  std::vector<incarnation> gone;
  for (const auto& [who, row] : now_.nodes) {
    if (now_.live(who)) continue;
    gone.push_back(who);
    keys->push_back(key_of_node(who));
  }
  lock_all(t, keys, 0, [t, gone = std::move(gone), executed = std::move(executed)] {
    if (!gone.empty()) {
      t->effects.push_back([gone](tables& rows) {
        for (const auto who : gone) rows.nodes.erase(who);
      });
    }
    executed(true);
  });
}

// False: there is no such row (any more).
void database::on_node_row(const transaction_ptr& t, incarnation me, std::function<void(node_row&)> effect,
                           then<bool> executed) {
  if (!now_.nodes.contains(me)) return executed(false);
  lock(t, key_of_node(me), lock_mode::exclusive,
       [this, t, me, effect = std::move(effect), executed = std::move(executed)] {
         if (!now_.nodes.contains(me)) return executed(false);
         t->effects.push_back([me, effect](tables& rows) {
           if (const auto row = rows.nodes.find(me); row != rows.nodes.end()) effect(row->second);
         });
         executed(true);
       });
}

void database::beat(const transaction_ptr& t, incarnation me, then<beat_answer> executed) {
  on_node_row(
      t, me, [](node_row& row) { ++row.beat; },
      [this, saw_fence = fenced(me), executed = std::move(executed)](bool there) {
        executed({.there = there, .fenced = there && saw_fence, .clock = clock()});
      });
}

void database::tell_reach(const transaction_ptr& t, incarnation me, std::vector<incarnation> reaches,
                          then<bool> executed) {
  on_node_row(t, me, [reaches = std::move(reaches)](node_row& row) { row.reaches = reaches; }, std::move(executed));
}

void database::tell_leaving(const transaction_ptr& t, incarnation me, then<bool> executed) {
  on_node_row(t, me, [](node_row& row) { row.leaving = true; }, std::move(executed));
}

// The row goes, and its writers' rows get the reason: those that have none yet.
void database::remove_node(const transaction_ptr& t, incarnation who, then<bool> executed) {
  auto keys = std::make_shared<std::vector<row_key>>();
  const bool there = now_.nodes.contains(who);
  if (there) keys->push_back(key_of_node(who));
  for (auto w = now_.writers.lower_bound({who, 0}); w != now_.writers.end() && w->first.who == who; ++w) {
    if (!w->second.reason_told) keys->push_back(key_of(w->first));
  }
  lock_all(t, keys, 0, [t, who, there, executed = std::move(executed)] {
    t->effects.push_back([who](tables& rows) {
      rows.nodes.erase(who);
      for (auto w = rows.writers.lower_bound({who, 0}); w != rows.writers.end() && w->first.who == who; ++w) {
        w->second.reason_told = true;
      }
    });
    executed(there);
  });
}

void database::leave(const transaction_ptr& t, incarnation who, then<bool> executed) {
  auto keys = std::make_shared<std::vector<row_key>>(*writers_of(who));
  std::vector<shard_id> owned;
  for (shard_id s = 0; s < shards_count; ++s) {
    if (now_.shard(s).owner == who) owned.push_back(s);
  }
  for (const auto s : owned) keys->push_back(key_of_shard(s));
  if (now_.nodes.contains(who)) keys->push_back(key_of_node(who));
  lock_all(t, keys, 0, [t, who, owned = std::move(owned), executed = std::move(executed)] {
    t->effects.push_back([who, owned](tables& rows) {
      rows.nodes.erase(who);
      for (const auto s : owned) {
        if (rows.shard(s).owner != who) continue;
        auto& row = rows.change(s);
        row.owner = row.target = 0;
      }
      for (auto w = rows.writers.lower_bound({who, 0}); w != rows.writers.end() && w->first.who == who; ++w) {
        w->second.fenced = true;
      }
    });
    executed(true);
  });
}

// The coordinator's.

void database::take_role(const transaction_ptr& t, incarnation me, std::int64_t seen_term,
                         then<std::int64_t> executed) {
  if (now_.coordinator.term != seen_term) return executed(0);
  with_fence(t, {me, node_slot}, [this, t, me, seen_term, executed = std::move(executed)](bool unfenced) {
    if (!unfenced) return executed(0);
    lock(t, coordinator_key, lock_mode::exclusive, [this, t, me, seen_term, executed] {
      if (now_.coordinator.term != seen_term) return executed(0);
      t->effects.push_back([me](tables& rows) {
        rows.coordinator.holder = me;
        ++rows.coordinator.beat;
        ++rows.coordinator.term;
      });
      executed(seen_term + 1);
    });
  });
}

void database::on_coordinator_row(const transaction_ptr& t, incarnation me, std::int64_t term,
                                  std::function<void(tables&)> effect, then<bool> executed) {
  if (!now_.has_role(me, term)) return executed(false);
  lock(t, coordinator_key, lock_mode::exclusive,
       [this, t, me, term, effect = std::move(effect), executed = std::move(executed)] {
         if (!now_.has_role(me, term)) return executed(false);
         t->effects.push_back(effect);
         executed(true);
       });
}

void database::renew_role(const transaction_ptr& t, incarnation me, std::int64_t term, then<bool> executed) {
  on_coordinator_row(t, me, term, [](tables& rows) { ++rows.coordinator.beat; }, std::move(executed));
}

void database::finish_rebalance(const transaction_ptr& t, incarnation me, std::int64_t term, then<bool> executed) {
  on_coordinator_row(t, me, term, [](tables& rows) { rows.rebalance_asked = false; }, std::move(executed));
}

// Under the writer's fence and the role's share lock, with the shards' rows locked in their order. The planner looks at the
// rows first: where none fits nothing is locked.
void database::as_coordinator(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<shard_id> shards,
                              std::function<void(bool)> go_on) {
  const bool has_role = now_.has_role(me, term);
  with_fence(t, {me, node_slot},
             [this, t, me, term, has_role, shards = std::move(shards), go_on = std::move(go_on)](bool unfenced) {
               if (!unfenced || !has_role) return go_on(false);
               lock(t, coordinator_key, lock_mode::share, [this, t, me, term, shards, go_on] {
                 if (!now_.has_role(me, term)) return go_on(false);
                 auto keys = std::make_shared<std::vector<row_key>>();
                 for (const auto s : shards) keys->push_back(key_of_shard(s));
                 lock_all(t, keys, 0, [go_on] { go_on(true); });
               });
             });
}

void database::give(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<gift> given,
                    then<int> executed) {
  auto shards = shards_of(given);
  const bool unchecked = bug_ == planted::fence_not_waited_for || bug_ == planted::gift_without_fence;
  const bool late = lie_ == lie::gift_sees_fence_after_its_beginning;
  const auto owned = [this, unchecked](const gift& g) {
    const auto owner = now_.shard(g.shard).owner;
    return owner != 0 && now_.live(owner) && !unchecked;
  };
  std::erase_if(given, [&](const gift& g) { return now_.shard(g.shard).version != g.version || (!late && owned(g)); });
  if (given.empty()) return executed(0);
  std::erase_if(given, [&](const gift& g) { return !now_.nodes.contains(g.to); });
  as_coordinator(t, me, term, std::move(shards),
                 [this, t, late, owned, given = std::move(given), executed = std::move(executed)](bool may) {
                   int count = 0;
                   for (const auto& g : given) {
                     if (!may || now_.shard(g.shard).version != g.version || (late && owned(g))) continue;
                     ++count;
                     t->effects.push_back([this, g](tables& rows) {
                       if (&rows == &now_) ++gifts;
                       auto& row = rows.change(g.shard);
                       row.owner = g.to;
                       row.target = 0;
                       row.after_fence = g.after_fence;
                     });
                   }
                   executed(count);
                 });
}

void database::begin_moves(const transaction_ptr& t, incarnation me, std::int64_t term,
                           std::vector<beginning_move> moves, then<int> executed) {
  auto shards = shards_of(moves);
  std::erase_if(moves, [this](const beginning_move& m) {
    const auto& seen = now_.shard(m.shard);
    return seen.version != m.version || seen.owner != m.from || seen.owner == 0 || seen.target != 0;
  });
  if (moves.empty()) return executed(0);
  std::erase_if(moves, [this](const beginning_move& m) { return !now_.nodes.contains(m.to); });
  for (auto& m : moves) {
    if (!now_.nodes.contains(m.from)) m.wish = 0;  // it needs the giver's name
  }
  as_coordinator(t, me, term, std::move(shards),
                 [this, t, moves = std::move(moves), executed = std::move(executed)](bool may) {
                   int count = 0;
                   for (const auto& m : moves) {
                     if (!may || now_.shard(m.shard).version != m.version) continue;
                     ++count;
                     t->effects.push_back([shard = m.shard, to = m.to, wish = m.wish](tables& rows) {
                       rows.change(shard).target = to;
                       std::erase_if(rows.moves_asked, [&](const move_wish& w) { return w.id == wish; });
                     });
                   }
                   executed(count);
                 });
}

void database::call_off(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<called_off> moves,
                        then<int> executed) {
  auto shards = shards_of(moves);
  std::erase_if(moves, [this](const called_off& m) {
    const auto& seen = now_.shard(m.shard);
    return seen.version != m.version || seen.target == 0;
  });
  if (moves.empty()) return executed(0);
  as_coordinator(t, me, term, std::move(shards),
                 [this, t, moves = std::move(moves), executed = std::move(executed)](bool may) {
                   int count = 0;
                   for (const auto& m : moves) {
                     if (!may || now_.shard(m.shard).version != m.version) continue;
                     ++count;
                     t->effects.push_back([shard = m.shard](tables& rows) { rows.change(shard).target = 0; });
                   }
                   executed(count);
                 });
}

// Under the role alone: what is refused touches no shard.
void database::refuse_wishes(const transaction_ptr& t, incarnation me, std::int64_t term,
                             std::vector<refused_wish> refused, then<int> executed) {
  if (!now_.has_role(me, term)) return executed(0);
  std::erase_if(refused, [this](const refused_wish& w) {
    return std::ranges::find(now_.moves_asked, w.id, &move_wish::id) == now_.moves_asked.end();
  });
  lock(t, coordinator_key, lock_mode::share,
       [this, t, me, term, refused = std::move(refused), executed = std::move(executed)] {
         if (!now_.has_role(me, term)) return executed(0);
         for (const auto& w : refused) {
           t->effects.push_back([id = w.id](tables& rows) {
             std::erase_if(rows.moves_asked, [&](const move_wish& asked) { return asked.id == id; });
           });
         }
         executed(static_cast<int>(refused.size()));
       });
}

// By the owner, by compare-and-set. Whoever is another's already, or nobody's, was handed over by an earlier attempt. The
// rows are looked at first, then the fence, and all are locked where one can be handed over.
void database::hand_over(const transaction_ptr& t, writer_id me, std::vector<keyrack::hand_over> what,
                         then<std::vector<bool>> executed) {
  std::vector<bool> done;
  for (const auto& h : what) done.push_back(now_.shard(h.shard).owner != me.who);
  const bool versionless = lie_ == lie::hand_over_ignores_version;
  const auto fits = [this, versionless](const keyrack::hand_over& h) {
    const auto& row = now_.shard(h.shard);
    return row.target == h.target && row.target != 0 && (row.version == h.version || versionless);
  };
  if (std::ranges::none_of(what, fits)) return executed(std::move(done));
  auto keys = std::make_shared<std::vector<row_key>>();
  for (const auto s : shards_of(what)) keys->push_back(key_of_shard(s));
  std::vector<bool> possible;
  bool any = false;
  for (const auto& h : what) {
    any = any || (fits(h) && now_.shard(h.shard).owner == me.who);
    possible.push_back(fits(h) && now_.shard(h.shard).owner == me.who && now_.nodes.contains(h.target));
  }
  with_fence(t, me, [=, this, what = std::move(what), executed = std::move(executed)](bool unfenced) {
    if (!unfenced || !any) return executed(done);
    lock_all(t, keys, 0, [=, this] {
      auto handed = done;
      for (std::size_t i = 0; i < what.size(); ++i) {
        const auto& h = what[i];
        if (!possible[i] || now_.shard(h.shard).owner != me.who || !fits(h)) continue;
        handed[i] = true;
        t->effects.push_back([this, h](tables& rows) {
          if (&rows == &now_) ++hand_overs;
          auto& row = rows.change(h.shard);
          row.owner = h.target;
          row.target = 0;
          row.after_fence = false;
        });
      }
      executed(std::move(handed));
    });
  });
}

}  // namespace keyrack::sim
