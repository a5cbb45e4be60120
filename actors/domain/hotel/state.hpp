// The state of one hotel: a fold of its events, and of nothing else. Values only; `decide` reads it, `evolve` writes it.
#pragma once

#include "actors/domain/hotel/calendar.hpp"
#include "actors/domain/hotel/events.hpp"
#include "actors/domain/hotel/profile.hpp"
#include "actors/domain/hotel/reservation.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace keyrack {

struct room_type_state {
  room_type_id id;
  room_type_profile profile;
  keyrack::calendar calendar;
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
};

/// What is remembered of an accepted request: enough to recognise it and to find its answer in the journal.
struct known_request {
  std::uint64_t digest = 0;
  std::uint64_t seq = 0;           ///< of the event that answers it
  instant at{};                    ///< of that event
  reservation_number reservation;  ///< 0 when it was not about one
  operation op{};
  bool operator==(const known_request&) const = default;
};

/// Accepted requests by key. A key is kept for `limits::request_key_kept` of event time, and as long as its reservation
/// is in memory; never dropped early. Restoring one from `in_order()` is `remember` of each, in that order.
class request_table {
public:
  const known_request* find(const request_key& key) const;
  std::size_t size() const { return known_.size(); }

  /// `known.at` never goes back from call to call.
  void remember(const request_key& key, const known_request& known);

  /// Forgets the keys from before `before` whose reservation is not in the book.
  void forget_before(instant before, const reservation_book& book);

  /// The reservation has left the book: its keys from before `before` go now, younger ones when they are old enough.
  void reservation_left(const reservation& gone, instant before);

  std::vector<std::pair<request_key, known_request>> in_order() const;

private:
  std::unordered_map<request_key, known_request> known_;
  std::deque<request_key> young_;  // oldest first
  // Old keys that wait for their reservation to leave. The creating key is not in it: the reservation itself names it.
  std::multimap<reservation_number, request_key> of_reservation_;
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
};

}  // namespace keyrack
