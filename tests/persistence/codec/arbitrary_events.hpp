// RapidCheck's generators of every value that an event can hold, within the domain's limits but not within its rules:
// the codec knows no rules.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "actors/domain/limits.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace keyrack::testing {

/// Any value of [from, to], both ends often.
template <typename T>
T any_in(T from, T to) {
  if constexpr (std::is_enum_v<T>)
    return static_cast<T>(any_in(static_cast<int>(from), static_cast<int>(to)));
  else if (from == to)
    return from;
  else
    return *rc::gen::weightedOneOf<T>(
        {{1, rc::gen::just(from)}, {1, rc::gen::just(to)}, {6, rc::gen::inRange<T>(from, static_cast<T>(to))}});
}

inline bool any_bool() { return *rc::gen::arbitrary<bool>(); }
inline std::uint64_t any_bits() { return *rc::gen::arbitrary<std::uint64_t>(); }

inline std::string any_text(std::size_t bytes_max = 40) {
  auto text = *rc::gen::arbitrary<std::string>();  // NUL and broken UTF-8 too
  if (text.size() > bytes_max) text.resize(bytes_max);
  return text;
}

template <typename Make>
auto any_list(int max, Make make) {
  std::vector<decltype(make())> list;
  for (int n = any_in(0, max); n > 0; --n) list.push_back(make());
  return list;
}

