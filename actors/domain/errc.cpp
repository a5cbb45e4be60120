#include "actors/domain/errc.hpp"

#include <array>
#include <string_view>

namespace keyrack {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(errc::fenced) + 1> names = {"key_reused",
                                                                                            "hotel_unknown",
                                                                                            "room_type_unknown",
                                                                                            "reservation_unknown",
                                                                                            "wrong_status",
                                                                                            "version_conflict",
                                                                                            "stay_invalid",
                                                                                            "stay_in_past",
                                                                                            "stay_too_far",
                                                                                            "too_many_guests",
                                                                                            "sold_out",
                                                                                            "closed",
                                                                                            "closed_to_arrival",
                                                                                            "closed_to_departure",
                                                                                            "min_stay",
                                                                                            "max_stay",
                                                                                            "hold_lapsed",
                                                                                            "no_room_ready",
                                                                                            "room_type_in_use",
                                                                                            "currency_mismatch",
                                                                                            "calendar_invalid",
                                                                                            "limit_reached",
                                                                                            "room_taken",
                                                                                            "hotel_in_use",
                                                                                            "json_invalid",
                                                                                            "cursor_invalid",
                                                                                            "body_invalid",
                                                                                            "guest_unknown",
                                                                                            "overloaded",
                                                                                            "unavailable",
                                                                                            "deadline_exceeded",
                                                                                            "node_unknown",
                                                                                            "shard_unknown",
                                                                                            "last_node",
                                                                                            "node_unfit",
                                                                                            "already_there",
                                                                                            "shard_pinned",
                                                                                            "move_open",
                                                                                            "rebalance_running",
                                                                                            "moving",
                                                                                            "fenced"};

}  // namespace

std::string_view to_text(errc code) { return names[static_cast<std::size_t>(code)]; }

std::string_view to_text(outcome o) { return o == outcome::not_applied ? "not_applied" : "unknown"; }

}  // namespace keyrack
