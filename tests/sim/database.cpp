// The server: sessions, transactions, the standby, and what can be read.
#include "tests/sim/database.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

void database::end_all() {
  for (const auto& s : std::exchange(sessions_, {})) end(s);
}

void database::go_away(duration time) {
  if (!up_) return;
  up_ = false;
  end_all();
  world_.after(time, [this] { up_ = true; });
}

session_ptr database::connect(incarnation who, role as, duration lock_timeout) {
  std::erase_if(sessions_, [](const session_ptr& s) { return !s->alive; });
  sessions_.push_back(std::make_shared<session>(
      session{.who = who, .as = as, .lock_timeout = lock_timeout, .lineage = lineage_, .open = {}}));
  if (as == role::heartbeat) heartbeats_[who] = sessions_.back();
  return sessions_.back();
}

void database::end(const session_ptr& s) {
  s->alive = false;
  if (const auto open = s->open.lock()) abort(open);
}

void database::end_sessions(incarnation who) {
  locks_.in_any_order(std::vector{sessions_}, [&](const session_ptr& s) {
    if (s->who == who) end(s);
  });
}

void database::end_sessions(incarnation who, role as) {
  locks_.in_any_order(std::vector{sessions_}, [&](const session_ptr& s) {
    if (s->who == who && s->as == as) end(s);
  });
}

int database::end_namesakes(const session_ptr& s) {
  int count = 0;
  for (const auto& other : std::vector{sessions_}) {
    if (other == s || !other->alive || other->who != s->who || other->as != s->as) continue;
    ++count;
    end(other);
  }
  return count;
}

transaction_ptr database::begin(const session_ptr& s) {
  if (!up_ || !s->alive) return nullptr;
  if (const auto open = s->open.lock(); open && !open->ended) return nullptr;
  auto t = std::make_shared<transaction>();
  t->by = s;
  s->open = t;
  return t;
}

void database::commit(const transaction_ptr& t, std::function<void()> done) {
  if (t->ended || t->committing) return;
  if (!standby_ || t->effects.empty()) {
    finish(t);
    return done();
  }
  for (const auto& effect : t->effects) standby_->tail.push_back(effect);
  standby_->written += t->effects.size();
  t->committing = true;
  const auto received = std::max(world_.now() + world_.between(0us, standby_->lag), standby_->held_until);
  world_.after(received - world_.now(), [this, t, at = standby_->written, here = lineage_, done = std::move(done)] {
    if (lineage_ != here) return;
    receive(at);
    if (t->ended) return;
    finish(t);
    done();
  });
}

void database::finish(const transaction_ptr& t) {
  t->ended = true;
  for (const auto& effect : t->effects) effect(now_);
  locks_.release(t);
}

// What was only executed is gone. What waits for the standby is in the primary's journal, and is seen from now on.
void database::abort(const transaction_ptr& t) {
  if (std::exchange(t->ended, true)) return;
  if (t->committing) {
    for (const auto& effect : t->effects) effect(now_);
  }
  locks_.release(t);
  if (t->broken) t->broken();
}

void database::watch_lock_timeout(const transaction_ptr& t) {
  if (t->by->lock_timeout.count() == 0) return;
  world_.after(t->by->lock_timeout, [this, t, n = t->waits] {
    if (t->ended || !t->waiting || t->waits != n) return;
    ++lock_timeouts;
    t->ended = true;
    locks_.release(t);
    if (t->timed_out) t->timed_out();
  });
}

void database::change(const std::function<void(tables&)>& how) {
  how(now_);
  if (!standby_) return;
  standby_->tail.push_back(how);
  ++standby_->written;
}

void database::add_standby(duration lag) { standby_.emplace(standby{.rows = now_, .lag = lag, .tail = {}}); }

void database::hold_standby(duration time) {
  if (standby_) standby_->held_until = world_.now() + time;
}

void database::receive(std::uint64_t up_to) {
  const auto count = std::min<std::uint64_t>(up_to - std::min(up_to, standby_->received), standby_->tail.size());
  for (std::size_t i = 0; i < count; ++i) standby_->tail[i](standby_->rows);
  standby_->tail.erase(standby_->tail.begin(), standby_->tail.begin() + static_cast<std::ptrdiff_t>(count));
  standby_->received += count;
}

