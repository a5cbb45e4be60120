// What a night costs. Stage 1: the calendar's price, else the room type's.
#pragma once

#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/state.hpp"

#include <cstdint>

namespace keyrack {

/// Minor units of the hotel's currency for one room.
std::int64_t price_of(const room_type_state& type, date night);

/// Items at today's prices; `before`, the reservation that is changed, or null: a night of an item that it has already
/// keeps its price. The nth item of a type there is the nth item of the type here.
/// REQUIRES: the types exist.
small_vector<reserved_item, 1> priced(const hotel_state& hotel, const std::vector<requested_item>& items,
                                      const stay& nights, const reservation* before);

}  // namespace keyrack
