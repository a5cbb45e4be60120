#include "tests/actors/domain/hotel/drawn_commands.hpp"

#include "tests/actors/domain/hotel/story.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

namespace keyrack::tests {

namespace {

using enum reservation_status;

struct drawing {
  const hotel_state& hotel;
  const moment& now;
  const draw& d;

  room_type_id type(std::uint8_t byte) const {
    const bool any = byte > 230 || hotel.types.empty();
    return any ? room_type_id{static_cast<std::uint16_t>(byte % (hotel.last_type + 2))}
               : hotel.types[byte % hotel.types.size()].id;
  }

  // One of that status, or whichever.
  reservation_number number(std::initializer_list<reservation_status> of) const {
    std::vector<reservation_number> fitting;
    hotel.reservations.for_each([&](const reservation& r) {
      if (std::ranges::find(of, r.status) != of.end()) fitting.push_back(r.number);
    });
    if (!fitting.empty() && d[2] % 4 != 0)
      return fitting[fitting.size() - 1 - d[3] % std::min<std::size_t>(fitting.size(), 4)];
    return {hotel.last_reservation + 1 - std::min<std::uint64_t>(d[3] % 8, hotel.last_reservation)};
  }

  std::vector<requested_item> items() const {
    std::vector<requested_item> all = {{.type = type(d[4]), .rooms = 1 + d[5] % 2, .guests = 1 + (d[5] > 200 ? 3 : 0)}};
    if (d[5] > 150) all.push_back({.type = type(d[6]), .rooms = 1, .guests = 1});
    return all;
  }

  hold_rooms hold() const {
    const date from = now.today + (d[2] % 3 == 0 ? 0 : d[2] % 7) - (d[2] > 245 ? 2 : 0) + (d[3] > 235 ? 724 : 0);
    return {.stay = {from, from + (d[3] % 16 == 15 ? 0 : 1 + d[3] % 4)},
            .items = items(),
            .guest = {.high = d[7], .low = 1},
            .hold = d[7] % 2 == 0};
  }

  change_reservation change() const {
    change_reservation c{
        .number = number({pending, confirmed, checked_in}), .check_in = {}, .check_out = {}, .items = {}};
    const date from = now.today + d[4] % 4 - (d[4] > 240 ? 3 : 0);
    if (d[7] % 3 == 0) c.check_in = from;
    if (d[7] % 4 != 3) c.check_out = from + d[6] % 4 + 1;
    if (d[8] % 3 == 0) c.items = items();
    return c;
  }

  check_in_guest arrival() const {
    std::vector<std::string> named;
    for (int i = 0; i < d[4] % 3; ++i) named.push_back(std::to_string(100 + (d[5] + i * (d[6] % 2)) % 7));
    return {.number = number({confirmed}), .rooms = d[7] % 3 == 0 ? std::vector<std::string>{} : named};
  }

  command step() const {
    switch (d[1] % 12) {
    case 0:
    case 1: return confirm_reservation{number({pending})};
    case 2:
      return extend_hold{.number = number({pending}),
                         .by = d[4] % 2 == 0 ? std::nullopt : std::optional{std::chrono::seconds{d[4] * 5}}};
    case 3: return cancel_reservation{number({pending, confirmed})};
    case 4:
    case 5:
    case 6: return arrival();
    case 7:
    case 8: return check_out_guest{number({checked_in})};
    case 9: return record_no_show{number({confirmed})};
    default: return change();
    }
  }

