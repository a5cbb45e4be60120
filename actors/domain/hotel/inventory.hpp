// Rooms to sell: total, limit, taken, free of a room type on a night, and which nights are short of what is wanted.
// Refuses to know restrictions and prices.
#pragma once

#include "actors/domain/errc.hpp"
#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/present.hpp"
#include "actors/domain/small_vector.hpp"

#include <cstdint>
#include <vector>

namespace keyrack {

/// Rooms of one type on one night.
struct night_count {
  std::int32_t total = 0;  ///< from the calendar, else the type's; less those out of order
  std::int32_t limit = 0;  ///< total with the overbooking allowance, rounded down
  std::int32_t taken = 0;  ///< by pending, confirmed and checked-in reservations that sleep that night
  /// Limit less taken, not below 0. Whether the night is closed is another matter.
  std::int32_t unsold() const { return limit > taken ? limit - taken : 0; }
};
night_count count_night(const present& hotel, const room_type_state& type, date night);

/// What is wanted of one type for a stay, and what the reservation that is to be changed has of it already.
struct type_demand {
  const room_type_state* type = nullptr;
  std::int32_t rooms = 0;
  std::int32_t rooms_before = 0;
};

/// A stay that is wanted, by types: two items of one type count together. `before` is the stay that is to be changed;
/// empty for a new reservation.
struct demand {
  keyrack::stay stay;
  keyrack::stay before;
  small_vector<type_demand, 2> types;

  /// Rooms by which it takes more of the type that night than the reservation does already; at most 0: none.
  std::int32_t more(const type_demand& d, date night) const {
    return (stay.sleeps(night) ? d.rooms : 0) - (before.sleeps(night) ? d.rooms_before : 0);
  }
};

/// Adds `sold_out` for each night of each type with too few rooms, and `closed` for each night that is not sold.
void add_shortages(const present& hotel, const demand& wanted, std::vector<reason>& reasons);

}  // namespace keyrack
