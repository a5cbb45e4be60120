// Changes of the calendar: all or nothing, in order.
#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/deciding.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <utility>

namespace keyrack::deciding {

namespace {

template <typename T>
bool sets(const setting<T>& s) {
  return s.what == setting<T>::kind::set;
}

void assert_bounds(const night_change& set) {
  KEYRACK_ASSERT(!sets(set.price) || (set.price.value >= 0 && set.price.value <= limits::price_minor_max));
  KEYRACK_ASSERT(!sets(set.rooms_to_sell) ||
                 (set.rooms_to_sell.value >= 0 && set.rooms_to_sell.value <= limits::rooms_per_type_max));
}

// The event says what it touches, whatever types the hotel has when it is replayed.
std::vector<calendar_change> spelt_out(const hotel_state& hotel, std::vector<calendar_change> changes) {
  for (auto& change : changes) {
    if (!change.types.empty()) continue;
    for (const auto& type : hotel.types) change.types.push_back(type.id);
  }
  return changes;
}

/// What is wrong with the range or with what is set; empty when nothing is.
std::string why_invalid(const calendar_change& change, date today) {
  // A stay that sleeps in the last bookable night leaves one date later, which may be closed to departure.
  const auto end = today + limits::bookable_nights + 1;
  if (change.from >= change.to) return "`to` is not after `from`.";
  if (change.from < today) return fmt::format("The calendar begins on {}.", to_text(today));
  if (change.to > end) return fmt::format("The calendar ends on {}.", to_text(end));
  if ((change.weekdays & 0x7F) == 0) return "No weekday is named.";
  const bool stays_set = sets(change.set.min_stay) && sets(change.set.max_stay);
  if (stays_set && change.set.max_stay.value != 0 && change.set.min_stay.value > change.set.max_stay.value)
    return "The shortest stay is longer than the longest.";
  return {};
}

std::optional<refusal> type_missing(const matter& m, const change_calendar& cmd) {
  for (const auto& change : cmd.changes) {
    for (const auto id : change.types) {
      if (const auto type = find_type(m, id); !type) return type.error();
    }
  }
  return std::nullopt;
}

}  // namespace

verdict decide_on(const matter& m, const change_calendar& cmd) {
  KEYRACK_ASSERT(cmd.changes.size() <= limits::calendar_changes_max);
  const auto& hotel = m.hotel.hotel();
  if (auto missing = type_missing(m, cmd)) return std::unexpected(std::move(*missing));

  // Reading the calendar tells the hotel's sequence, which bookings move on: what counts is whether its rules moved.
  const auto seen = m.req.if_match;
  if (seen && (*seen < hotel.calendar_version || *seen > hotel.seq))
    return refuse(errc::version_conflict,
                  fmt::format("The calendar was changed at version {}: read it again.", hotel.calendar_version));

  for (const auto& change : cmd.changes) {
    assert_bounds(change.set);
    if (change.price_currency && *change.price_currency != hotel.profile.currency)
      return refuse(errc::currency_mismatch,
                    fmt::format("The hotel's prices are in {}.", hotel.profile.currency.text()));
  }
  if (cmd.changes.empty() || hotel.types.empty())
    return refuse(errc::calendar_invalid, "There is nothing that could be changed.");
  auto changes = spelt_out(hotel, cmd.changes);
  std::int64_t nights = 0;
  for (const auto& change : changes) {
    if (auto why = why_invalid(change, m.now.today); !why.empty())
      return refuse(errc::calendar_invalid, std::move(why));
    nights += static_cast<std::int64_t>(change.types.size()) * (change.to - change.from);
  }
  if (nights > limits::calendar_type_nights_max)
    return refuse(errc::limit_reached, fmt::format("One request changes at most {} nights of types, this one {}.",
                                                   limits::calendar_type_nights_max, nights));
  return calendar_changed{.changes = std::move(changes)};
}

}  // namespace keyrack::deciding
