// Every refusal and failure by name: the one list. Refusals of `decide` come in the order of this enumeration, which is
// the order of the table in the design's domain page, and tests hold it to that.
#pragma once

#include "actors/domain/ids.hpp"
#include "actors/domain/stay.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack {

enum class errc : std::uint8_t {
  // Of decide, in order.
  key_reused,
  hotel_unknown,
  room_type_unknown,
  reservation_unknown,
  wrong_status,
  version_conflict,
  stay_invalid,
  stay_in_past,
  stay_too_far,
  too_many_guests,
  sold_out,
  closed,
  closed_to_arrival,
  closed_to_departure,
  min_stay,
  max_stay,
  hold_lapsed,
  no_room_ready,
  room_type_in_use,
  currency_mismatch,
  calendar_invalid,
  limit_reached,
  room_taken,
  hotel_in_use,
  // Of the gateway.
  json_invalid,
  cursor_invalid,
  body_invalid,
  guest_unknown,
  // Of the way there.
  overloaded,
  unavailable,
  deadline_exceeded,
  // Of operators' requests, in the order in which they are looked at.
  node_unknown,
  shard_unknown,
  last_node,
  node_unfit,
  already_there,
  shard_pinned,
  move_open,
  rebalance_running,
  // Between nodes and actors only; the router retries.
  moving,
  fenced,
};

/// The code as it is written in JSON, logs and metrics.
std::string_view to_text(errc code);

/// Whether a failed request may have had its effect. Every failure carries one.
enum class outcome : std::uint8_t { not_applied, unknown };

std::string_view to_text(outcome o);

/// One machine-readable reason of a refusal: which night, which type, how many were free, which bound.
struct reason {
  errc code{};
  std::optional<date> night;
  std::optional<room_type_id> type;
  std::optional<std::int64_t> free;   ///< rooms free that night
  std::optional<std::int64_t> bound;  ///< the minimum, maximum or limit that was broken
  auto operator<=>(const reason&) const = default;
};

/// A refusal: nothing was applied and nothing is remembered under the request's key.
struct refusal {
  errc code{};
  std::vector<reason> reasons;
  std::string detail;  ///< a sentence for people: what is wrong and what to do; may be empty
  bool operator==(const refusal&) const = default;
};

}  // namespace keyrack
