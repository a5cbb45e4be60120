#include "cluster/region.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>

namespace keyrack::cluster {

namespace {

const failure lost_place{errc::fenced, outcome::not_applied, "this node lost its place"};
const failure leaving{errc::moving, outcome::not_applied, "this node is leaving"};
const failure elsewhere{errc::moving, outcome::not_applied, "the hotel is not at this node, or on its way"};

}  // namespace

failure region::why_not() const {
  if (fenced_) return lost_place;
  return closed_ ? leaving : elsewhere;
}

bool region::is_drawn(shard_state from, shard_state to) {
  using enum shard_state;
  switch (to) {
  case absent: return true;
  case waiting: return from == absent || from == handing_over;
  case owned: return true;
  case announced: return from == owned || from == announced;
  case stopping: return true;
  case handing_over: return from == stopping;
  }
  return false;
}

void region::become(shard& s, shard_state to) {
  KEYRACK_ASSERT(is_drawn(s.state, to));
  s.state = to;
}

void region::on_rows(std::span<const shard_row> rows, steady_instant now, effects& out) {
  KEYRACK_ASSERT(rows.size() == shards_.size());
  if (closed_) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto id = static_cast<shard_id>(i);
    const auto& row = rows[i];
    auto& s = shards_[i];
    if (row.version <= s.version) continue;  // read before what is known already
    s.version = row.version;
    s.target = row.target;
    if (row.owner != me_) {
      lose(id, out);
      continue;
    }
    s.after_fence = row.after_fence;
    if (s.state != shard_state::waiting) s.serve_from = now + bounds_.wait_after_fence;
    s.stop_from = now + bounds_.prepare_for;
    if (s.state == shard_state::absent) {
      arrive(id, out);
    } else if (serves(id) || s.state == shard_state::stopping) {
      own(id, out);
    }
    // Waiting: it serves first. Handing over: the statement's end decides.
  }
}

// Mine, and it was another's.
void region::arrive(shard_id id, effects& out) {
  auto& s = at(id);
  if (s.after_fence) {
    become(s, shard_state::waiting);
  } else {
    own(id, out);
  }
}

// Mine, and nothing forbids serving: unless it is on its way to another.
void region::own(shard_id id, effects& out) {
  auto& s = at(id);
  if (s.target != 0) return let_go(id, out);
  if (!serves(id)) {
    out.admits_more = true;
    out.serving.push_back(id);
  }
  become(s, shard_state::owned);
}

// The next owner loads the hotels while they are served here: guests then wait only for what has come in between.
void region::let_go(shard_id id, effects& out) {
  auto& s = at(id);
  if (!serves(id) || s.hotels.empty()) return stop(id, out);
  become(s, shard_state::announced);
  out.announce.push_back({.shard = id, .version = s.version, .target = s.target, .hotels = s.hotels});
}

void region::on_prepared(shard_id id, std::int64_t version, effects& out) {
  const auto& s = at(id);
  if (!closed_ && s.state == shard_state::announced && s.version == version) stop(id, out);
}

void region::stop(shard_id id, effects& out) {
  auto& s = at(id);
  become(s, shard_state::stopping);
  out.stopping.push_back(id);
  for (const auto h : s.hotels) retire(h, false, out);
  hand_over_if_empty(id, out);
}

void region::hand_over_if_empty(shard_id id, effects& out) {
  auto& s = at(id);
  if (s.state != shard_state::stopping || !s.hotels.empty()) return;
  become(s, shard_state::handing_over);
  s.asked_at = s.version;
  out.hand_overs.push_back({.shard = id, .version = s.version, .target = s.target});
}

void region::on_handed_over(const hand_over& what, bool done, effects& out) {
  auto& s = at(what.shard);
  if (done) out.gone.push_back(what);
  if (closed_ || s.state != shard_state::handing_over || s.asked_at != what.version)
    return;  // its row was read meanwhile
  // A row of mine that is later than the hand-over's was read before this answer came: the shard is back already. After
  // zero rows a row that is later by two may be such a one, too, behind an attempt whose answer was lost.
  const bool back = done ? s.version > what.version : s.version > what.version + 1 && s.after_fence;
  if (back) return arrive(what.shard, out);
  if (done) {
    become(s, shard_state::absent);
    s.version = what.version + 1;  // what the row is now; older readings say that it is mine
    return;
  }
  // Zero rows, looked at: the row is still mine. If it has another target by now, that has been read.
  if (s.version == what.version) s.target = 0;
  become(s, shard_state::stopping);
  own(what.shard, out);
}

