// What can be asked of a hotel without changing it, and the answers: exact, true at the hotel's sequence number.
#pragma once

#include "actors/domain/errc.hpp"
#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace keyrack {

struct hotel_query {};
struct room_type_query {
  room_type_id type;
};
struct room_types_query {};
struct rooms_query {};
/// Nights [from, to), at most `limits::bookable_nights + 1` of them.
struct calendar_query {
  date from;
  date to;
  std::optional<room_type_id> type;
};
/// What can be had for a stay, per room type, or all the reasons why not.
struct availability_query {
  keyrack::stay stay;
  std::int32_t guests = 1;
  std::int32_t rooms = 1;
};
struct reservation_query {
  reservation_number number;
};
/// A hotelier's list, in the order of reservation numbers, newest first; all conditions hold together.
struct reservations_query {
  std::optional<reservation_status> status;
  std::optional<date> arriving;
  std::optional<date> departing;
  std::optional<date> in_house;  ///< sleeps that night, and takes rooms
  std::optional<std::vector<guest_id>> guests;
  std::optional<reservation_number> before;  ///< continue below this one
  int limit = 20;
};

using query = std::variant<hotel_query, room_type_query, room_types_query, rooms_query, calendar_query,
                           availability_query, reservation_query, reservations_query>;

struct hotel_view {
  hotel_profile profile;
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
};
struct room_type_view {
  room_type_id id;
  room_type_profile profile;
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
};
struct room_types_view {
  std::vector<room_type_view> types;
};
struct rooms_view {
  std::vector<room> rooms;
  std::uint64_t version = 0;
};

/// One night of one type. `free` is what the domain page defines; `oversold` is by how much taken exceeds the limit.
struct night_view {
  date night;
  std::int64_t price = 0;
  std::int32_t total = 0;
  std::int32_t limit = 0;
  std::int32_t taken = 0;
  std::int32_t free = 0;
  std::int32_t oversold = 0;
  night_rule rule;
};
struct calendar_view {
  struct of_type {
    room_type_id type;
    std::vector<night_view> nights;
  };
  currency priced_in;
  std::vector<of_type> types;
  std::uint64_t version = 0;
};

struct availability_view {
  struct of_type {
    room_type_id type;
    std::string name;
    std::int32_t max_guests = 0;
    std::int32_t free = 0;  ///< rooms free on all nights of the stay
    bool bookable = false;  ///< the asked rooms of this type alone hold the guests, and nothing forbids the stay
    std::vector<std::int64_t> night_prices;  ///< of one room
    std::vector<reason> reasons;             ///< all that forbids it
  };
  keyrack::stay stay;
  currency priced_in;
  std::int32_t guests = 0;
  std::int32_t rooms = 0;
  std::vector<of_type> types;
};

struct reservation_view {
  reservation value;
};
/// The reservation was made here and has left memory: the journal and the projection still know it.
struct reservation_departed {
  reservation_number number;
};
struct reservations_view {
  std::vector<reservation> values;
  bool more = false;
};

using view = std::variant<hotel_view, room_type_view, room_types_view, rooms_view, calendar_view, availability_view,
                          reservation_view, reservation_departed, reservations_view>;

/// Answers from the state as of `now`: holds past their deadline read as expired and take no rooms.
/// Refuses with `hotel_unknown`, `room_type_unknown`, `reservation_unknown`, `stay_invalid`, `stay_in_past`, `stay_too_far`.
std::variant<view, refusal> answer(const hotel_state& hotel, const query& q, const moment& now);

}  // namespace keyrack
