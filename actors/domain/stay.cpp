#include "actors/domain/stay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> weekday_names = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

sys_days as_days(date d) { return sys_days{std::chrono::days{d.days}}; }

// Nothing unless all are digits.
std::optional<unsigned> read_digits(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

}  // namespace

weekday weekday_of(date d) { return static_cast<weekday>(std::chrono::weekday{as_days(d)}.iso_encoding() - 1); }

std::string to_text(date d) {
  const year_month_day ymd{as_days(d)};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()));
}

std::optional<date> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = read_digits(text.substr(0, 4));
  const auto month = read_digits(text.substr(5, 2));
  const auto day = read_digits(text.substr(8, 2));
  if (!year || !month || !day || *year < 1970) return std::nullopt;
  const year_month_day ymd{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                           std::chrono::day{*day}};
  if (!ymd.ok()) return std::nullopt;
  return date{static_cast<std::int32_t>(sys_days{ymd}.time_since_epoch().count())};
}

std::string_view to_text(weekday day) { return weekday_names[static_cast<std::size_t>(day)]; }

std::optional<weekday> parse_weekday(std::string_view text) {
  const auto found = std::ranges::find(weekday_names, text);
  if (found == weekday_names.end()) return std::nullopt;
  return static_cast<weekday>(found - weekday_names.begin());
}

std::string to_text(instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::milliseconds>(at - day)};
  return fmt::format("{}T{:02}:{:02}:{:02}.{:03}Z", to_text(utc_date(at)), time.hours().count(), time.minutes().count(),
                     time.seconds().count(), time.subseconds().count());
}

date utc_date(instant at) {
  return {static_cast<std::int32_t>(std::chrono::floor<std::chrono::days>(at).time_since_epoch().count())};
}

}  // namespace keyrack
