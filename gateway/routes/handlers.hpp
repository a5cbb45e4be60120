// Every handler, for the table of routes. Each is in the file of its resource.
#pragma once

#include "gateway/exchange.hpp"

namespace keyrack::gateway::routes {

// hotels.cpp
task<> create_hotel(exchange& x);
task<> get_hotel(exchange& x);

// room_types.cpp
task<> add_room_type(exchange& x);

// reservations.cpp
task<> create_reservation(exchange& x);
task<> get_reservation(exchange& x);
task<> confirm_reservation(exchange& x);
task<> cancel_reservation(exchange& x);

// health.cpp
task<> healthz(exchange& x);
task<> readyz(exchange& x);
task<> metrics(exchange& x);

}  // namespace keyrack::gateway::routes
