// What the coordinator does next: pure, from the rows as they are and from what this node has seen itself, not from history.
// So any node can take the role over at any moment and goes on where the rows stand. Refuses to know SQL, time and links.
//
//   a node:    there ── silent, or its port refuses and its heartbeat's backend is gone ──► fenced (its row goes)
//   a shard:   nobody's, or owned by nobody who is there ── give ──► owned
//              owned ── begin_move ──► moving ── the owner hands over ──► owned by the target
//                                         └──── target gone, too late ── call_off ──► owned
#pragma once

#include "actors/cluster_ports.hpp"

#include <set>
#include <string_view>
#include <vector>

namespace keyrack::cluster {

/// What this node knows beside the rows.
struct plan_hints {
  incarnation_id me = 0;
  std::set<incarnation_id> silent;   ///< beats stood still beyond the grace
  std::set<incarnation_id> refused;  ///< the link broke and the port refuses
  std::set<incarnation_id> cut_off;  ///< outside the largest group of nodes that reach each other, for long enough
  std::set<shard_id> late;           ///< moves that have missed their deadline
  std::set<shard_id> resting;        ///< moves that were called off for that not long ago: not begun again yet
};

struct plan_limits {
  int moves_max = 32;  ///< under way at a time, so that none of them takes long
  /// The same while some are from nodes that others cannot reach. Guests miss those hotels already, and no hint tells such an
  /// owner of the next round: each costs a look or two of both. In few rounds they are back sooner than in many short ones.
  int moves_max_cut_off = 128;
};

/// Why a move is called off that has missed its deadline.
inline constexpr std::string_view too_late = "too late";

struct fencing {
  incarnation_id who = 0;
  std::string_view reason;
  bool operator==(const fencing&) const = default;
};

/// In the order in which they are carried out. Who is to be fenced has no part in the rest: what a fence changes is seen in
/// the rows after it, and one that does not succeed holds nobody up.
struct plan_actions {
  std::vector<fencing> fence;
  std::vector<gift> give;
  std::vector<called_off> call_off;
  std::vector<beginning_move> move;
  std::vector<refused_wish> refuse;
  bool rebalanced = false;  ///< an operator's rebalance has nothing left to move
  bool only_fences() const { return give.empty() && call_off.empty() && move.empty() && refuse.empty() && !rebalanced; }
  bool empty() const { return fence.empty() && only_fences(); }
};

plan_actions plan(const cluster_rows& view, const plan_hints& hints, const plan_limits& limits);

/// Every move that would make the shards' places exactly even: what a rebalance does. For an operator's dry run.
std::vector<beginning_move> plan_rebalance(const cluster_rows& view);

/// The nodes outside the largest group whose members all say that they reach each other; of equal groups the one with the
/// coordinator stays. Empty when all reach all, or when nothing can be said yet.
std::set<incarnation_id> outside_largest_group(const cluster_rows& view);

}  // namespace keyrack::cluster
