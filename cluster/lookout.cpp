#include "cluster/lookout.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

lookout::lookout(incarnation_id me, patience waits)
    : me_(me), waits_(waits), beats_(waits.grace, waits.grace / 2), role_beats_(waits.grace, waits.grace / 2) {}

void lookout::observe(const cluster_rows& rows, links seen, steady_instant asked_at, steady_instant now) {
  std::vector<silence::count> beats;
  for (const auto& n : rows.nodes) beats.push_back({n.incarnation, n.beat});
  beats_.observe(beats, asked_at);
  role_beats_.observe({{rows.coordinator.holder, rows.coordinator.beat}}, asked_at);
  links_ = std::move(seen);
  auto outside = outside_largest_group(rows);
  if (outside == outside_) return;
  outside_ = std::move(outside);
  outside_since_ = now;
}

bool lookout::holder_is_gone(const cluster_rows& rows) const {
  const auto holder = rows.coordinator.holder;
  const auto* node = rows.find(holder);
  if (node == nullptr || node->leaving || !role_beats_.silent().empty()) return true;
  if (!node->connected && std::ranges::binary_search(links_.refused, holder)) return true;
  return std::ranges::binary_search(beats_.silent(), holder);
}

plan_hints lookout::hints(const cluster_rows& rows, steady_instant now) {
  plan_hints out{.me = me_};
  for (const auto who : beats_.silent()) out.silent.insert(who);
  out.refused.insert(links_.refused.begin(), links_.refused.end());
  find_late_moves(rows, now, out);
  // Links take a moment to be made: who is outside counts only when that has stood still for a while. What broke them has
  // stood still for longer already, or they would not count as broken.
  if (now - outside_since_ >= waits_.grace / 4) out.cut_off = outside_;
  find_strangers(rows, out);
  return out;
}

// From when this node first saw the move: a new coordinator begins anew.
void lookout::find_late_moves(const cluster_rows& rows, steady_instant now, plan_hints& out) {
  std::map<shard_id, seen_move> moving;
  for (std::size_t s = 0; s < rows.shards.size(); ++s) {
    const auto& row = rows.shards[s];
    if (row.target == 0) continue;
    const auto shard = static_cast<shard_id>(s);
    const auto known = moves_seen_.find(shard);
    const bool same = known != moves_seen_.end() && known->second.version == row.version;
    const auto seen = same ? known->second : seen_move{row.version, now};
    moving.emplace_hint(moving.end(), shard, seen);
    if (now - seen.since >= waits_.move_deadline) out.late.insert(shard);
  }
  moves_seen_ = std::move(moving);
  std::erase_if(resting_until_, [&](const auto& r) { return r.second <= now; });
  for (const auto& [shard, until] : resting_until_) out.resting.insert(shard);
}

// Who has come and cannot be reached, by a wrong address or another version, gets nothing before it can: its guests would
// wait until it counts as cut off. Who has shards keeps them over a broken link, for as long as that takes; and shards that
// nobody answers for are given to whoever is there, as when all nodes start at once.
void lookout::find_strangers(const cluster_rows& rows, plan_hints& out) const {
  std::vector<const node_row*> unknown;
  for (const auto& n : rows.nodes) {
    const bool reaches_me = std::ranges::find(n.reaches, me_) != n.reaches.end();
    const bool linked = reaches_me && std::ranges::binary_search(links_.linked, n.incarnation);
    if (n.incarnation != me_ && !linked) unknown.push_back(&n);
  }
  if (unknown.empty()) return;
  incarnation_id there = me_;  // the owner of the shard before, which most often owns the next one
  for (const auto& s : rows.shards) {
    if (s.owner != there && rows.find(s.owner) == nullptr) return;
    there = s.owner;
    std::erase_if(unknown, [&](const node_row* n) { return n->incarnation == s.owner || n->incarnation == s.target; });
  }
  for (const auto* n : unknown) out.cut_off.insert(n->incarnation);
}

// What made a move miss its deadline is most often still there: at once again, it would only stop the shard once more.
void lookout::on_called_off(const std::vector<called_off>& moves, steady_instant now) {
  for (const auto& m : moves) {
    if (m.reason == too_late) resting_until_[m.shard] = now + waits_.move_deadline;
  }
}

}  // namespace keyrack::cluster
