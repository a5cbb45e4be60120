// Which physical rooms guests get at check-in. Owns the choice; refuses to know what sells.
#pragma once

#include "actors/domain/errc.hpp"
#include "actors/domain/hotel/state.hpp"

#include <expected>
#include <string>
#include <vector>

namespace keyrack {

/// Rooms for all items, item by item: those that were named, or the first free ones of the hotelier's list. A room must be
/// of the item's type, not occupied, and in order on every night that is left. A type without a list takes any number,
/// but it must be named.
/// Errors: `no_room_ready`, `room_taken`.
std::expected<small_vector<std::string, 0>, refusal> assign_rooms(const hotel_state& hotel, const reservation& r,
                                                                  const std::vector<std::string>& named, date today);

/// The item that the room number at this place of `room_numbers` is for.
const reserved_item& item_of_room(const reservation& r, std::size_t place);

}  // namespace keyrack
