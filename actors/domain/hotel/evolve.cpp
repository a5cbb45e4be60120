#include "actors/domain/hotel/evolve.hpp"

#include "actors/domain/assert.hpp"
#include "actors/domain/limits.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace keyrack {

namespace {

date first_kept_night(instant at) { return utc_date(at) - limits::nights_kept_behind; }

void take(hotel_state& hotel, const reservation& r, int sign) {
  for (const auto& item : r.items) {
    auto* type = hotel.find_type(item.type);
    KEYRACK_ASSERT(type != nullptr);
    type->calendar.take(r.stay, sign * item.rooms);
  }
}

// Whatever lists name the reservation as it stands.
void list(hotel_state& hotel, const reservation& r) {
  if (takes_rooms(r.status)) take(hotel, r, +1);
  if (r.status == reservation_status::pending) hotel.holds.emplace(r.hold_expires_at, r.number);
  if (r.status == reservation_status::checked_in) {
    for (const auto& number : r.room_numbers) KEYRACK_ASSERT(hotel.occupied.emplace(number, r.number).second);
  }
  if (const auto leaves = leaves_at(r)) hotel.leaving.emplace(*leaves, r.number);
}

void unlist(hotel_state& hotel, const reservation& r) {
  if (takes_rooms(r.status)) take(hotel, r, -1);
  if (r.status == reservation_status::pending) hotel.holds.erase({r.hold_expires_at, r.number});
  if (r.status == reservation_status::checked_in) {
    for (const auto& number : r.room_numbers) hotel.occupied.erase(number);
  }
  if (const auto leaves = leaves_at(r)) hotel.leaving.erase({*leaves, r.number});
}

void apply(hotel_state& hotel, const event& e, const hotel_created& body) {
  KEYRACK_ASSERT(!hotel.exists && !hotel.removed);
  hotel.exists = true;
  hotel.profile = body.profile;
  hotel.version = e.seq;
  hotel.created_at = hotel.updated_at = e.at;
}

void apply(hotel_state& hotel, const event& e, const hotel_updated& body) {
  hotel.profile = body.profile;
  hotel.version = e.seq;
  hotel.updated_at = e.at;
}

// Its past reservations stay, for as long as others do.
void apply(hotel_state& hotel, const event& e, const hotel_removed&) {
  hotel.exists = false;
  hotel.removed = true;
  hotel.version = e.seq;
  hotel.updated_at = e.at;
  hotel.types.clear();
  hotel.rooms.clear();
}

void apply(hotel_state& hotel, const event& e, const room_type_added& body) {
  KEYRACK_ASSERT(body.type.value > hotel.last_type);
  hotel.last_type = body.type.value;
  auto& type = hotel.types.emplace_back();
  type.id = body.type;
  type.profile = body.profile;
  type.version = e.seq;
  type.created_at = type.updated_at = e.at;
  type.calendar.forget_before(first_kept_night(e.at));
}

void apply(hotel_state& hotel, const event& e, const room_type_updated& body) {
  auto* type = hotel.find_type(body.type);
  KEYRACK_ASSERT(type != nullptr);
  type->profile = body.profile;
  type->version = e.seq;
  type->updated_at = e.at;
}

// Its physical rooms leave the list with it.
void apply(hotel_state& hotel, const event& e, const room_type_removed& body) {
  KEYRACK_ASSERT(std::erase_if(hotel.types, [&](const room_type_state& t) { return t.id == body.type; }) == 1);
  if (std::erase_if(hotel.rooms, [&](const room& r) { return r.type == body.type; }) > 0) hotel.rooms_version = e.seq;
}

void apply(hotel_state& hotel, const event& e, const rooms_listed& body) {
  hotel.rooms = body.rooms;
  hotel.rooms_version = e.seq;
  count_out_of_order(hotel);
}

void apply(hotel_state& hotel, const event& e, const calendar_changed& body) {
  hotel.calendar_version = e.seq;
  for (const auto& change : body.changes) {
    for (const auto id : change.types) {
      auto* type = hotel.find_type(id);
      KEYRACK_ASSERT(type != nullptr);
      for (auto night = change.from; night < change.to; ++night) {
        if ((change.weekdays >> static_cast<int>(weekday_of(night)) & 1) == 0) continue;
        type->calendar.set_rule(night, changed(type->calendar.rule(night), change.set));
      }
    }
  }
}

void apply(hotel_state& hotel, const event& e, const reservation_event& body) {
  const auto& after = body.after;
  KEYRACK_ASSERT(after.version == e.seq);
  if (body.step == reservation_step::rooms_held) {
    KEYRACK_ASSERT(after.number.value == hotel.last_reservation + 1);
    KEYRACK_ASSERT(e.answers && e.answers->key == after.created_by);  // the request table relies on it
    hotel.last_reservation = after.number.value;
  } else {
    const auto* before = hotel.reservations.find(after.number);
    KEYRACK_ASSERT(before != nullptr && before->version == body.previous);
    unlist(hotel, *before);
  }
  list(hotel, after);
  hotel.reservations.put(after);
}

reservation_number subject_of(const event_body& body) {
  const auto* r = std::get_if<reservation_event>(&body);
  return r != nullptr ? r->after.number : reservation_number{};
}

// By event time and nothing else, so that a replay forgets the same.
void forget(hotel_state& hotel, instant at) {
  const auto keys_before = at - limits::request_key_kept;
  hotel.requests.forget_before(keys_before, hotel.reservations);
  while (!hotel.leaving.empty() && hotel.leaving.begin()->first <= at) {
    const auto number = hotel.leaving.begin()->second;
    const auto* gone = hotel.reservations.find(number);
    KEYRACK_ASSERT(gone != nullptr);
    hotel.requests.reservation_left(*gone, keys_before);
    hotel.leaving.erase(hotel.leaving.begin());
    hotel.reservations.erase(number);
  }
}

}  // namespace

void evolve(hotel_state& hotel, const event& e) {
  KEYRACK_ASSERT(e.seq == hotel.seq + 1);
  KEYRACK_ASSERT(e.at >= hotel.last_at);
  if (utc_date(e.at) != utc_date(hotel.last_at)) {
    for (auto& type : hotel.types) type.calendar.forget_before(first_kept_night(e.at));
  }
  hotel.seq = e.seq;
  hotel.last_at = e.at;
  std::visit([&](const auto& body) { apply(hotel, e, body); }, e.body);
  if (e.answers) {
    hotel.requests.remember(e.answers->key, {.digest = e.answers->digest,
                                             .seq = e.seq,
                                             .at = e.at,
                                             .reservation = subject_of(e.body),
                                             .op = e.answers->op});
  }
  forget(hotel, e.at);
}

}  // namespace keyrack
