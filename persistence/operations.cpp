#include "persistence/operations.hpp"

#include "persistence/operations_questions.hpp"

#include <utility>

namespace keyrack::persistence {

namespace {

// Operators are few, and wait for each other anyway; guests' questions have connections of their own.
constexpr records_settings of_operators{.threads = 1, .queue_max = 64};

}  // namespace

pg_operations::pg_operations(environment env)
    : planner_(std::move(env.planner)),
      grace_(env.grace),
      pool_(std::move(env.database), of_operators, env.counted, 0) {}

void pg_operations::status(steady_instant deadline, then<cluster_status> tell) {
  put_question<cluster_status>(
      pool_, "cluster_status", false, deadline, std::move(tell),
      [this](pg_connection& c, call_deadline d) { return read_status(c, planner_, grace_, d); });
}

void pg_operations::where(hotel_id hotel, steady_instant deadline, then<hotel_place> tell) {
  put_question<hotel_place>(pool_, "cluster_where", false, deadline, std::move(tell),
                            [=](pg_connection& c, call_deadline d) { return find_hotel(c, hotel, d); });
}

void pg_operations::list_moves(std::optional<std::int64_t> before, int limit, steady_instant deadline,
                               then<move_page> tell) {
  put_question<move_page>(
      pool_, "cluster_moves", false, deadline, std::move(tell),
      [=](pg_connection& c, call_deadline d) { return persistence::list_moves(c, before, limit, d); });
}

void pg_operations::set_drained(std::string node, bool drained, steady_instant deadline, then<node_change> tell) {
  put_question<node_change>(pool_, drained ? "cluster_drain" : "cluster_resume", true, deadline, std::move(tell),
                            [this, node = std::move(node), drained](pg_connection& c, call_deadline d) {
                              return persistence::set_drained(c, planner_, node, drained, d);
                            });
}

void pg_operations::set_weight(std::string node, int weight, steady_instant deadline, then<node_change> tell) {
  put_question<node_change>(pool_, "cluster_weight", true, deadline, std::move(tell),
                            [this, node = std::move(node), weight](pg_connection& c, call_deadline d) {
                              return persistence::set_weight(c, planner_, node, weight, d);
                            });
}

void pg_operations::pin(shard_id shard, std::string node, steady_instant deadline, then<pin_change> tell) {
  put_question<pin_change>(
      pool_, "cluster_pin", true, deadline, std::move(tell),
      [shard, node = std::move(node)](pg_connection& c, call_deadline d) { return pin_shard(c, shard, node, d); });
}

void pg_operations::unpin(shard_id shard, steady_instant deadline, then<pin_change> tell) {
  put_question<pin_change>(pool_, "cluster_unpin", true, deadline, std::move(tell),
                           [shard](pg_connection& c, call_deadline d) { return unpin_shard(c, shard, d); });
}

void pg_operations::move(shard_id shard, std::string node, steady_instant deadline, then<move_row> tell) {
  put_question<move_row>(
      pool_, "cluster_move", true, deadline, std::move(tell),
      [shard, node = std::move(node)](pg_connection& c, call_deadline d) { return move_shard(c, shard, node, d); });
}

void pg_operations::rebalance(bool dry_run, steady_instant deadline, then<rebalance_answer> tell) {
  put_question<rebalance_answer>(
      pool_, "cluster_rebalance", !dry_run, deadline, std::move(tell),
      [this, dry_run](pg_connection& c, call_deadline d) { return persistence::rebalance(c, planner_, dry_run, d); });
}

}  // namespace keyrack::persistence
