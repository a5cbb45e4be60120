// What one node has seen of the others by itself, for `plan` and for who is to coordinate: whose count stands still, whose
// port refuses, who is outside the group, who has come and cannot be reached, which moves are late. Pure: readings and times
// are its arguments, and all of them are of this node's own steady clock. Refuses to know what is done about it.
#pragma once

#include "actors/cluster_ports.hpp"
#include "cluster/plan.hpp"
#include "cluster/silence.hpp"

#include <map>
#include <set>
#include <vector>

namespace keyrack::cluster {

class lookout {
public:
  struct patience {
    std::chrono::nanoseconds grace;          ///< with a count that stands still
    std::chrono::nanoseconds move_deadline;  ///< with a move, and between two attempts at one that came too late
  };
  /// This node's links, both in order.
  struct links {
    std::vector<incarnation_id> linked;
    std::vector<incarnation_id> refused;  ///< nobody listens there: the process is gone, or a firewall rejects
  };

  lookout(incarnation_id me, patience waits);

  /// The rows as read at `now`, which were asked for at `asked_at`, and the links as they are.
  void observe(const cluster_rows& rows, links seen, steady_instant asked_at, steady_instant now);

  /// Whether the coordinator of these rows, the last that were observed, cannot go on.
  bool holder_is_gone(const cluster_rows& rows) const;

  /// What a coordinator has to know beside these rows, the last that were observed.
  plan_hints hints(const cluster_rows& rows, steady_instant now);

  /// The coordinator has called these moves off.
  void on_called_off(const std::vector<called_off>& moves, steady_instant now);

  /// Some port refuses, so that something is about to change in the rows.
  bool expects_change() const { return !links_.refused.empty(); }

private:
  void find_late_moves(const cluster_rows& rows, steady_instant now, plan_hints& out);
  void find_strangers(const cluster_rows& rows, plan_hints& out) const;

  struct seen_move {
    std::int64_t version = 0;
    steady_instant since;
  };
  const incarnation_id me_;
  const patience waits_;
  silence beats_;
  silence role_beats_;
  links links_;
  std::set<incarnation_id> outside_;  // of the largest group, and since when that stands still
  steady_instant outside_since_{};
  std::map<shard_id, seen_move> moves_seen_;
  std::map<shard_id, steady_instant> resting_until_;  // shards whose move was called off as too late
};

}  // namespace keyrack::cluster
