#include "tests/sim/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

constexpr duration lock_timeout = 300ms;

}  // namespace

void database::go_away(duration time) {
  if (!up_) return;
  up_ = false;
  for (const auto& s : sessions_) s->alive = false;
  sessions_.clear();
  world_.after(time, [this] { up_ = true; });
}

session_ptr database::connect(incarnation who) {
  std::erase_if(sessions_, [](const session_ptr& s) { return !s->alive; });
  sessions_.push_back(std::make_shared<session>(session{who}));
  return sessions_.back();
}

void database::end_sessions(incarnation who) {
  for (const auto& s : sessions_) {
    if (s->who == who) s->alive = false;
  }
}

bool database::locked(writer& w) {
  std::erase_if(w.lockers, [](const session_ptr& s) { return !s->alive; });
  return !w.lockers.empty();
}

bool database::live(incarnation who) const {
  const auto found = writers_.find(who);
  return found != writers_.end() && !found->second.fenced;
}

void database::write(const session_ptr& s, duration time, std::function<bool()> held,
                     std::function<void(bool)> commit) {
  if (!up_ || !s->alive) return;
  auto& w = writers_.at(s->who);
  if (w.fences_waiting > 0) {
    return world_.after(
        500us, [this, s, time, held = std::move(held), commit = std::move(commit)] { write(s, time, held, commit); });
  }
  if (w.fenced && bug_ != planted::append_without_fence) return commit(false);
  w.lockers.push_back(s);
  world_.after(time, [this, s, held = std::move(held), commit = std::move(commit)] { try_commit(s, held, commit); });
}

void database::try_commit(const session_ptr& s, std::function<bool()> held, std::function<void(bool)> commit) {
  if (!s->alive) return;
  if (held && held()) {
    return world_.after(10ms,
                        [this, s, held = std::move(held), commit = std::move(commit)] { try_commit(s, held, commit); });
  }
  auto& lockers = writers_.at(s->who).lockers;
  if (const auto mine = std::ranges::find(lockers, s); mine != lockers.end()) lockers.erase(mine);
  commit(true);
}

void database::fence(const session_ptr& by, incarnation who, std::function<void()> done) {
  if (!up_ || !by->alive) return;
  ++writers_.at(who).fences_waiting;
  try_fence(by, who, world_.now(), std::move(done));
}

void database::try_fence(const session_ptr& by, incarnation who, duration since, std::function<void()> done) {
  auto& w = writers_.at(who);
  if (!up_ || !by->alive) return void(--w.fences_waiting);
  if (locked(w) && bug_ != planted::fence_ignores_locks) {
    if (world_.now() - since > lock_timeout) end_sessions(who);
    return world_.after(1ms, [this, by, who, since, done = std::move(done)] { try_fence(by, who, since, done); });
  }
  --w.fences_waiting;
  if (!std::exchange(w.fenced, true)) ++fences;
  world_.trace("fence", static_cast<std::uint64_t>(who));
  done();
}

std::vector<database::row_result> database::append(incarnation me, const std::vector<commit_ptr>& batch) {
  std::vector<row_result> results;
  for (const auto& c : batch) {
    const auto owner = shard(shard_of(c->hotel)).owner;
    if (owner != me) {
      violations.push_back(fmt::format("at {} us: hotel {}: {} has written, and {} is the owner", world_.now().count(),
                                       c->hotel.value, me, owner));
    }
    const bool inserted = rows_[c->hotel].try_emplace(c->first_seq(), journal_row{c->last_seq(), me, c}).second;
    results.push_back(inserted ? row_result::applied : row_result::conflict);
  }
  world_.trace("append", static_cast<std::uint64_t>(me), results.size());
  return results;
}

const journal_row* database::find(hotel_id hotel, std::uint64_t first_seq) {
  const auto found = rows_[hotel].find(first_seq);
  return found == rows_[hotel].end() ? nullptr : &found->second;
}

std::uint64_t database::last_seq(hotel_id hotel) {
  const auto& all = rows_[hotel];
  return all.empty() ? 0 : all.rbegin()->second.last_seq;
}

std::shared_ptr<const event> database::event_at(hotel_id hotel, std::uint64_t seq) {
  const auto& all = rows_[hotel];
  auto row = all.upper_bound(seq);
  if (row == all.begin()) return nullptr;
  --row;
  if (seq > row->second.last_seq) return nullptr;
  return {row->second.what, &row->second.what->events[seq - row->first]};
}

void database::each_event(hotel_id hotel, std::uint64_t after, std::uint64_t up_to,
                          const std::function<void(const event&)>& visit) {
  for (const auto& [first, row] : rows_[hotel]) {
    if (first > up_to) return;
    if (row.last_seq <= after) continue;
    for (const auto& e : row.what->events) {
      if (e.seq > after && e.seq <= up_to) visit(e);
    }
  }
}

