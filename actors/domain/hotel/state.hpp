// The state of one hotel: a fold of its events, and of nothing else. Values only; `decide` reads it, `evolve` writes it.
#pragma once

#include "actors/domain/hotel/calendar.hpp"
#include "actors/domain/hotel/events.hpp"
#include "actors/domain/hotel/profile.hpp"
#include "actors/domain/hotel/request_table.hpp"
#include "actors/domain/hotel/reservation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace keyrack {

/// From this night on, until the next step, so many rooms of a type are out of order.
struct out_of_order_step {
  date from;
  std::int32_t rooms = 0;
  bool operator==(const out_of_order_step&) const = default;
};

struct room_type_state {
  room_type_id id;
  room_type_profile profile;
  keyrack::calendar calendar;
  std::vector<out_of_order_step> out_of_order;  ///< follows from the hotel's rooms; in order
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
  bool operator==(const room_type_state&) const = default;
};

struct hotel_state {
  hotel_id id;
  std::uint64_t seq = 0;  ///< of the last event; 0: nothing has ever happened here
  instant last_at{};      ///< of the last event

  bool exists = false;  ///< created and not removed
  bool removed = false;
  hotel_profile profile;
  std::uint64_t version = 0;  ///< of the hotel resource
  instant created_at{};
  instant updated_at{};

  std::vector<room_type_state> types;  ///< those that exist, in the order of their ids
  std::uint16_t last_type = 0;         ///< ids are never used again
  std::vector<room> rooms;             ///< in the hotelier's order
  std::uint64_t rooms_version = 0;
  std::uint64_t calendar_version = 0;

  reservation_book reservations;
  std::uint64_t last_reservation = 0;
  std::set<std::pair<instant, reservation_number>> holds;    ///< pending reservations by deadline
  std::set<std::pair<instant, reservation_number>> leaving;  ///< ended reservations by the instant they leave memory
  std::map<std::string, reservation_number, std::less<>> occupied;  ///< physical rooms by who is checked in there
  request_table requests;

  const room_type_state* find_type(room_type_id type) const;
  room_type_state* find_type(room_type_id type);

  bool operator==(const hotel_state&) const = default;
};

/// Counts the rooms out of order by night anew, after the list of rooms or of types has changed.
void count_out_of_order(hotel_state& hotel);

/// For a state from a snapshot: fills what neither is in it nor follows from single reservations, that is rooms out of
/// order by night, and which old keys wait for which reservation.
void restore_derived(hotel_state& hotel);

/// When an ended reservation leaves memory; nothing while it has not ended.
std::optional<instant> leaves_at(const reservation& r);

}  // namespace keyrack
