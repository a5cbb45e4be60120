// How long it took what happens to shards, for metrics: fences, fail-overs, moves, hand-overs; each from what this node saw
// first to what it saw last, by its own steady clock, for there is no other that it could trust. Decides nothing, and nothing
// is decided by it. Told by the membership's thread and the region's; refuses to know why anything was done.
//
//   a node:    its count moved ──────────────── fenced, by this node ──────────────► fence_seconds
//                    └───────────────── all of its shards that came here are served ► failover_seconds
//   a shard:   begun by this node ─────────────── seen at its new owner ───────────► move_seconds
//              stopped by the region ──────────── handed over, durably ────────────► hand_over_seconds
#pragma once

#include "actors/cluster_ports.hpp"
#include "cluster/region.hpp"
#include "config/metrics.hpp"

#include <array>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::cluster {

/// Of one incarnation. Any thread.
class chronicle {
public:
  chronicle(incarnation_id me, cluster_metrics& counters) : me_(me), counters_(counters) {}

  /// Rows as they were read, before anybody acts on them. `asked_at` is before the reading, `now` after it.
  void on_look(const cluster_rows& rows, steady_instant asked_at, steady_instant now);

  // What this node has done as coordinator, once it is durable.
  void on_fenced(incarnation_id who, std::string_view reason, steady_instant now);
  void on_moves_begun(const std::vector<beginning_move>& moves, steady_instant now);
  void on_called_off(const std::vector<called_off>& moves);

  /// What the region has done: shards that it stopped for their next owner, serves from now on, and has handed over.
  void on_region(const region::effects& done, steady_instant now);

private:
  struct heartbeats {
    std::int64_t count = 0;
    steady_instant moved_at;  // the count, as of the look that saw it first
  };
  struct begun_move {
    std::int64_t version = 0;  // of the row before
    incarnation_id to = 0;
    steady_instant at;
    std::string reason;
  };
  void count_shards(const cluster_rows& rows, const std::set<incarnation_id>& there);
  void follow_beats(const cluster_rows& rows, steady_instant asked_at);
  void follow_owners(const cluster_rows& rows, const std::set<incarnation_id>& there);
  void follow_moves(const cluster_rows& rows, steady_instant now);
  void on_serving(const std::vector<shard_id>& shards, steady_instant now);
  void forget_the_dead(const cluster_rows& rows, const std::set<incarnation_id>& there);

  const incarnation_id me_;
  cluster_metrics& counters_;
  std::mutex mutex_;
  std::map<incarnation_id, heartbeats> beats_;  // of who is there, and of the dead whose shards are not served yet
  std::array<incarnation_id, shards_count> owners_{};
  std::map<shard_id, incarnation_id> inherited_;  // shards of mine that are not served yet, and whose they were
  std::map<shard_id, begun_move> begun_;
  std::map<shard_id, steady_instant> stopped_at_;  // shards of mine that are not served, because they move
};

}  // namespace keyrack::cluster