inline instant any_instant() {
  return instant{std::chrono::microseconds{any_in<std::int64_t>(0, 4'102'444'800'000'000)}};
}
inline date any_date() { return {any_in(0, 2'900'000)}; }
inline room_type_id any_type() { return {any_in<std::uint16_t>(1, 0xFFFF)}; }
inline std::int64_t any_price() { return any_in<std::int64_t>(0, limits::price_minor_max); }

inline currency any_currency() {
  return *rc::gen::element(currency{}, currency{{'E', 'U', 'R'}}, currency{{'J', 'P', 'Y'}});
}

template <typename T>
std::optional<T> any_optional(T value) {
  return any_bool() ? std::optional<T>{std::move(value)} : std::nullopt;
}

inline hotel_profile any_hotel_profile() {
  hotel_profile p;
  p.name = any_text();
  p.city = any_text();
  p.country = any_text();
  p.address = any_text();
  p.location = {any_in(-90, 90) / 1.0, any_in(-180, 180) / 3.0};
  p.time_zone = any_text();
  p.currency = any_currency();
  p.stars = any_optional(any_in(0, 5));
  p.description = any_text();
  p.amenities = any_list(3, [] { return any_text(); });
  p.group = any_text();
  p.overbooking_percent = any_in(0, limits::overbooking_percent_max);
  p.hold_seconds = any_in(5, 900);
  p.attributes = any_text();
  return p;
}

inline room_type_profile any_type_profile() {
  room_type_profile p;
  p.name = any_text();
  p.code = any_text();
  p.rooms = any_in(0, limits::rooms_per_type_max);
  p.max_guests = any_in(0, limits::guests_per_room_max);
  p.beds = any_list(3, [] { return bed{any_text(), any_in(0, 10)}; });
  p.amenities = any_list(3, [] { return any_text(); });
  p.price = any_price();
  p.currency = any_currency();
  p.overbooking_percent = any_optional(any_in(0, limits::overbooking_percent_max));
  p.description = any_text();
  return p;
}

inline room any_room() {
  room r{.number = any_text(20), .type = any_type(), .out_of_order = {}};
  r.out_of_order = any_list(3, [] {
    const auto from = any_date();
    return out_of_order{from, from + any_in(1, 400)};
  });
  return r;
}

template <typename T>
setting<T> any_setting(T value) {
  using kind = typename setting<T>::kind;
  switch (any_in(0, 2)) {
  case 0: return {};
  case 1: return {kind::clear, T{}};
  default: return {kind::set, value};
  }
}

inline calendar_change any_calendar_change() {
  calendar_change c;
  c.types = any_list(3, any_type);
  c.from = any_date();
  c.to = c.from + any_in(1, limits::bookable_nights);
  c.weekdays = any_in<std::uint8_t>(0, 0x7F);
  c.set.price = any_setting(any_price());
  c.set.rooms_to_sell = any_setting(any_in(0, limits::rooms_per_type_max));
  c.set.min_stay = any_setting(any_in<std::uint8_t>(0, 255));
  c.set.max_stay = any_setting(any_in<std::uint8_t>(0, 255));
  c.set.closed = any_setting(any_bool());
  c.set.closed_to_arrival = any_setting(any_bool());
  c.set.closed_to_departure = any_setting(any_bool());
  if (any_bool()) c.price_currency = currency{{'U', 'S', 'D'}};
  return c;
}

/// A reservation as of the event `seq`.
inline reservation any_reservation(std::uint64_t seq) {
  reservation r;
  r.number = {any_in<std::uint64_t>(1, 1'000'000)};
  r.status = any_in(reservation_status::pending, reservation_status::no_show);
  r.key_is_client_reference = any_bool();
  r.created_by = {any_bits(), any_bits()};
  r.guest = {any_bits() >> 4, any_bits() >> 4};
  r.stay.check_in = any_date();
  const int nights = any_in(1, limits::stay_nights_max);
  r.stay.check_out = r.stay.check_in + nights;
  for (int n = any_in(1, 3); n > 0; --n) {
    reserved_item item{.type = any_type(), .rooms = any_in(1, 5), .guests = any_in(0, 10), .night_prices = {}};
    for (int i = 0; i < nights; ++i) item.night_prices.push_back(any_price());
    r.items.push_back(item);
    if (any_bool()) r.room_numbers.push_back(any_text(20));
  }
  r.priced_in = any_currency();
  r.created_at = any_instant();
  r.updated_at = any_instant();
  r.hold_expires_at = any_instant();
  r.version = seq;
  return r;
}

inline event_body any_body(std::uint64_t seq) {
  switch (any_in(0, 8)) {
  case 0: return hotel_created{any_hotel_profile()};
  case 1: return hotel_updated{any_hotel_profile(), any_instant()};
  case 2: return hotel_removed{};
  case 3: return room_type_added{any_type(), any_type_profile()};
  case 4: return room_type_updated{any_type(), any_type_profile(), any_instant()};
  case 5: return room_type_removed{any_type()};
  case 6: return rooms_listed{any_list(4, any_room)};
  case 7: return calendar_changed{any_list(4, any_calendar_change)};
  default: break;
  }
  const auto step = any_in(reservation_step::rooms_held, reservation_step::no_show_recorded);
  if (step == reservation_step::rooms_held || seq == 1)
    return reservation_event{.step = reservation_step::rooms_held, .after = any_reservation(seq), .previous = 0};
  return reservation_event{.step = step, .after = any_reservation(seq), .previous = any_in<std::uint64_t>(1, seq - 1)};
}

inline event any_event(std::uint64_t seq, instant not_before) {
  event e;
  e.seq = seq;
  e.at = not_before + std::chrono::microseconds{any_in<std::int64_t>(0, 1'000'000'000'000)};
  e.by = any_text();
  if (any_bool())
    e.answers = {.key = {any_bits(), any_bits()},
                 .digest = any_bits(),
                 .op = any_in(operation::create_hotel, operation::lapse_holds)};
  e.body = any_body(seq);
  return e;
}

inline std::vector<event> any_events() {
  std::vector<event> events;
  auto seq = any_in<std::uint64_t>(1, 1'000'000);
  instant at = any_instant();
  for (int n = any_in(1, 4); n > 0; --n) {
    events.push_back(any_event(seq++, at));
    at = events.back().at;
  }
  return events;
}

}  // namespace keyrack::testing
