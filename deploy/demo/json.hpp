// The request bodies of the API for what the generator makes, in the shapes of its documentation. Pure.
#pragma once

#include "deploy/demo/generate.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keyrack::demo {

/// `text` in quotation marks, escaped. REQUIRES: valid UTF-8.
std::string json_text(std::string_view text);

/// Of POST /v1/hotels.
std::string hotel_body(const hotel_profile& hotel);

/// Of POST /v1/hotels/{hotel}/room-types.
std::string room_type_body(const room_type_profile& type);

/// Of PATCH /v1/hotels/{hotel}/calendar. `ids[n - 1]` is what the server called room type n.
std::string calendar_body(const std::vector<calendar_change>& changes, const std::vector<room_type_id>& ids);

/// Of POST /v1/reservations, confirmed at once.
std::string reservation_body(std::string_view hotel_id, room_type_id type, const booking& booked,
                             std::string_view guest_name);

/// All of one hotel, for people: a line per room type, change and booking.
std::string show(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                 const std::vector<booking>& bookings);

}  // namespace keyrack::demo
