#include "deploy/commands/planner.hpp"

#include "cluster/plan.hpp"

namespace keyrack::deploy {

persistence::move_planner coordinators_planner() {
  static constexpr cluster::plan_limits all{.moves_max = 2 * shards_count};  // those under way count, too
  return {.upkeep = [](const cluster_rows& rows) { return cluster::plan(rows, {}, all).move; },
          .rebalance = cluster::plan_rebalance,
          .at_a_time = cluster::plan_limits{}.moves_max};
}

}  // namespace keyrack::deploy
