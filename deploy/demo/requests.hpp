// The API requests that make one demonstration hotel real, with keys that are the same on every run: whoever loads the
// same hotels twice changes nothing. Pure; sending is the loader's.
#pragma once

#include "deploy/demo/api_request.hpp"
#include "deploy/demo/generate.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keyrack::demo {

api_request create_hotel_request(const settings& made_with, const hotel_plan& hotel);

/// Room type n of the hotel, n from 1.
api_request add_room_type_request(const settings& made_with, const hotel_plan& hotel, std::size_t n,
                                  std::string_view hotel_id);

/// The key holds the first night and the last: another day's calendar is clipped differently, and so is another request.
api_request change_calendar_request(const settings& made_with, const hotel_plan& hotel,
                                    const std::vector<calendar_change>& changes, std::string_view hotel_id,
                                    const std::vector<room_type_id>& ids);

api_request book_request(const settings& made_with, const hotel_plan& hotel, const booking& booked,
                         std::string_view hotel_id, const std::vector<room_type_id>& ids);

}  // namespace keyrack::demo
