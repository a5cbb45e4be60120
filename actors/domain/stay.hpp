// Dates, nights and stays: local dates of the hotel, without time or zone. Owns their arithmetic and text form; refuses
// to know what day it is.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack {

/// Instants are UTC, in microseconds; what they are now is always an argument.
using instant = std::chrono::sys_time<std::chrono::microseconds>;

/// A calendar date: days since 1970-01-01. A night is the date on which it begins.
struct date {
  std::int32_t days = 0;
  auto operator<=>(const date&) const = default;
  constexpr date operator+(int n) const { return {days + n}; }
  constexpr date operator-(int n) const { return {days - n}; }
  constexpr int operator-(date other) const { return days - other.days; }
  constexpr date& operator++() {
    ++days;
    return *this;
  }
};

enum class weekday : std::uint8_t { mon, tue, wed, thu, fri, sat, sun };

/// Half-open range of nights: the night of departure is not slept in.
struct stay {
  date check_in;
  date check_out;
  auto operator<=>(const stay&) const = default;
  constexpr int nights() const { return check_out - check_in; }
  constexpr bool sleeps(date night) const { return check_in <= night && night < check_out; }
};

weekday weekday_of(date d);

/// `YYYY-MM-DD`.
std::string to_text(date d);

/// Nothing for anything but an existing date of the years 1970 to 9999 written `YYYY-MM-DD`.
std::optional<date> parse_date(std::string_view text);

/// `mon` … `sun`.
std::string_view to_text(weekday day);
std::optional<weekday> parse_weekday(std::string_view text);

/// RFC 3339 in UTC with milliseconds: `2027-06-04T13:37:00.123Z`.
std::string to_text(instant at);

/// The UTC date of an instant.
date utc_date(instant at);

}  // namespace keyrack
