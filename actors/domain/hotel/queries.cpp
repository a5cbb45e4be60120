#include "actors/domain/hotel/queries.hpp"

#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/inventory.hpp"
#include "actors/domain/hotel/present.hpp"
#include "actors/domain/hotel/pricing.hpp"
#include "actors/domain/hotel/restrictions.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace keyrack {

namespace {

using result = std::variant<view, refusal>;

refusal refused(errc code, std::string detail) { return {.code = code, .reasons = {}, .detail = std::move(detail)}; }

room_type_view view_of(const room_type_state& type) {
  return {.id = type.id,
          .profile = type.profile,
          .version = type.version,
          .created_at = type.created_at,
          .updated_at = type.updated_at};
}

result answer_to(const present& now, date, const hotel_query&) {
  const auto& hotel = now.hotel();
  return view{hotel_view{.profile = hotel.profile,
                         .version = hotel.version,
                         .created_at = hotel.created_at,
                         .updated_at = hotel.updated_at}};
}

result answer_to(const present& now, date, const room_type_query& q) {
  if (const auto* type = now.hotel().find_type(q.type)) return view{view_of(*type)};
  return refused(errc::room_type_unknown, fmt::format("The hotel has no room type {}.", q.type.value));
}

result answer_to(const present& now, date, const room_types_query&) {
  room_types_view all;
  for (const auto& type : now.hotel().types) all.types.push_back(view_of(type));
  return view{std::move(all)};
}

result answer_to(const present& now, date, const rooms_query&) {
  return view{rooms_view{.rooms = now.hotel().rooms, .version = now.hotel().rooms_version}};
}

night_view night_of(const present& now, const room_type_state& type, date night) {
  const auto count = count_night(now, type, night);
  const auto& rule = type.calendar.rule(night);
  return {.night = night,
          .price = price_of(type, night),
          .total = count.total,
          .limit = count.limit,
          .taken = count.taken,
          .free = rule.closed ? 0 : count.unsold(),
          .oversold = std::max(0, count.taken - count.limit),
          .rule = rule};
}

result answer_to(const present& now, date today, const calendar_query& q) {
  constexpr int nights_max = limits::bookable_nights + 1;
  const auto& hotel = now.hotel();
  if (q.type && hotel.find_type(*q.type) == nullptr)
    return refused(errc::room_type_unknown, fmt::format("The hotel has no room type {}.", q.type->value));
  if (q.from >= q.to) return refused(errc::stay_invalid, "`to` is not after `from`.");
  if (q.from < today) return refused(errc::stay_in_past, fmt::format("The calendar begins on {}.", to_text(today)));
  if (q.to > today + nights_max)
    return refused(errc::stay_too_far, fmt::format("The calendar ends on {}.", to_text(today + nights_max)));
  // Every booking changes what it says: its version is the hotel's.
  calendar_view all{.priced_in = hotel.profile.currency, .types = {}, .version = hotel.seq};
  for (const auto& type : hotel.types) {
    if (q.type && type.id != *q.type) continue;
    auto& of = all.types.emplace_back();
    of.type = type.id;
    of.nights.reserve(static_cast<std::size_t>(q.to - q.from));
    for (auto night = q.from; night < q.to; ++night) of.nights.push_back(night_of(now, type, night));
  }
  return view{std::move(all)};
}

std::int32_t free_all_nights(const present& now, const room_type_state& type, const stay& nights) {
  auto least = std::numeric_limits<std::int32_t>::max();
  for (auto night = nights.check_in; night < nights.check_out; ++night)
    least = std::min(least, night_of(now, type, night).free);
  return least;
}

availability_view::of_type availability_of(const present& now, const room_type_state& type,
                                           const availability_query& q) {
  const demand wanted{.stay = q.stay, .before = {}, .types = {{.type = &type, .rooms = q.rooms}}};
  const std::vector<requested_item> items = {{.type = type.id, .rooms = q.rooms, .guests = q.guests}};
  const auto item = priced(now.hotel(), items, q.stay, nullptr).front();
  availability_view::of_type of{.type = type.id,
                                .name = type.profile.name,
                                .max_guests = type.profile.max_guests,
                                .free = free_all_nights(now, type, q.stay),
                                .bookable = false,
                                .night_prices = {item.night_prices.begin(), item.night_prices.end()},
                                .reasons = {}};
  const auto sleeps = std::int64_t{type.profile.max_guests} * q.rooms;
  if (q.guests > sleeps) of.reasons.push_back({.code = errc::too_many_guests, .type = type.id, .bound = sleeps});
  std::ranges::copy(reasons_against(now, wanted), std::back_inserter(of.reasons));
  if (subtotal(item) > limits::reservation_total_max)
    of.reasons.push_back({.code = errc::limit_reached, .bound = limits::reservation_total_max});
  of.bookable = of.reasons.empty();
  return of;
}

result answer_to(const present& now, date today, const availability_query& q) {
  KEYRACK_ASSERT(q.rooms > 0 && q.rooms <= limits::rooms_per_type_max && q.guests > 0);
  const auto& hotel = now.hotel();
  const demand any{.stay = q.stay, .before = {}, .types = {}};
  if (auto bad = stay_refused(any, today)) return std::move(*bad);
  availability_view all{
      .stay = q.stay, .priced_in = hotel.profile.currency, .guests = q.guests, .rooms = q.rooms, .types = {}};
  for (const auto& type : hotel.types) all.types.push_back(availability_of(now, type, q));
  return view{std::move(all)};
}

// A hold past its deadline reads as expired, though its event has yet to come.
reservation as_read(const present& now, const reservation& r) {
  auto copy = r;
  copy.status = now.status_of(r);
  return copy;
}

result answer_to(const present& now, date, const reservation_query& q) {
  const auto& hotel = now.hotel();
  if (q.number.value < 1 || q.number.value > hotel.last_reservation)
    return refused(errc::reservation_unknown, "There is no such reservation.");
  const auto* r = hotel.reservations.find(q.number);
  if (r == nullptr) return view{reservation_departed{.number = q.number}};
  return view{reservation_view{.value = as_read(now, *r)}};
}

bool matches(const present& now, const reservation& r, const reservations_query& q,
             const std::vector<guest_id>& guests) {
  const auto status = now.status_of(r);
  if (q.status && status != *q.status) return false;
  if (q.arriving && r.stay.check_in != *q.arriving) return false;
  if (q.departing && r.stay.check_out != *q.departing) return false;
  if (q.in_house && !(r.stay.sleeps(*q.in_house) && takes_rooms(status))) return false;
  return !q.guests || std::ranges::binary_search(guests, r.guest);
}

result answer_to(const present& now, date, const reservations_query& q) {
  KEYRACK_ASSERT(q.limit > 0);
  auto guests = q.guests.value_or(std::vector<guest_id>{});
  std::ranges::sort(guests);
  reservations_view found;
  constexpr reservation_number above_all{std::numeric_limits<std::uint64_t>::max()};
  now.hotel().reservations.for_each_below(q.before.value_or(above_all), [&](const reservation& r) {
    if (!matches(now, r, q, guests)) return true;
    found.more = found.values.size() == static_cast<std::size_t>(q.limit);
    if (!found.more) found.values.push_back(as_read(now, r));
    return !found.more;
  });
  return view{std::move(found)};
}

}  // namespace

std::variant<view, refusal> answer(const hotel_state& hotel, const query& q, const moment& now) {
  const auto* about = std::get_if<reservation_query>(&q);
  // A removed hotel is unknown to everything but its own past reservations.
  const bool past = hotel.removed && about != nullptr && about->number.value <= hotel.last_reservation;
  if (!hotel.exists && !past) return refused(errc::hotel_unknown, "There is no such hotel.");
  const present as_of_now{hotel, now.at};
  return std::visit([&](const auto& asked) { return answer_to(as_of_now, now.today, asked); }, q);
}

}  // namespace keyrack
