// How an event changes a hotel. Total and deterministic: a replay of the journal gives the same state, byte for byte,
// whenever and wherever it runs. What leaves memory leaves by the event's time.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "actors/domain/hotel/state.hpp"

namespace keyrack {

/// REQUIRES: `e.seq == hotel.seq + 1` and `e.at >= hotel.last_at`.
void evolve(hotel_state& hotel, const event& e);

/// What must hold after every step: rooms taken equal the reservations that take them, every pending reservation has
/// its deadline listed, versions do not exceed the sequence number. Empty when it holds, else what is broken. Slow.
std::string invariants_broken(const hotel_state& hotel);

}  // namespace keyrack
