// What has happened in a hotel: the facts that the journal holds. An event says enough to render its request's answer
// again; a touched resource is in its event as it stands afterwards.
#pragma once

#include "actors/domain/hotel/commands.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack {

struct hotel_created {
  hotel_profile profile;
  bool operator==(const hotel_created&) const = default;
};
struct hotel_updated {
  hotel_profile profile;
  instant created_at{};
  bool operator==(const hotel_updated&) const = default;
};
struct hotel_removed {
  bool operator==(const hotel_removed&) const = default;
};
struct room_type_added {
  room_type_id type;
  room_type_profile profile;
  bool operator==(const room_type_added&) const = default;
};
struct room_type_updated {
  room_type_id type;
  room_type_profile profile;
  instant created_at{};
  bool operator==(const room_type_updated&) const = default;
};
struct room_type_removed {
  room_type_id type;
  bool operator==(const room_type_removed&) const = default;
};
struct rooms_listed {
  std::vector<room> rooms;
  bool operator==(const rooms_listed&) const = default;
};
/// Types are spelt out, so that a replay needs nothing else.
struct calendar_changed {
  std::vector<calendar_change> changes;
  bool operator==(const calendar_changed&) const = default;
};

enum class reservation_step : std::uint8_t {
  rooms_held,  ///< the first of a reservation; confirmed at once when its status says so
  confirmed,
  changed,
  hold_extended,
  hold_lapsed,
  cancelled,
  checked_in,
  checked_out,
  no_show_recorded,
};
std::string_view to_text(reservation_step step);

/// A step in the life of a reservation. `previous` is the sequence number of the step before (0 for the first), so that
/// its whole history can be read backwards from the journal, however long ago it left memory.
struct reservation_event {
  reservation_step step{};
  reservation after;
  std::uint64_t previous = 0;
  bool operator==(const reservation_event&) const = default;
};

/// Never reorder: the codec and the projections name alternatives by type, but people read the order.
using event_body = std::variant<hotel_created, hotel_updated, hotel_removed, room_type_added, room_type_updated,
                                room_type_removed, rooms_listed, calendar_changed, reservation_event>;

/// The request that an event answers: only the last event of a decision has one.
struct request_stamp {
  request_key key;
  std::uint64_t digest = 0;
  operation op{};
  bool operator==(const request_stamp&) const = default;
};

struct event {
  std::uint64_t seq = 0;  ///< 1, 2, 3 … within the hotel, without a gap
  instant at{};           ///< cluster time, never before the event before it
  std::string by;
  std::optional<request_stamp> answers;
  event_body body;
  bool operator==(const event&) const = default;
};

/// `hotel_created`, `rooms_held`, …
std::string_view kind_of(const event& e);

}  // namespace keyrack