  calendar_change calendar(const draw& b) const {
    calendar_change c;
    if (b[2] % 3 != 0) c.types = {type(b[2])};
    c.from = now.today + b[3] % 12 - (b[3] > 250 ? 5 : 0) + (b[3] > 200 ? 718 : 0);
    c.to = c.from + 1 + b[4] % 6 - (b[4] > 240 ? 4 : 0);
    c.weekdays = b[5] % 4 == 0 ? b[6] & 0x7F : 0x7F;
    switch (b[7] % 8) {
    case 0: c.set.price = b[8] % 4 == 0 ? cleared<std::int64_t>() : set_to<std::int64_t>(b[8]); break;
    case 1:
    case 2: c.set.rooms_to_sell = b[8] % 4 == 0 ? cleared<std::int32_t>() : set_to(b[8] % 6); break;
    case 3: c.set.closed = set_to(b[8] % 3 == 0); break;
    case 4: c.set.closed_to_arrival = set_to(b[8] % 2 == 0); break;
    case 5: c.set.closed_to_departure = set_to(b[8] % 2 == 0); break;
    case 6: c.set.min_stay = set_to(static_cast<std::uint8_t>(b[8] % 4)); break;
    case 7: c.set.max_stay = set_to(static_cast<std::uint8_t>(b[8] % 4)); break;
    }
    if (b[8] > 250) c.price_currency = money_of("CHF");
    return c;
  }

  change_calendar calendars() const {
    change_calendar change{{calendar(d)}};
    if (d[2] % 4 == 0) change.changes.push_back(calendar({d[8], d[7], d[6], d[5], d[4], d[3], d[2], d[1], d[0]}));
    return change;
  }

  list_rooms list() const {
    list_rooms all;
    for (int i = 0; i < d[2] % 7; ++i) {
      room r{
          .number = std::to_string(100 + i), .type = type(d[3 + static_cast<std::size_t>(i) % 6]), .out_of_order = {}};
      const date from = now.today + d[4] % 5 - 2 + i;
      if (d[5] % 3 == 0) r.out_of_order = {{from, from + 1 + d[6] % 3}, {from + 1, from + 2}};
      all.rooms.push_back(std::move(r));
    }
    return all;
  }

  room_type_profile type_profile() const {
    return profile_of(type_with{.rooms = d[3] % 4,
                                .max_guests = 1 + d[4] % 4,
                                .price = d[5],
                                .overbooking_percent = d[6] % 2 == 0 ? std::nullopt : std::optional{d[7] % 101},
                                .currency = d[2] > 250 ? "CHF" : "EUR"});
  }

  command of_the_hotel() const {
    switch (d[1] % 16) {
    case 0:
      return update_hotel{profile_of(hotel_with{
          .currency = d[2] > 240 ? "CHF" : "EUR", .overbooking_percent = d[3] % 60, .hold_seconds = 20 + d[4] % 60})};
    case 1: return update_room_type{type(d[8]), type_profile()};
    case 2: return add_room_type{type_profile()};
    case 3: return remove_room_type{type(d[2])};
    case 4:
    case 5:
    case 6: return list();
    case 7: return d[2] > 235 ? command{remove_hotel{}} : command{lapse_holds{}};
    case 8: return d[2] > 200 ? command{create_hotel{profile_of(hotel_with{})}} : command{lapse_holds{}};
    default: return calendars();
    }
  }
};

}  // namespace

rc::Gen<std::vector<draw>> draws() {
  const auto one = rc::gen::container<draw>(rc::gen::inRange<std::uint8_t>(0, 255));
  return rc::gen::scale(4, rc::gen::container<std::vector<draw>>(one));
}

moment later(const moment& now, const draw& d) {
  auto at = now.at;
  if (d[0] < 225) {
    at += std::chrono::seconds{d[0] % 10};
  } else if (d[0] < 245) {
    at += std::chrono::hours{d[0] % 13};
  } else {
    at += std::chrono::hours{24 * (d[0] % 9)};
  }
  // At the hotel it may be another day than in Greenwich.
  return {.at = at, .today = utc_date(at + std::chrono::hours{d[0] % 2 == 0 ? 11 : -11})};
}

command drawn_command(const hotel_state& hotel, const moment& now, const draw& d) {
  const drawing drawn{hotel, now, d};
  const auto kind = d[8] % 10;
  if (kind < 4 || (kind < 8 && hotel.last_reservation == 0)) return drawn.hold();
  return kind < 8 ? drawn.step() : drawn.of_the_hotel();
}

}  // namespace keyrack::tests
