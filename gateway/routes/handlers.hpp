// Every handler, for the table of routes. Each is in the file of its resource.
#pragma once

#include "gateway/exchange.hpp"

namespace keyrack::gateway::routes {

// hotels.cpp
task<> create_hotel(exchange& x);
task<> get_hotel(exchange& x);
task<> replace_hotel(exchange& x);
task<> change_hotel(exchange& x);
task<> remove_hotel(exchange& x);
task<> list_hotels(exchange& x);

// room_types.cpp
task<> add_room_type(exchange& x);
task<> get_room_type(exchange& x);
task<> replace_room_type(exchange& x);
task<> change_room_type(exchange& x);
task<> remove_room_type(exchange& x);
task<> list_room_types(exchange& x);

// rooms.cpp
task<> replace_rooms(exchange& x);
task<> list_rooms(exchange& x);

// calendar.cpp
task<> get_calendar(exchange& x);
task<> change_calendar(exchange& x);

// availability.cpp
task<> get_availability(exchange& x);

// reservations.cpp
task<> create_reservation(exchange& x);
task<> change_reservation(exchange& x);
task<> confirm_reservation(exchange& x);
task<> extend_hold(exchange& x);
task<> cancel_reservation(exchange& x);
task<> check_in_guest(exchange& x);
task<> check_out_guest(exchange& x);
task<> record_no_show(exchange& x);

// reservation_reads.cpp
task<> get_reservation(exchange& x);
task<> get_history(exchange& x);
task<> list_reservations_of_hotel(exchange& x);
task<> list_reservations_of_guest(exchange& x);

// guests.cpp
task<> get_guest(exchange& x);
task<> change_guest(exchange& x);
task<> erase_guest(exchange& x);
task<> export_guest(exchange& x);

// cluster.cpp
task<> get_cluster(exchange& x);
task<> find_hotel_in_cluster(exchange& x);
task<> drain_node(exchange& x);
task<> resume_node(exchange& x);
task<> weigh_node(exchange& x);
task<> pin_shard(exchange& x);
task<> unpin_shard(exchange& x);
task<> move_shard(exchange& x);
task<> rebalance_cluster(exchange& x);
task<> list_moves(exchange& x);

// health.cpp
task<> healthz(exchange& x);
task<> readyz(exchange& x);
task<> metrics(exchange& x);

// openapi.cpp
task<> openapi(exchange& x);
task<> docs(exchange& x);

}  // namespace keyrack::gateway::routes
