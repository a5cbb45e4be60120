// What can be asked of a hotel. Commands are imperative and carry a request key; queries are nouns and change nothing.
#pragma once

#include "actors/domain/hotel/calendar.hpp"
#include "actors/domain/hotel/profile.hpp"
#include "actors/domain/hotel/reservation.hpp"
#include "actors/domain/ids.hpp"
#include "actors/domain/stay.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack {

/// What makes a command the same command when it is sent again, and who sends it.
struct request {
  request_key key;
  std::uint64_t digest = 0;               ///< of operation, path and fields as the client sent them
  std::string by;                         ///< who: goes into the event
  std::optional<std::uint64_t> if_match;  ///< the version that the client has seen
  bool key_is_client_reference = false;   ///< the key is the `reservation_id` of the body
};

struct create_hotel {
  hotel_profile profile;
};
struct update_hotel {
  hotel_profile profile;
};
struct remove_hotel {};

struct add_room_type {
  room_type_profile profile;
};
struct update_room_type {
  room_type_id type;
  room_type_profile profile;
};
struct remove_room_type {
  room_type_id type;
};

/// Replaces the list of physical rooms.
struct list_rooms {
  std::vector<room> rooms;
};

/// One range of a calendar change. No types means all that the hotel has now; no weekdays means all seven.
struct calendar_change {
  std::vector<room_type_id> types;
  date from;
  date to;                       ///< exclusive
  std::uint8_t weekdays = 0x7F;  ///< bit n: `weekday{n}`
  night_change set;
  std::optional<currency> price_currency;  ///< as the client wrote it, checked against the hotel's
  bool operator==(const calendar_change&) const = default;
};

/// All or nothing, in order.
struct change_calendar {
  std::vector<calendar_change> changes;
};

struct requested_item {
  room_type_id type;
  std::int32_t rooms = 1;
  std::int32_t guests = 1;  ///< in all rooms of the item together
  bool operator==(const requested_item&) const = default;
};

struct hold_rooms {
  keyrack::stay stay;
  std::vector<requested_item> items;
  guest_id guest;
  bool hold = true;  ///< false: confirmed at once
};
struct confirm_reservation {
  reservation_number number;
};
/// What is absent stays as it is.
struct change_reservation {
  reservation_number number;
  std::optional<date> check_in;
  std::optional<date> check_out;
  std::optional<std::vector<requested_item>> items;
};
/// Until `now + by`; by the hotel's hold time when absent.
struct extend_hold {
  reservation_number number;
  std::optional<std::chrono::seconds> by;
};
struct cancel_reservation {
  reservation_number number;
};
/// Rooms by number, item by item; none: the hotel chooses from its list.
struct check_in_guest {
  reservation_number number;
  std::vector<std::string> rooms;
};
struct check_out_guest {
  reservation_number number;
};
struct record_no_show {
  reservation_number number;
};
/// The hotel's own timer: what has lapsed is recorded. Carries no request key and has no answer.
struct lapse_holds {};

/// In the order of `operation`; never reorder, operations are on the disk.
using command =
    std::variant<create_hotel, update_hotel, remove_hotel, add_room_type, update_room_type, remove_room_type,
                 list_rooms, change_calendar, hold_rooms, confirm_reservation, change_reservation, extend_hold,
                 cancel_reservation, check_in_guest, check_out_guest, record_no_show, lapse_holds>;

/// Which command a request key was used for: its place in `command`.
enum class operation : std::uint8_t {
  create_hotel,
  update_hotel,
  remove_hotel,
  add_room_type,
  update_room_type,
  remove_room_type,
  list_rooms,
  change_calendar,
  hold_rooms,
  confirm_reservation,
  change_reservation,
  extend_hold,
  cancel_reservation,
  check_in_guest,
  check_out_guest,
  record_no_show,
  lapse_holds,
};
inline operation operation_of(const command& c) { return static_cast<operation>(c.index()); }
std::string_view to_text(operation op);

}  // namespace keyrack
