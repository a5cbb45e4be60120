#include "deploy/demo/requests.hpp"

#include "deploy/demo/json.hpp"

#include <fmt/format.h>

namespace keyrack::demo {
namespace {

/// Raise it when the generator makes other hotels out of the same seed, or a second load is refused `key_reused`.
constexpr int generation = 1;

std::string key_of(const settings& made_with, const hotel_plan& hotel, std::string_view what) {
  return fmt::format("demo-{}/{}/{}/{}/{}", generation, to_text(made_with.profile), made_with.seed, hotel.index, what);
}

}  // namespace

api_request create_hotel_request(const settings& made_with, const hotel_plan& hotel) {
  return {.method = "POST",
          .target = "/v1/hotels",
          .key = key_of(made_with, hotel, "hotel"),
          .body = hotel_body(hotel.profile)};
}

api_request add_room_type_request(const settings& made_with, const hotel_plan& hotel, std::size_t n,
                                  std::string_view hotel_id) {
  return {.method = "POST",
          .target = fmt::format("/v1/hotels/{}/room-types", hotel_id),
          .key = key_of(made_with, hotel, fmt::format("type/{}", n)),
          .body = room_type_body(hotel.room_types.at(n - 1))};
}

api_request change_calendar_request(const settings& made_with, const hotel_plan& hotel,
                                    const std::vector<calendar_change>& changes, std::string_view hotel_id,
                                    const std::vector<room_type_id>& ids) {
  return {.method = "PATCH",
          .target = fmt::format("/v1/hotels/{}/calendar", hotel_id),
          .key = key_of(made_with, hotel,
                        fmt::format("calendar/{}/{}", to_text(made_with.from), to_text(made_with.calendar_end))),
          .body = calendar_body(changes, ids)};
}

api_request book_request(const settings& made_with, const hotel_plan& hotel, const booking& booked,
                         std::string_view hotel_id, const std::vector<room_type_id>& ids) {
  const auto guest = fmt::format("Guest {}-{}", hotel.index, booked.serial);
  return {.method = "POST",
          .target = "/v1/reservations",
          .key = key_of(made_with, hotel, fmt::format("booking/{}", booked.serial)),
          .body = reservation_body(hotel_id, ids.at(booked.type.value - 1U), booked, guest)};
}

}  // namespace keyrack::demo
