// Reads what operators look at: the cluster's rows, the nodes that are not there, moves, and how long moves take. Owns those
// statements; what is made of them is in actors/operator_rules.
#pragma once

#include "actors/operator_rules.hpp"
#include "persistence/pg_connection.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <vector>

namespace keyrack::persistence {

/// Who plans, and is not known here. Pure.
struct move_planner {
  using plan = std::function<std::vector<beginning_move>(const cluster_rows&)>;
  plan upkeep;        ///< every move that the coordinator would begin now, however many
  plan rebalance;     ///< every move that makes places exactly even
  int at_a_time = 1;  ///< moves under way at once
};

/// What tells how long moves will take.
struct move_pace {
  instant now{};            ///< the database's
  std::int64_t hotels = 0;  ///< in the whole database, about
  std::optional<std::chrono::milliseconds> each_p50;
};

std::expected<operators_view, pg_error> read_operators_view(pg_connection& c, call_deadline deadline);
std::expected<move_pace, pg_error> read_move_pace(pg_connection& c, call_deadline deadline);
/// Adds how long ago each node has beaten, and since when it is there.
std::expected<void, pg_error> read_beats(pg_connection& c, cluster_status& into, call_deadline deadline);

/// A row of `moves`, selected as `move_columns`.
move_row move_of(const pg_rows& rows, int row);
#define KEYRACK_MOVE_COLUMNS "id, shard, from_node, to_node, reason, outcome, detail, asked_at, begun_at, ended_at"

move_cost cost_of(int shards, const move_pace& pace, const move_planner& planner);

}  // namespace keyrack::persistence
