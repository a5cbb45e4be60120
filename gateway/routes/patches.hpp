// What a merge patch makes of a hotel or a room type. Pure: the routes bring what was read.
#pragma once

#include "gateway/json_reader.hpp"
#include "gateway/routes/commands.hpp"

namespace keyrack::gateway {

/// `text` is the patch, JSON that was parsed before.
routes::patched<hotel_profile> patch_hotel(const hotel_view& now, std::string_view text, int depth_max);
routes::patched<room_type_profile> patch_room_type(const room_type_view& now, std::string_view text, int depth_max);

}  // namespace keyrack::gateway