void database::register_node(incarnation me, const std::string& name, const std::string& address,
                             session_ptr heartbeat) {
  writers_[me].node = name;
  nodes_[me] = {.incarnation = me, .name = name, .actor_address = address};
  heartbeats_[me] = std::move(heartbeat);
  std::erase_if(nodes_, [&](const auto& n) { return !live(n.first); });
}

std::vector<database::predecessor> database::predecessors(const std::string& name) const {
  std::vector<predecessor> all;
  for (const auto& [who, w] : writers_) {
    if (w.fenced || w.node != name) continue;
    const auto row = nodes_.find(who);
    all.push_back({who, row == nodes_.end() ? 0 : row->second.beat, heartbeats_.at(who)->alive});
  }
  return all;
}

void database::remove_node(incarnation who) { nodes_.erase(who); }

shard_row& database::changed(shard_id s) {
  auto& row = shards_[static_cast<std::size_t>(s)];
  ++row.version;
  ++routes_version_;
  shards_read_ = nullptr;
  return row;
}

void database::leave(incarnation who) {
  nodes_.erase(who);
  for (shard_id s = 0; s < shards_count; ++s) {
    if (shard(s).owner != who) continue;
    auto& row = changed(s);
    row.owner = row.target = 0;
  }
  writers_.at(who).fenced = true;
}

bool database::beat(incarnation me) {
  const auto row = nodes_.find(me);
  if (row == nodes_.end() || !live(me)) return false;
  ++row->second.beat;
  return true;
}

void database::tell_reach(incarnation me, std::vector<incarnation> reaches) {
  if (const auto row = nodes_.find(me); row != nodes_.end()) row->second.reaches = std::move(reaches);
}

void database::tell_leaving(incarnation me) {
  if (const auto row = nodes_.find(me); row != nodes_.end()) row->second.leaving = true;
}

std::vector<node_row> database::read_nodes() const {
  std::vector<node_row> all;
  for (const auto& [who, row] : nodes_) {
    all.push_back(row);
    all.back().connected = heartbeats_.at(who)->alive;
    if (const auto wish = wishes.find(row.name); wish != wishes.end()) {
      all.back().weight = wish->second.weight;
      all.back().drained = wish->second.drained;
    }
  }
  return all;
}

rows_reading database::read_rest() {
  if (!shards_read_) shards_read_ = std::make_shared<const std::vector<shard_row>>(shards_);
  return {shards_read_, routes_version_, pins, moves_asked, coordinator_, rebalance_asked};
}

std::int64_t database::take_role(incarnation me, std::int64_t seen_term) {
  if (coordinator_.term != seen_term) return 0;
  coordinator_.holder = me;
  ++coordinator_.beat;
  return ++coordinator_.term;
}

bool database::renew_role(incarnation me, std::int64_t term) {
  if (!has_role(me, term)) return false;
  ++coordinator_.beat;
  return true;
}

void database::give(incarnation me, std::int64_t term, const std::vector<gift>& given) {
  if (!has_role(me, term)) return;
  const bool unchecked = bug_ == planted::fence_not_waited_for || bug_ == planted::gift_without_fence;
  for (const auto& g : given) {
    const auto& seen = shard(g.shard);
    if (seen.version != g.version || !nodes_.contains(g.to) || (seen.owner != 0 && live(seen.owner) && !unchecked))
      continue;
    auto& row = changed(g.shard);
    row.owner = g.to;
    row.target = 0;
    row.after_fence = g.after_fence;
    ++gifts;
  }
}

void database::begin_moves(incarnation me, std::int64_t term, const std::vector<beginning_move>& moves) {
  if (!has_role(me, term)) return;
  for (const auto& m : moves) {
    const auto& seen = shard(m.shard);
    if (seen.version != m.version || seen.owner != m.from || seen.target != 0 || !nodes_.contains(m.to)) continue;
    changed(m.shard).target = m.to;
    std::erase_if(moves_asked, [&](const move_wish& w) { return w.id == m.wish; });
  }
}

void database::call_off(incarnation me, std::int64_t term, const std::vector<called_off>& moves) {
  if (!has_role(me, term)) return;
  for (const auto& m : moves) {
    const auto& seen = shard(m.shard);
    if (seen.version == m.version && seen.target != 0) changed(m.shard).target = 0;
  }
}

void database::finish_rebalance(incarnation me, std::int64_t term) {
  if (has_role(me, term)) rebalance_asked = false;
}

std::vector<bool> database::hand_over(incarnation me, const std::vector<keyrack::hand_over>& what) {
  std::vector<bool> done;
  for (const auto& h : what) {
    const auto& seen = shard(h.shard);
    if (seen.owner == me && seen.target == h.target && seen.version == h.version && nodes_.contains(h.target)) {
      auto& row = changed(h.shard);
      row.owner = h.target;
      row.target = 0;
      row.after_fence = false;
      ++hand_overs;
    }
    done.push_back(seen.owner != me);
  }
  return done;
}

}  // namespace keyrack::sim
