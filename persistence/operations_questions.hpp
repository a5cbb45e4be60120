// What operators ask, each over one connection: the command line's own, or one of the pool's. Owns the statements that change
// wishes, pins and moves; what may be done is decided in actors/operator_rules, and refuses to know threads.
//
// Changes go one at a time, under a lock of their own: each is judged by what the one before has left. Nodes, shards and the
// coordinator do not wait for it.
#pragma once

#include "actors/operations.hpp"
#include "persistence/operations_view.hpp"
#include "persistence/records_question.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace keyrack::persistence {

/// `grace`: after which silence a node is given up.
looked_up<cluster_status> read_status(pg_connection& c, const move_planner& planner, std::chrono::milliseconds grace,
                                      call_deadline deadline);
looked_up<hotel_place> find_hotel(pg_connection& c, hotel_id hotel, call_deadline deadline);
looked_up<move_page> list_moves(pg_connection& c, std::optional<std::int64_t> before, int limit,
                                call_deadline deadline);

looked_up<node_change> set_drained(pg_connection& c, const move_planner& planner, const std::string& node, bool drained,
                                   call_deadline deadline);
looked_up<node_change> set_weight(pg_connection& c, const move_planner& planner, const std::string& node, int weight,
                                  call_deadline deadline);
looked_up<pin_change> pin_shard(pg_connection& c, shard_id shard, const std::string& node, call_deadline deadline);
looked_up<pin_change> unpin_shard(pg_connection& c, shard_id shard, call_deadline deadline);
looked_up<move_row> move_shard(pg_connection& c, shard_id shard, const std::string& node, call_deadline deadline);
looked_up<rebalance_answer> rebalance(pg_connection& c, const move_planner& planner, bool dry_run,
                                      call_deadline deadline);

}  // namespace keyrack::persistence
