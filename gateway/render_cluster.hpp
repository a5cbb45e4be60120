// What operators see, as JSON: of HTTP, and of the command line's --json. Owns which fields an answer has.
#pragma once

#include "actors/operations.hpp"
#include "gateway/json_writer.hpp"

namespace keyrack::gateway {

void write_cluster(json_writer& json, const cluster_status& of);
void write_hotel_place(json_writer& json, const hotel_place& of);
void write_node_change(json_writer& json, const node_change& of);
void write_pin_change(json_writer& json, const pin_change& of);
void write_move(json_writer& json, const move_row& of);
void write_rebalance(json_writer& json, const rebalance_answer& of);

}  // namespace keyrack::gateway
