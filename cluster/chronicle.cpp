#include "cluster/chronicle.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

namespace {

/// "cut off" → "cut_off": as labels are written.
std::string label(std::string_view words) {
  std::string out{words};
  std::ranges::replace(out, ' ', '_');
  return out;
}

std::set<incarnation_id> who_is_there(const cluster_rows& rows) {
  std::set<incarnation_id> there;
  for (const auto& n : rows.nodes) there.insert(n.incarnation);
  return there;
}

}  // namespace

void chronicle::on_look(const cluster_rows& rows, steady_instant asked_at, steady_instant now) {
  const std::scoped_lock lock{mutex_};
  const auto there = who_is_there(rows);
  count_shards(rows, there);
  follow_beats(rows, asked_at);
  follow_owners(rows, there);
  follow_moves(rows, now);
  forget_the_dead(rows, there);
}

void chronicle::count_shards(const cluster_rows& rows, const std::set<incarnation_id>& there) {
  const auto without = std::ranges::count_if(rows.shards, [&](const shard_row& s) { return !there.contains(s.owner); });
  const auto moving = std::ranges::count_if(rows.shards, [](const shard_row& s) { return s.target != 0; });
  counters_.shards_without_owner.set(static_cast<double>(without));
  counters_.moves_under_way.set(static_cast<double>(moving));
}

void chronicle::follow_beats(const cluster_rows& rows, steady_instant asked_at) {
  for (const auto& n : rows.nodes) {
    const auto [seen, first] = beats_.try_emplace(n.incarnation, n.beat, asked_at);
    if (!first && seen->second.count != n.beat) seen->second = {n.beat, asked_at};
  }
}

void chronicle::follow_owners(const cluster_rows& rows, const std::set<incarnation_id>& there) {
  for (std::size_t i = 0; i < rows.shards.size(); ++i) {
    const auto shard = static_cast<shard_id>(i);
    const auto& row = rows.shards[i];
    const auto before = std::exchange(owners_[i], row.owner);
    if (row.owner != me_) {
      inherited_.erase(shard);  // gone before it was served
      continue;
    }
    const bool of_the_dead = row.after_fence && before != me_ && !there.contains(before) && beats_.contains(before);
    if (of_the_dead) inherited_[shard] = before;
  }
}

// A begun move's row is one version on; handed over, it is another one on and the target's. Anything else was no move, or
// not only one: a row that was not as it had been seen, or a call-off, which is counted by who did it.
void chronicle::follow_moves(const cluster_rows& rows, steady_instant now) {
  for (auto i = begun_.begin(); i != begun_.end();) {
    const auto& row = rows.shards[static_cast<std::size_t>(i->first)];
    const auto& m = i->second;
    if (row.version == m.version + 1 && row.target == m.to) {
      ++i;
      continue;
    }
    const bool moved = row.version == m.version + 2 && row.owner == m.to;
    if (moved) counters_.move_seconds.of({m.reason}).observe(now - m.at);
    i = begun_.erase(i);
  }
}

void chronicle::forget_the_dead(const cluster_rows& rows, const std::set<incarnation_id>& there) {
  std::set<incarnation_id> owners;
  for (const auto& s : rows.shards) owners.insert(s.owner);
  for (const auto& [shard, whose] : inherited_) owners.insert(whose);
  std::erase_if(beats_, [&](const auto& b) { return !there.contains(b.first) && !owners.contains(b.first); });
}

void chronicle::on_fenced(incarnation_id who, std::string_view reason, steady_instant now) {
  const std::scoped_lock lock{mutex_};
  counters_.fences.of({label(reason)}).add();
  if (const auto seen = beats_.find(who); seen != beats_.end()) {
    counters_.fence_seconds.of({label(reason)}).observe(now - seen->second.moved_at);
  }
}

void chronicle::on_moves_begun(const std::vector<beginning_move>& moves, steady_instant now) {
  const std::scoped_lock lock{mutex_};
  for (const auto& m : moves) {
    counters_.moves_begun.of({label(m.reason)}).add();
    begun_[m.shard] = {.version = m.version, .to = m.to, .at = now, .reason = label(m.reason)};
  }
}

void chronicle::on_called_off(const std::vector<called_off>& moves) {
  for (const auto& m : moves) counters_.moves_called_off.of({label(m.reason)}).add();
}

void chronicle::on_region(const region::effects& done, steady_instant now) {
  if (done.stopping.empty() && done.serving.empty() && done.gone.empty()) return;
  const std::scoped_lock lock{mutex_};
  for (const auto shard : done.stopping) stopped_at_.try_emplace(shard, now);
  for (const auto shard : done.serving) stopped_at_.erase(shard);
  for (const auto& h : done.gone) {
    const auto stopped = stopped_at_.find(h.shard);
    if (stopped == stopped_at_.end()) continue;
    counters_.hand_over_seconds.observe(now - stopped->second);
    stopped_at_.erase(stopped);
  }
  on_serving(done.serving, now);
}

void chronicle::on_serving(const std::vector<shard_id>& shards, steady_instant now) {
  std::set<incarnation_id> whose;
  for (const auto shard : shards) {
    const auto found = inherited_.find(shard);
    if (found == inherited_.end()) continue;
    whose.insert(found->second);
    inherited_.erase(found);
    counters_.shards_inherited.add();
  }
  for (const auto dead : whose) {
    const bool more = std::ranges::any_of(inherited_, [&](const auto& i) { return i.second == dead; });
    if (const auto seen = beats_.find(dead); !more && seen != beats_.end()) {
      counters_.failover_seconds.observe(now - seen->second.moved_at);
    }
  }
}

}  // namespace keyrack::cluster
