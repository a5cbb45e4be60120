#include "deploy/demo/examples.hpp"

#include "deploy/demo/fill.hpp"
#include "deploy/demo/seasons.hpp"

#include <algorithm>

namespace keyrack::demo {
namespace {

std::int32_t taken_on(const std::vector<booking>& bookings, room_type_id type, date night) {
  std::int32_t taken = 0;
  for (const auto& b : bookings) {
    if (b.type == type && b.stay.sleeps(night)) taken += b.rooms;
  }
  return taken;
}

/// The first stay of so many nights within `booked_ahead_nights`, of a type with at least `rooms_min` rooms, whose free
/// rooms `wanted` likes.
template <typename Wanted>
std::optional<open_stay> find_stay(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                                   const std::vector<booking>& bookings, date earliest, int nights,
                                   std::int32_t rooms_min, Wanted wanted) {
  for (date first = earliest; first < earliest + booked_ahead_nights; ++first) {
    for (std::size_t n = 0; n < hotel.room_types.size(); ++n) {
      const room_type_id type{static_cast<std::uint16_t>(n + 1)};
      const auto rooms = hotel.room_types[n].rooms;
      if (rooms < rooms_min) continue;
      const auto rule = rule_on(calendar, type, first);
      if (rule.closed_to_arrival || nights < rule.min_stay) continue;
      auto free = rooms;
      for (date night = first; night < first + nights; ++night) {
        free = std::min(free, rooms - taken_on(bookings, type, night));
      }
      if (wanted(free)) return open_stay{.type = type, .stay = {first, first + nights}, .free = free};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<open_stay> find_open_stay(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                                        const std::vector<booking>& bookings, date earliest) {
  return find_stay(hotel, calendar, bookings, earliest, 2, 3, [](std::int32_t free) { return free >= 3; });
}

std::optional<open_stay> find_last_rooms(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                                         const std::vector<booking>& bookings, date earliest) {
  return find_stay(hotel, calendar, bookings, earliest, 1, 6, [](std::int32_t free) { return free == 1 || free == 2; });
}

}  // namespace keyrack::demo