void database::fail_over(bool with_tail, duration time) {
  if (!up_ || !standby_) return;
  world_.trace("fail over", with_tail);
  up_ = false;
  if (with_tail) receive(standby_->written);
  end_all();
  now_ = std::move(standby_->rows);
  standby_.reset();
  ++lineage_;
  shards_read_version_ = -1;
  world_.after(time, [this] { up_ = true; });
}

std::uint64_t database::last_seq(hotel_id hotel) {
  const auto& all = now_.commits[hotel];
  return all.empty() ? 0 : all.rbegin()->second.last_seq;
}

std::shared_ptr<const event> database::event_at(hotel_id hotel, std::uint64_t seq) {
  const auto& all = now_.commits[hotel];
  auto row = all.upper_bound(seq);
  if (row == all.begin()) return nullptr;
  --row;
  if (seq > row->second.last_seq) return nullptr;
  return {row->second.what, &row->second.what->events[seq - row->first]};
}

void database::each_event(hotel_id hotel, std::uint64_t after, std::uint64_t up_to,
                          const std::function<void(const event&)>& visit) {
  const auto& all = now_.commits[hotel];
  auto row = all.upper_bound(after);
  if (row != all.begin()) --row;
  for (; row != all.end() && row->first <= up_to; ++row) {
    for (const auto& e : row->second.what->events) {
      if (e.seq > after && e.seq <= up_to) visit(e);
    }
  }
}

std::vector<persistence::found_commit> database::look(incarnation me, const std::vector<commit_ptr>& at) const {
  using persistence::found_commit;
  std::vector<found_commit> found;
  for (const auto& c : at) {
    const auto hotel = now_.commits.find(c->hotel);
    const auto* rows = hotel == now_.commits.end() ? nullptr : &hotel->second;
    const auto row = rows ? rows->find(c->first_seq()) : decltype(rows->find(0)){};
    if (!rows || row == rows->end()) {
      found.push_back(found_commit::absent);
    } else {
      const bool mine =
          row->second.writer == me && row->second.last_seq == c->last_seq() && row->second.what->events == c->events;
      found.push_back(mine ? found_commit::mine : found_commit::foreign);
    }
  }
  return found;
}

std::vector<database::predecessor> database::predecessors(const std::string& name) const {
  std::vector<predecessor> all;
  for (const auto& [id, w] : now_.writers) {
    if (w.fenced || w.node != name || (!all.empty() && all.back().who == id.who)) continue;
    const auto row = now_.nodes.find(id.who);
    const auto heartbeat = heartbeats_.find(id.who);
    all.push_back({.who = id.who,
                   .beat = row == now_.nodes.end() ? 0 : row->second.beat,
                   .connected = heartbeat != heartbeats_.end() && heartbeat->second->alive});
  }
  return all;
}

bool database::fenced(incarnation who) const {
  for (auto w = now_.writers.lower_bound({who, 0}); w != now_.writers.end() && w->first.who == who; ++w) {
    if (w->second.fenced) return true;
  }
  return false;
}

std::vector<node_row> database::read_nodes() const {
  std::vector<node_row> all;
  for (const auto& [who, row] : now_.nodes) {
    all.push_back(row);
    const auto heartbeat = heartbeats_.find(who);
    all.back().connected = heartbeat != heartbeats_.end() && heartbeat->second->alive;
    if (const auto wish = wishes.find(row.name); wish != wishes.end()) {
      all.back().weight = wish->second.weight;
      all.back().drained = wish->second.drained;
    }
  }
  return all;
}

rows_reading database::read_rest() {
  if (std::exchange(shards_read_version_, now_.routes_version) != now_.routes_version) {
    shards_read_ = std::make_shared<const std::vector<shard_row>>(now_.shards);
  }
  return {shards_read_, now_.routes_version, pins, now_.moves_asked, now_.coordinator, now_.rebalance_asked};
}

}  // namespace keyrack::sim
