// RapidCheck's generators of every command, query and view, within what a gateway lets through and a hotel answers.
#pragma once

#include "tests/cluster/wire/samples.hpp"
#include "tests/persistence/codec/arbitrary_events.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>

namespace keyrack::testing {

/// PostgreSQL takes it: UTF-8 without NUL.
inline std::string any_words() { return *rc::gen::element<std::string>("", "Zoë Müller", "+41 71 000 00 00", "x\ny"); }

inline guest_id any_guest() { return {any_bits() >> 4, any_bits() >> 4}; }
inline reservation_number any_number() { return {any_in<std::uint64_t>(0, 1'000'000)}; }

inline std::vector<requested_item> any_items() {
  std::vector<requested_item> items;
  for (int n = any_in(1, limits::items_per_reservation_max); n > 0; --n)
    items.push_back({any_type(), any_in(1, limits::rooms_per_type_max), any_in(1, 5'000'000)});
  return items;
}

inline hotel_profile any_new_hotel() { return any_hotel_profile(); }
inline room_type_profile any_new_type() {
  auto p = any_type_profile();
  p.max_guests = std::max(p.max_guests, 1);
  return p;
}
inline std::vector<room> any_listed_rooms() {
  auto rooms = any_list(4, any_room);
  for (std::size_t i = 0; i < rooms.size(); ++i) rooms[i].number = std::to_string(i) + rooms[i].number.substr(0, 10);
  return rooms;
}
/// As a client may write it: also a range that ends before it begins.
inline calendar_change any_asked_change() {
  auto c = any_calendar_change();
  c.to = any_date();
  return c;
}

inline command any_command(std::size_t kind) {
  static const std::array<command (*)(), std::variant_size_v<command>> kinds = {
      [] { return command{create_hotel{any_new_hotel()}}; },
      [] { return command{update_hotel{any_new_hotel()}}; },
      [] { return command{remove_hotel{}}; },
      [] { return command{add_room_type{any_new_type()}}; },
      [] { return command{update_room_type{any_type(), any_new_type()}}; },
      [] { return command{remove_room_type{any_type()}}; },
      [] { return command{list_rooms{any_listed_rooms()}}; },
      [] { return command{change_calendar{any_list(4, any_asked_change)}}; },
      [] { return command{hold_rooms{{any_date(), any_date()}, any_items(), any_guest(), any_bool()}}; },
      [] { return command{confirm_reservation{any_number()}}; },
      [] {
        return command{change_reservation{any_number(), any_optional(any_date()), any_optional(any_date()),
                                          any_optional(any_items())}};
      },
      [] { return command{extend_hold{any_number(), any_optional(std::chrono::seconds{any_in(5, 900)})}}; },
      [] { return command{cancel_reservation{any_number()}}; },
      [] { return command{check_in_guest{any_number(), any_list(4, any_words)}}; },
      [] { return command{check_out_guest{any_number()}}; },
      [] { return command{record_no_show{any_number()}}; },
      [] { return command{lapse_holds{}}; },
  };
  return kinds[kind]();
}

inline reservations_query any_list_query() {
  reservations_query q;
  q.status = any_optional(any_in(reservation_status::pending, reservation_status::no_show));
  q.arriving = any_optional(any_date());
  q.departing = any_optional(any_date());
  q.in_house = any_optional(any_date());
  q.guests = any_optional(any_list(5, any_guest));
  q.before = any_optional(any_number());
  q.limit = any_in(1, 100);
  return q;
}

inline query any_query(std::size_t kind) {
  static const std::array<query (*)(), std::variant_size_v<query>> kinds = {
      [] { return query{hotel_query{}}; },
      [] { return query{room_type_query{any_type()}}; },
      [] { return query{room_types_query{}}; },
      [] { return query{rooms_query{}}; },
      [] { return query{calendar_query{any_date(), any_date(), any_optional(any_type())}}; },
      [] {
        return query{
            availability_query{{any_date(), any_date()}, any_in(1, 5'000'000), any_in(1, limits::rooms_per_type_max)}};
      },
      [] { return query{reservation_query{any_number()}}; },
      [] { return query{any_list_query()}; },
  };
  return kinds[kind]();
}

inline envelope any_envelope(std::variant<command, query> body) {
  auto e = envelope_of(std::move(body));
  e.hotel = {any_bits() >> 4};
  e.request_id = any_words();
  e.in_doubt = any_bool();
  if (e.is_command())
    e.request = {{any_bits(), any_bits()}, any_bits(), any_words(), any_optional(any_bits()), any_bool()};
  for (auto& p : e.personal) p = {any_guest(), any_bool(), any_words(), any_words(), any_words(), any_words()};
  return e;
}

inline reason any_reason() {
  return {any_in(errc::key_reused, errc::fenced), any_optional(any_date()), any_optional(any_type()),
          any_optional(static_cast<std::int64_t>(any_bits())), any_optional(static_cast<std::int64_t>(any_bits()))};
}

inline night_view any_night() {
  night_view n{any_date(),         any_price(),        any_in(0, 100'000), any_in(0, 200'000),
               any_in(0, 200'000), any_in(0, 200'000), any_in(0, 200'000), {}};
  if (any_bool()) n.rule.price = any_price();
  if (any_bool()) n.rule.rooms_to_sell = any_in(0, limits::rooms_per_type_max);
  n.rule.min_stay = any_in<std::uint8_t>(0, 255);
  n.rule.max_stay = any_in<std::uint8_t>(0, 255);
  n.rule.closed = any_bool();
  n.rule.closed_to_arrival = any_bool();
  n.rule.closed_to_departure = any_bool();
  return n;
}

inline availability_view::of_type any_availability() {
  return {any_type(),
          any_text(),
          any_in(0, 50),
          any_in(0, 100'000),
          any_bool(),
          any_list(5, any_price),
          any_list(3, any_reason)};
}

inline room_type_view any_type_view() {
  return {any_type(), any_type_profile(), any_bits(), any_instant(), any_instant()};
}

inline view any_view(std::size_t kind) {
  const auto of_type = [] { return calendar_view::of_type{any_type(), any_list(5, any_night)}; };
  const auto booked = [] { return any_reservation(any_in<std::uint64_t>(1, 1'000)); };
  switch (kind) {
  case 0: return hotel_view{any_hotel_profile(), any_bits(), any_instant(), any_instant()};
  case 1: return any_type_view();
  case 2: return room_types_view{any_list(3, any_type_view)};
  case 3: return rooms_view{any_list(4, any_room), any_bits()};
  case 4: return calendar_view{any_currency(), any_list(3, of_type), any_bits()};
  case 5:
    return availability_view{
        {any_date(), any_date()}, any_currency(), any_in(0, 100), any_in(0, 100), any_list(3, any_availability)};
  case 6: return reservation_view{booked()};
  case 7: return reservation_departed{any_number()};
  default: return reservations_view{any_list(3, booked), any_bool()};
  }
}

inline answer_envelope any_answer(decltype(answer_envelope::body) body) {
  auto a = answer_of(std::move(body));
  a.hotel = {any_bits() >> 4};
  a.sequence = any_bits();
  return a;
}

inline done any_done() {
  return {std::make_shared<const event>(any_event(any_in<std::uint64_t>(1, 1'000'000), any_instant())), any_bool()};
}
inline refusal any_refusal() { return {any_in(errc::key_reused, errc::fenced), any_list(4, any_reason), any_text()}; }
inline failure any_failure() {
  return {any_in(errc::key_reused, errc::fenced), any_in(outcome::not_applied, outcome::unknown), any_text()};
}

}  // namespace keyrack::testing
