#include "deploy/demo/seasons.hpp"

#include "deploy/demo/room_types.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <span>

namespace keyrack::demo {
namespace {

enum class level : std::uint8_t { low, shoulder, high, festive };

/// From this day of each year until the next season's.
struct season {
  unsigned month;
  unsigned day;
  demo::level level;
};

using enum level;
constexpr std::array north{season{1, 7, low},       season{3, 16, shoulder}, season{6, 15, high},
                           season{9, 16, shoulder}, season{11, 2, low},      season{12, 20, festive}};
constexpr std::array south{season{1, 7, high},      season{3, 16, shoulder}, season{5, 2, low},
                           season{9, 16, shoulder}, season{12, 1, high},     season{12, 20, festive}};
constexpr std::array tropics{season{1, 7, high}, season{4, 1, low},        season{7, 1, shoulder},
                             season{9, 1, low},  season{11, 16, shoulder}, season{12, 20, festive}};

constexpr std::uint8_t weekend = 1 << static_cast<int>(weekday::fri) | 1 << static_cast<int>(weekday::sat);
constexpr std::uint8_t in_the_week = 0x7F & ~weekend;
constexpr std::uint8_t sundays = 1 << static_cast<int>(weekday::sun);

std::span<const season> seasons_at(double latitude) {
  if (std::abs(latitude) < 23.4) return tropics;
  return latitude > 0 ? std::span<const season>(north) : std::span<const season>(south);
}

int price_percent(level l) {
  switch (l) {
  case low: return 86;
  case shoulder: return 100;
  case high: return 128;
  case festive: return 150;
  }
  return 100;
}

date day_of(int year, unsigned month, unsigned day) {
  const std::chrono::sys_days at = std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day);
  return {static_cast<std::int32_t>(at.time_since_epoch().count())};
}

int year_of(date d) {
  return static_cast<int>(std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(d.days))).year());
}

stay overlap(stay a, stay b) { return {std::max(a.check_in, b.check_in), std::min(a.check_out, b.check_out)}; }

/// Adds `change` for the nights that lie in both stays, if there are any.
void add(std::vector<calendar_change>& to, stay nights, stay window, calendar_change change) {
  const auto inside = overlap(nights, window);
  if (inside.nights() <= 0) return;
  change.from = inside.check_in;
  change.to = inside.check_out;
  to.push_back(std::move(change));
}

calendar_change price_change(const hotel_plan& hotel, std::size_t type, std::uint8_t weekdays, int percent) {
  const auto& sold = hotel.room_types[type];
  calendar_change change;
  change.types = {room_type_id{static_cast<std::uint16_t>(type + 1)}};
  change.weekdays = weekdays;
  change.set.price = {setting<std::int64_t>::kind::set, friendly_price(sold.price * percent / 100)};
  change.price_currency = sold.currency;
  return change;
}

calendar_change min_stay_change(std::uint8_t nights, std::uint8_t weekdays) {
  calendar_change change;
  change.weekdays = weekdays;
  change.set.min_stay = {setting<std::uint8_t>::kind::set, nights};
  return change;
}

calendar_change no_arrivals(std::uint8_t weekdays) {
  calendar_change change;
  change.weekdays = weekdays;
  change.set.closed_to_arrival = {setting<bool>::kind::set, true};
  return change;
}

void add_prices(std::vector<calendar_change>& to, const hotel_plan& hotel, stay nights, stay window, level l) {
  // A house of business is dear when people work, the others when they do not.
  const int weekend_percent = price_percent(l) * (hotel.business ? 88 : 115) / 100;
  for (std::size_t type = 0; type < hotel.room_types.size(); ++type) {
    add(to, nights, window, price_change(hotel, type, in_the_week, price_percent(l)));
    add(to, nights, window, price_change(hotel, type, weekend, weekend_percent));
  }
}

void add_restrictions(std::vector<calendar_change>& to, const hotel_plan& hotel, stay nights, stay window, level l) {
  if (l == high && !hotel.business) add(to, nights, window, min_stay_change(2, weekend));
  if (l == high && hotel.sought_after) add(to, nights, window, no_arrivals(sundays));
  if (l == festive) {
    const auto new_year = day_of(year_of(nights.check_in) + 1, 1, 1);
    add(to, {new_year - 3, new_year}, window, min_stay_change(3, 0x7F));
    if (hotel.sought_after) add(to, {new_year - 1, new_year}, window, no_arrivals(0x7F));
  }
}

}  // namespace

std::vector<calendar_change> season_changes(const hotel_plan& hotel, stay window, bool restricted) {
  const auto seasons = seasons_at(hotel.profile.location.latitude);
  std::vector<calendar_change> changes;
  for (int year = year_of(window.check_in) - 1; year <= year_of(window.check_out); ++year) {
    for (std::size_t i = 0; i < seasons.size(); ++i) {
      const auto& now = seasons[i];
      const auto& next = seasons[(i + 1) % seasons.size()];
      const stay nights{day_of(year, now.month, now.day),
                        day_of(i + 1 == seasons.size() ? year + 1 : year, next.month, next.day)};
      add_prices(changes, hotel, nights, window, now.level);
      if (restricted) add_restrictions(changes, hotel, nights, window, now.level);
    }
  }
  return changes;
}

night_rule rule_on(const std::vector<calendar_change>& changes, room_type_id type, date night) {
  night_rule rule;
  for (const auto& change : changes) {
    const bool in_range = change.from <= night && night < change.to;
    const bool on_day = (change.weekdays >> static_cast<int>(weekday_of(night)) & 1) != 0;
    const bool of_type = change.types.empty() || std::ranges::find(change.types, type) != change.types.end();
    if (in_range && on_day && of_type) rule = changed(rule, change.set);
  }
  return rule;
}

}  // namespace keyrack::demo
