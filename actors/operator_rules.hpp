// What an operator may do to the cluster, and what there is to worry about: pure, from the rows as they are. Refuses to know
// SQL and HTTP, and which shard goes where.
#pragma once

#include "actors/operations.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace keyrack {

/// The cluster as of one reading, for operators.
struct operators_view {
  cluster_rows rows;
  std::vector<absent_node> absent;
  std::vector<move_row> open;  ///< asked for or under way
};

// Nothing: it may be done. Looked at in the order of the codes.
std::optional<failure> refuse_drain(const operators_view& seen, const std::string& node);
std::optional<failure> refuse_resume(const operators_view& seen, const std::string& node);
std::optional<failure> refuse_weight(const operators_view& seen, const std::string& node, int weight);
std::optional<failure> refuse_pin(const operators_view& seen, shard_id shard, const std::string& node);
std::optional<failure> refuse_unpin(shard_id shard);
/// A move that is open to that same node is not refused: it is the answer.
std::optional<failure> refuse_move(const operators_view& seen, shard_id shard, const std::string& node);
std::optional<failure> refuse_rebalance(const operators_view& seen);

/// The open move of a shard, or null; one that is under way before one that waits.
const move_row* open_move_of(const operators_view& seen, shard_id shard);

/// The later of a name's lives; null when no node of that name is there.
const node_row* node_named(const cluster_rows& rows, const std::string& name);
/// Empty when it is not there.
std::string name_of(const cluster_rows& rows, incarnation_id who);
/// How many shards it owns.
int shards_of(const cluster_rows& rows, incarnation_id who);

/// Counts and names everything but the beats, which are not in the rows, and the concerns.
cluster_status status_of(const operators_view& seen);

/// Moves as ways: in the order of their names.
std::vector<shard_flow> flows_of(const cluster_rows& rows, const std::vector<beginning_move>& moves);
/// What every node has before and after, by name.
std::vector<node_balance> balance_of(const cluster_rows& rows, const std::vector<beginning_move>& moves);

/// Long gone, with nothing wished of it and nothing pinned to it: a name that operators need not see any more.
bool is_forgotten(const absent_node& node, instant now);

/// What is not well, most urgent first, each with what to do. `grace`: after which silence a node is given up.
std::vector<std::string> concerns_of(const cluster_status& status, std::chrono::milliseconds grace);

}  // namespace keyrack
