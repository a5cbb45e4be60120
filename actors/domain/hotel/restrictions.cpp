#include "actors/domain/hotel/restrictions.hpp"

#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace keyrack {

namespace {

reason about(errc code, date night, room_type_id type, std::optional<std::int64_t> bound = {}) {
  return {.code = code, .night = night, .type = type, .bound = bound};
}

// Adds what the calendar has against arrival, departure and length.
void add_restrictions(const demand& wanted, std::vector<reason>& reasons) {
  const auto& stay = wanted.stay;
  for (const auto& d : wanted.types) {
    if (d.rooms == 0) continue;
    const bool more_rooms = d.rooms > d.rooms_before;
    const auto& arrival = d.type->calendar.rule(stay.check_in);
    if (arrival.closed_to_arrival && (more_rooms || stay.check_in != wanted.before.check_in))
      reasons.push_back(about(errc::closed_to_arrival, stay.check_in, d.type->id));
    if (d.type->calendar.rule(stay.check_out).closed_to_departure &&
        (more_rooms || stay.check_out != wanted.before.check_out))
      reasons.push_back(about(errc::closed_to_departure, stay.check_out, d.type->id));
    if (!more_rooms && stay == wanted.before) continue;
    if (arrival.min_stay != 0 && stay.nights() < arrival.min_stay)
      reasons.push_back(about(errc::min_stay, stay.check_in, d.type->id, arrival.min_stay));
    if (arrival.max_stay != 0 && stay.nights() > arrival.max_stay)
      reasons.push_back(about(errc::max_stay, stay.check_in, d.type->id, arrival.max_stay));
  }
}

bool takes_past_nights(const demand& wanted, date today) {
  for (auto night = wanted.stay.check_in; night < std::min(wanted.stay.check_out, today); ++night) {
    for (const auto& d : wanted.types) {
      if (wanted.more(d, night) > 0) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<refusal> stay_refused(const demand& wanted, date today) {
  const auto& [from, to] = wanted.stay;
  const auto no = [](errc code, std::string detail, std::optional<date> night) {
    return refusal{.code = code, .reasons = {{.code = code, .night = night}}, .detail = std::move(detail)};
  };
  if (from >= to || to - from > limits::stay_nights_max)
    return no(errc::stay_invalid, fmt::format("A stay has 1 to {} nights.", limits::stay_nights_max), {});
  const bool early = (from != wanted.before.check_in && from < today) || (to != wanted.before.check_out && to < today);
  if (early || takes_past_nights(wanted, today))
    return no(errc::stay_in_past, fmt::format("At the hotel it is {}.", to_text(today)), today);
  const auto last = today + limits::bookable_nights;
  if (to != wanted.before.check_out && to > last)
    return no(errc::stay_too_far, fmt::format("The latest departure that can be booked is {}.", to_text(last)), last);
  return std::nullopt;
}

std::vector<reason> reasons_against(const present& hotel, const demand& wanted) {
  std::vector<reason> reasons;
  add_shortages(hotel, wanted, reasons);
  add_restrictions(wanted, reasons);
  std::ranges::sort(reasons);
  return reasons;
}

}  // namespace keyrack
