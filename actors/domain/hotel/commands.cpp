#include "actors/domain/hotel/commands.hpp"

#include <array>
#include <string_view>
#include <variant>

namespace keyrack {

namespace {

constexpr std::array<std::string_view, std::variant_size_v<command>> names = {
    "create_hotel",       "update_hotel", "remove_hotel",       "add_room_type",  "update_room_type",
    "remove_room_type",   "list_rooms",   "change_calendar",    "hold_rooms",     "confirm_reservation",
    "change_reservation", "extend_hold",  "cancel_reservation", "check_in_guest", "check_out_guest",
    "record_no_show",     "lapse_holds"};

}  // namespace

std::string_view to_text(operation op) { return names[static_cast<std::size_t>(op)]; }

}  // namespace keyrack
