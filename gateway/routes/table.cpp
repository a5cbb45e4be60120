// All routes of the API, in the order of the design's api page. The one list: an operation's name is part of the digests of
// its requests, which are in journals, and never changes.
#include "gateway/routes/handlers.hpp"
#include "gateway/routing.hpp"

#include <array>

namespace keyrack::gateway {
namespace {

using enum http_method;
using enum body_kind;

constexpr std::size_t small = 65'536;
constexpr std::size_t large = 8'388'608;  // 100,000 rooms, 1,000 calendar changes
// Texts of 10,000 and attributes of 16,384 bytes, written with escapes of up to six bytes each.
constexpr std::size_t described = 262'144;

constexpr std::array table{
    route{post, "/v1/hotels", "create_hotel", routes::create_hotel, json, "", described},
    route{get, "/v1/hotels/{hotel}", "get_hotel", routes::get_hotel},
    route{post, "/v1/hotels/{hotel}/room-types", "add_room_type", routes::add_room_type, json, "", described},
    route{post, "/v1/reservations", "create_reservation", routes::create_reservation, json, "", small},
    route{get, "/v1/reservations/{reservation}", "get_reservation", routes::get_reservation},
    route{post, "/v1/reservations/{reservation}/confirm", "confirm_reservation", routes::confirm_reservation,
          json_if_any, "", small},
    route{post, "/v1/reservations/{reservation}/cancel", "cancel_reservation", routes::cancel_reservation, json_if_any,
          "", small},
    route{get, "/healthz", "healthz", routes::healthz},
    route{get, "/readyz", "readyz", routes::readyz},
    route{get, "/metrics", "metrics", routes::metrics, none, "", small, true},
};

}  // namespace

std::span<const route> route_table() { return table; }

}  // namespace keyrack::gateway
