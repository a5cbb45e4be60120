// One envelope or answer of each kind, by name, with no field left at its default where that is possible. Also the seeds
// of the fuzz target: no test library in here.
#pragma once

#include "actors/domain/limits.hpp"
#include "actors/envelope.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyrack::testing {

inline constexpr date first_day{21'000};
inline constexpr currency euro{{'E', 'U', 'R'}};
inline instant at_second(std::int64_t s) { return instant{std::chrono::seconds{1'800'000'000 + s}}; }

inline hotel_profile sample_hotel() {
  hotel_profile p;
  p.name = "Seehof";
  p.city = "Arbon";
  p.country = "CH";
  p.address = "Hafenstrasse 1\n9320 Arbon";
  p.location = {47.516, 9.433};
  p.time_zone = "Europe/Zurich";
  p.currency = euro;
  p.stars = 4;
  p.description = "By the lake.";
  p.amenities = {"wifi", "parking"};
  p.group = "lake";
  p.overbooking_percent = 5;
  p.hold_seconds = 300;
  p.attributes = R"({"floors":3})";
  return p;
}

inline room_type_profile sample_type() {
  room_type_profile p;
  p.name = "Double";
  p.code = "DBL";
  p.rooms = 20;
  p.max_guests = 2;
  p.beds = {{"queen", 1}, {"sofa", 2}};
  p.amenities = {"balcony"};
  p.price = 41'250;
  p.currency = euro;
  p.overbooking_percent = 10;
  p.description = "With a view.";
  return p;
}

inline std::vector<room> sample_rooms() {
  return {{.number = "101", .type = {1}, .out_of_order = {{first_day, first_day + 3}}},
          {.number = "102", .type = {2}, .out_of_order = {}}};
}

inline calendar_change sample_change() {
  calendar_change c{.types = {{1}, {2}},
                    .from = first_day,
                    .to = first_day + 30,
                    .weekdays = 0x60,
                    .set = {},
                    .price_currency = euro};
  c.set.price = {setting<std::int64_t>::kind::set, 50'000};
  c.set.min_stay = {setting<std::uint8_t>::kind::clear, 0};
  c.set.closed_to_arrival = {setting<bool>::kind::set, true};
  return c;
}

inline reservation sample_reservation() {
  reservation r;
  r.number = {3};
  r.status = reservation_status::checked_in;
  r.key_is_client_reference = true;
  r.priced_in = euro;
  r.created_by = {1, 2};
  r.guest = {3, 4};
  r.stay = {first_day, first_day + 2};
  r.items = {{.type = {1}, .rooms = 1, .guests = 2, .night_prices = {41'250, 41'250}}};
  r.room_numbers = {"101"};
  r.created_at = at_second(0);
  r.updated_at = at_second(60);
  r.hold_expires_at = at_second(120);
  r.version = 9;
  return r;
}

inline event sample_event() {
  event e;
  e.seq = 9;
  e.at = at_second(60);
  e.by = "guest";
  e.answers = {.key = {1, 2}, .digest = 5, .op = operation::check_in_guest};
  e.body = reservation_event{.step = reservation_step::checked_in, .after = sample_reservation(), .previous = 4};
  return e;
}

inline std::vector<std::pair<std::string_view, command>> sample_commands() {
  const reservation_number number{7};
  const hold_rooms booking{.stay = {first_day, first_day + 2},
                           .items = {{.type = {1}, .rooms = 2, .guests = 3}, {.type = {2}, .rooms = 1, .guests = 1}},
                           .guest = {11, 12},
                           .hold = true};
  return {
      {"create_hotel", create_hotel{sample_hotel()}},
      {"update_hotel", update_hotel{sample_hotel()}},
      {"remove_hotel", remove_hotel{}},
      {"add_room_type", add_room_type{sample_type()}},
      {"update_room_type", update_room_type{{3}, sample_type()}},
      {"remove_room_type", remove_room_type{{65'535}}},
      {"list_rooms", list_rooms{sample_rooms()}},
      {"change_calendar", change_calendar{{sample_change(), sample_change()}}},
      {"hold_rooms", booking},
      {"confirm_reservation", confirm_reservation{number}},
      {"change_reservation", change_reservation{number, first_day, first_day + 5, booking.items}},
      {"extend_hold", extend_hold{number, std::chrono::seconds{90}}},
      {"cancel_reservation", cancel_reservation{number}},
      {"check_in_guest", check_in_guest{number, {"101", "102"}}},
      {"check_out_guest", check_out_guest{number}},
      {"record_no_show", record_no_show{number}},
      {"lapse_holds", lapse_holds{}},
  };
}

inline std::vector<std::pair<std::string_view, query>> sample_queries() {
  reservations_query list;
  list.status = reservation_status::no_show;
  list.arriving = first_day;
  list.departing = first_day + 1;
  list.in_house = first_day + 2;
  list.guests = std::vector<guest_id>{{1, 2}, {3, 4}};
  list.before = reservation_number{99};
  list.limit = 100;
  return {
      {"hotel_query", hotel_query{}},
      {"room_type_query", room_type_query{{5}}},
      {"room_types_query", room_types_query{}},
      {"rooms_query", rooms_query{}},
      {"calendar_query", calendar_query{first_day, first_day + 31, room_type_id{2}}},
      {"availability_query", availability_query{.stay = {first_day, first_day + 1}, .guests = 5, .rooms = 3}},
      {"reservation_query", reservation_query{{7}}},
      {"reservations_query", list},
  };
}

inline std::vector<reason> sample_reasons() {
  return {{.code = errc::sold_out, .night = first_day, .type = room_type_id{1}, .free = 0, .bound = 2},
          {.code = errc::limit_reached, .night = {}, .type = {}, .free = {}, .bound = limits::reservation_total_max}};
}

inline std::vector<std::pair<std::string_view, view>> sample_views() {
  const room_type_view type{{4}, sample_type(), 12, at_second(1), at_second(2)};
  night_rule rule{.price = 39'000, .rooms_to_sell = 3, .min_stay = 2, .max_stay = 14};
  rule.closed_to_arrival = true;
  const night_view night{.night = first_day,
                         .price = 39'000,
                         .total = 20,
                         .limit = 22,
                         .taken = 23,
                         .free = 1,
                         .oversold = 2,
                         .rule = rule};
  night_rule shut;
  shut.closed = true;
  shut.closed_to_departure = true;
  const night_view plain{.night = first_day + 1,
                         .price = 41'250,
                         .total = 20,
                         .limit = 22,
                         .taken = 1,
                         .free = 21,
                         .oversold = 0,
                         .rule = shut};
  const availability_view::of_type free{.type = {1},
                                        .name = "Double",
                                        .max_guests = 2,
                                        .free = 5,
                                        .bookable = true,
                                        .night_prices = {41'250, 39'000},
                                        .reasons = sample_reasons()};
  return {
      {"hotel_view", hotel_view{sample_hotel(), 8, at_second(0), at_second(1)}},
      {"room_type_view", type},
      {"room_types_view", room_types_view{{type, type}}},
      {"rooms_view", rooms_view{sample_rooms(), 6}},
      {"calendar_view", calendar_view{euro, {{{1}, {night, plain}}, {{2}, {}}}, 77}},
      {"availability_view", availability_view{{first_day, first_day + 2}, euro, 4, 2, {free, free}}},
      {"reservation_view", reservation_view{sample_reservation()}},
      {"reservation_departed", reservation_departed{{123}}},
      {"reservations_view", reservations_view{{sample_reservation(), sample_reservation()}, true}},
  };
}

inline envelope envelope_of(std::variant<command, query> body) {
  envelope e;
  e.hotel = {0x0123'4567'89AB'CDEF & ((std::uint64_t{1} << 60) - 1)};
  e.request_id = "3f2a1c-4";
  e.in_doubt = true;
  e.body = std::move(body);
  if (!e.is_command()) return e;
  e.request = {.key = {21, 22}, .digest = 23, .by = "anonymous", .if_match = 24, .key_is_client_reference = true};
  if (std::holds_alternative<hold_rooms>(std::get<command>(e.body)))
    e.personal = {{.guest = {11, 12},
                   .new_guest = true,
                   .name = "Zoë",
                   .email = "z@example.org",
                   .phone = "+41 1",
                   .notes = "late"}};
  return e;
}

inline std::vector<std::pair<std::string_view, envelope>> sample_requests() {
  std::vector<std::pair<std::string_view, envelope>> all;
  for (auto& [name, body] : sample_commands()) all.emplace_back(name, envelope_of(std::move(body)));
  for (auto& [name, body] : sample_queries()) all.emplace_back(name, envelope_of(std::move(body)));
  return all;
}

inline answer_envelope answer_of(decltype(answer_envelope::body) body) {
  return {.hotel = {42}, .sequence = 9, .rests_on = leased{}, .body = std::move(body)};
}

inline std::vector<std::pair<std::string_view, answer_envelope>> sample_answers() {
  std::vector<std::pair<std::string_view, answer_envelope>> all;
  all.emplace_back("done", answer_of(done{std::make_shared<const event>(sample_event()), true}));
  all.emplace_back("refusal", answer_of(refusal{errc::sold_out, sample_reasons(), "No rooms on 2027-07-01."}));
  all.emplace_back("failure", answer_of(failure{errc::fenced, outcome::unknown, "another node owns it"}));
  for (auto& [name, shown] : sample_views())
    all.emplace_back(name, answer_of(std::make_shared<const view>(std::move(shown))));
  return all;
}

}  // namespace keyrack::testing
