// The `operations` port over PostgreSQL: the way from a callback to operations_questions, over a connection of its own.
#pragma once

#include "actors/operations.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "persistence/operations_view.hpp"
#include "persistence/records_pool.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace keyrack::persistence {

class pg_operations final : public operations {
public:
  struct environment {
    database_settings database;
    move_planner planner;
    std::chrono::milliseconds grace{};  ///< after which silence a node is given up
    records_metrics& counted;           ///< outlives it
  };
  /// The database may be away: answers are then `unavailable`.
  explicit pg_operations(environment env);

  void status(steady_instant deadline, then<cluster_status> tell) override;
  void where(hotel_id hotel, steady_instant deadline, then<hotel_place> tell) override;
  void list_moves(std::optional<std::int64_t> before, int limit, steady_instant deadline,
                  then<move_page> tell) override;
  void set_drained(std::string node, bool drained, steady_instant deadline, then<node_change> tell) override;
  void set_weight(std::string node, int weight, steady_instant deadline, then<node_change> tell) override;
  void pin(shard_id shard, std::string node, steady_instant deadline, then<pin_change> tell) override;
  void unpin(shard_id shard, steady_instant deadline, then<pin_change> tell) override;
  void move(shard_id shard, std::string node, steady_instant deadline, then<move_row> tell) override;
  void rebalance(bool dry_run, steady_instant deadline, then<rebalance_answer> tell) override;

private:
  const move_planner planner_;
  const std::chrono::milliseconds grace_;
  records_pool pool_;  // last: its threads use what is above
};

}  // namespace keyrack::persistence
