// What a newcomer can try: a stay with rooms to spare, and a night that is nearly full. Pure; found in what the generator
// made, so true as long as nobody else has booked.
#pragma once

#include "deploy/demo/generate.hpp"

#include <optional>
#include <vector>

namespace keyrack::demo {

/// A stay of one room type that the hotel's restrictions allow, with so many rooms free on each of its nights.
struct open_stay {
  room_type_id type;
  keyrack::stay stay;
  std::int32_t free = 0;
};

/// The first two-night stay from `earliest` on with at least three rooms free; none where the house is too small.
std::optional<open_stay> find_open_stay(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                                        const std::vector<booking>& bookings, date earliest);

/// The first night from `earliest` on that has one or two rooms of a larger type left, as a stay that can be booked.
std::optional<open_stay> find_last_rooms(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                                         const std::vector<booking>& bookings, date earliest);

}  // namespace keyrack::demo