void region::on_time(steady_instant now, effects& out) {
  if (closed_) return;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const auto id = static_cast<shard_id>(i);
    if (shards_[i].state == shard_state::waiting && now >= shards_[i].serve_from) {
      own(id, out);
    } else if (shards_[i].state == shard_state::announced && now >= shards_[i].stop_from) {
      stop(id, out);
    }
  }
}

// The row is somebody else's. After a hand-over that is as it should be; otherwise this incarnation was fenced and has not
// heard of it yet, and nothing that its hotels still do will be taken.
void region::lose(shard_id id, effects& out) {
  auto& s = at(id);
  become(s, shard_state::absent);
  for (const auto h : s.hotels) retire(h, false, out);
}

void region::on_envelope(envelope_ptr e, effects& out) {
  if (!admits(e->hotel)) {
    const auto why = why_not();
    out.bounce.emplace_back(std::move(e), why);
    return;
  }
  wake(e->hotel, out);
  auto& h = hotels_.at(e->hotel);
  if (!h.retiring) {
    out.send.push_back(std::move(e));
  } else if (h.waiting.size() < bounds_.waiting_max) {
    h.waiting.push_back(std::move(e));
  } else {
    out.bounce.emplace_back(std::move(e),
                            failure{errc::overloaded, outcome::not_applied, "too many requests wait for this hotel"});
  }
}

bool region::wake(hotel_id id, effects& out) {
  if (!hotels_.try_emplace(id).second) return false;
  at(shard_of(id)).hotels.push_back(id);
  out.wake.push_back(id);
  return true;
}

void region::on_wake(hotel_id id, effects& out) {
  if (admits(id)) wake(id, out);
}

void region::on_sleepy(hotel_id id, effects& out) { retire(id, true, out); }

void region::retire(hotel_id id, bool snapshot, effects& out) {
  const auto found = hotels_.find(id);
  if (found == hotels_.end()) return;
  auto& h = found->second;
  if (!std::exchange(h.retiring, true)) out.retire.push_back({id, snapshot});
  if (admits(id)) return;
  for (auto& e : h.waiting) out.bounce.emplace_back(std::move(e), why_not());
  h.waiting.clear();
}

void region::on_gone(hotel_id id, effects& out) {
  auto node = hotels_.extract(id);
  if (node.empty()) return;
  const auto home = shard_of(id);
  std::erase(at(home).hotels, id);
  for (auto& e : node.mapped().waiting) on_envelope(std::move(e), out);
  if (!closed_) hand_over_if_empty(home, out);
}

void region::on_fenced(effects& out) {
  fenced_ = true;
  on_close(out);
}

void region::on_close(effects& out) {
  closed_ = true;
  std::vector<hotel_id> awake;
  awake.reserve(hotels_.size());
  for (const auto& [id, h] : hotels_) awake.push_back(id);
  for (const auto id : awake) retire(id, !fenced_, out);
}

region::shard_tally region::tally() const {
  shard_tally t;
  for (const auto& s : shards_) {
    t.serving += s.state == shard_state::owned || s.state == shard_state::announced ? 1 : 0;
    t.waiting += s.state == shard_state::waiting ? 1 : 0;
    t.leaving += s.state == shard_state::stopping || s.state == shard_state::handing_over ? 1 : 0;
  }
  return t;
}

int region::shards_owned() const {
  const auto t = tally();
  return t.serving + t.waiting + t.leaving;
}

bool region::serves(shard_id id) const {
  const auto state = at(id).state;
  return state == shard_state::owned || state == shard_state::announced;
}

std::optional<steady_instant> region::waits_until() const {
  std::optional<steady_instant> first;
  const auto consider = [&](steady_instant when) { first = first ? std::min(*first, when) : when; };
  for (const auto& s : shards_) {
    if (s.state == shard_state::waiting) consider(s.serve_from);
    if (s.state == shard_state::announced) consider(s.stop_from);
  }
  return first;
}

}  // namespace keyrack::cluster
