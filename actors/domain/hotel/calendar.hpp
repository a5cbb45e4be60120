// The hotelier's calendar of one room type: what is set for each night, and how many rooms of it are taken.
// Owns the rolling window of nights; refuses to know reservations, time zones and what day it is.
#pragma once

#include "actors/domain/stay.hpp"

#include <cstdint>
#include <vector>

namespace keyrack {

/// What a hotelier has set for one night of one room type. Unset is "as the room type says".
struct night_rule {
  static constexpr std::int64_t price_unset = -1;
  static constexpr std::int32_t rooms_unset = -1;

  std::int64_t price = price_unset;  ///< minor units
  std::int32_t rooms_to_sell = rooms_unset;
  std::uint8_t min_stay = 0;  ///< nights, of stays that arrive on it; 0 is none
  std::uint8_t max_stay = 0;
  bool closed : 1 = false;               ///< not sold
  bool closed_to_arrival : 1 = false;    ///< no stay begins
  bool closed_to_departure : 1 = false;  ///< no stay ends
  bool operator==(const night_rule&) const = default;
};

/// How a calendar change treats one field: an absent one stays, `null` clears, a value sets.
template <typename T>
struct setting {
  enum class kind : std::uint8_t { keep, clear, set } what = kind::keep;
  T value{};
  bool operator==(const setting&) const = default;
};

/// What one change does to each of its nights.
struct night_change {
  setting<std::int64_t> price;
  setting<std::int32_t> rooms_to_sell;
  setting<std::uint8_t> min_stay;
  setting<std::uint8_t> max_stay;
  setting<bool> closed;
  setting<bool> closed_to_arrival;
  setting<bool> closed_to_departure;
  bool operator==(const night_change&) const = default;
};

night_rule changed(night_rule rule, const night_change& change);

/// Rules and rooms taken by night. Both windows grow on demand, end with a night that says something, and are trimmed from
/// the front by `forget_before`: two calendars that say the same are equal.
class calendar {
public:
  /// What is set for the night; an unset rule outside of the window.
  const night_rule& rule(date night) const;

  /// Nights before `first_night()` are not remembered.
  void set_rule(date night, const night_rule& rule);

  /// Rooms of reservations that sleep that night, by what `take` has counted. Never negative, which is asserted.
  std::int32_t taken(date night) const;

  /// Counts `rooms` (negative: gives back) on each night of the stay that is still in the window.
  void take(const stay& nights, std::int32_t rooms);

  /// Nights before this one leave memory; they read as unset and untaken from now on. Never moves back.
  void forget_before(date first);
  date first_night() const { return first_; }

  /// One past the last night with a rule; `first_night()` when there is none.
  date rules_end() const { return first_ + static_cast<int>(rules_.size()); }
  date taken_end() const { return first_ + static_cast<int>(taken_.size()); }

  bool operator==(const calendar&) const = default;

private:
  date first_{};
  std::vector<night_rule> rules_;
  std::vector<std::int32_t> taken_;
};

}  // namespace keyrack
