// What must hold of a hotel after every step, counted anew from its reservations. Slow: for tests and verification.
#include "actors/domain/hotel/evolve.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace keyrack {

namespace {

/// What the reservations say that the lists beside them should say.
struct recount {
  std::map<std::pair<room_type_id, date>, std::int64_t> taken;
  std::set<std::pair<instant, reservation_number>> holds;
  std::set<std::pair<instant, reservation_number>> leaving;
  std::map<std::string, reservation_number, std::less<>> occupied;
  std::string broken;
};

void count(recount& all, const hotel_state& hotel, const reservation& r) {
  const auto name = [&] { return fmt::format("reservation {}", r.number.value); };
  if (r.number.value == 0 || r.number.value > hotel.last_reservation) all.broken = name() + " has a number never given";
  if (r.version == 0 || r.version > hotel.seq) all.broken = name() + " has a version above the hotel's";
  if (r.items.empty()) all.broken = name() + " has no items";
  if (r.stay.nights() < 1 || r.stay.nights() > limits::stay_nights_max) all.broken = name() + " has a broken stay";
  if (!hotel.requests.find(r.created_by)) all.broken = name() + " has lost the key that made it";
  std::int64_t rooms = 0;
  for (const auto& item : r.items) {
    rooms += item.rooms;
    if (item.night_prices.size() != static_cast<std::size_t>(r.stay.nights()))
      all.broken = name() + " has not one price for each night";
    if (!takes_rooms(r.status)) continue;
    if (hotel.find_type(item.type) == nullptr) all.broken = name() + " needs a room type that is gone";
    for (auto night = r.stay.check_in; night < r.stay.check_out; ++night) all.taken[{item.type, night}] += item.rooms;
  }
  if (r.status == reservation_status::pending) all.holds.emplace(r.hold_expires_at, r.number);
  if (const auto leaves = leaves_at(r)) all.leaving.emplace(*leaves, r.number);
  if (r.status != reservation_status::checked_in) return;
  if (static_cast<std::int64_t>(r.room_numbers.size()) != rooms) all.broken = name() + " lacks room numbers";
  for (const auto& number : r.room_numbers) {
    if (!all.occupied.emplace(number, r.number).second) all.broken = fmt::format("room {} is occupied twice", number);
  }
}

std::string taken_broken(const hotel_state& hotel, const recount& all) {
  for (const auto& type : hotel.types) {
    const auto& calendar = type.calendar;
    for (auto night = calendar.first_night(); night < calendar.taken_end(); ++night) {
      const auto counted = all.taken.find({type.id, night});
      const auto should = counted == all.taken.end() ? 0 : counted->second;
      if (calendar.taken(night) != should)
        return fmt::format("{} rooms of type {} are taken on {}, counted {}", calendar.taken(night), type.id.value,
                           to_text(night), should);
    }
  }
  for (const auto& [place, rooms] : all.taken) {
    const auto* type = hotel.find_type(place.first);
    if (type != nullptr && place.second >= type->calendar.taken_end() && place.second >= type->calendar.first_night())
      return fmt::format("{} rooms of type {} on {} are not taken", rooms, place.first.value, to_text(place.second));
  }
  return {};
}

std::string types_broken(const hotel_state& hotel) {
  const auto unordered = std::ranges::adjacent_find(hotel.types, std::ranges::greater_equal{}, &room_type_state::id);
  if (unordered != hotel.types.end()) return "room types are out of order";
  for (const auto& type : hotel.types) {
    if (type.id.value == 0 || type.id.value > hotel.last_type) return "a room type has an id never given";
    if (type.version == 0 || type.version > hotel.seq) return "a room type has a version above the hotel's";
    if (type.calendar.first_night() != hotel.types.front().calendar.first_night())
      return "the windows of the calendars differ";
  }
  for (const auto& r : hotel.rooms) {
    if (hotel.find_type(r.type) == nullptr) return fmt::format("room {} has a type that is gone", r.number);
  }
  auto anew = hotel;
  count_out_of_order(anew);
  return anew.types == hotel.types ? std::string{} : "rooms out of order are miscounted";
}

}  // namespace

std::string invariants_broken(const hotel_state& hotel) {
  if (hotel.exists && hotel.removed) return "the hotel exists and is removed";
  if (std::max({hotel.version, hotel.rooms_version, hotel.calendar_version}) > hotel.seq)
    return "a version is above the sequence number";
  if (auto broken = types_broken(hotel); !broken.empty()) return broken;
  recount all;
  reservation_number last;
  std::size_t reservations = 0;
  hotel.reservations.for_each([&](const reservation& r) {
    if (r.number <= last) all.broken = "reservations are out of order";
    last = r.number;
    ++reservations;
    count(all, hotel, r);
  });
  if (!all.broken.empty()) return all.broken;
  if (reservations != hotel.reservations.size()) return "the book miscounts its reservations";
  if (all.holds != hotel.holds) return "the deadlines are not those of the pending reservations";
  if (all.leaving != hotel.leaving) return "the ended reservations are not those that are listed to leave";
  if (all.occupied != hotel.occupied) return "the occupied rooms are not those of the guests in the house";
  return taken_broken(hotel, all);
}

}  // namespace keyrack
