#include "actors/domain/hotel/events.hpp"

#include <array>
#include <string_view>
#include <variant>

namespace keyrack {

namespace {

constexpr std::array<std::string_view, 9> step_names = {"rooms_held",    "confirmed",   "changed",
                                                        "hold_extended", "hold_lapsed", "cancelled",
                                                        "checked_in",    "checked_out", "no_show_recorded"};

// The last stands for all steps of a reservation, which have names of their own.
constexpr std::array<std::string_view, std::variant_size_v<event_body>> kinds = {
    "hotel_created",     "hotel_updated", "hotel_removed",    "room_type_added",  "room_type_updated",
    "room_type_removed", "rooms_listed",  "calendar_changed", "reservation_event"};

}  // namespace

std::string_view to_text(reservation_step step) { return step_names[static_cast<std::size_t>(step)]; }

std::string_view kind_of(const event& e) {
  if (const auto* r = std::get_if<reservation_event>(&e.body)) return to_text(r->step);
  return kinds[e.body.index()];
}

}  // namespace keyrack
