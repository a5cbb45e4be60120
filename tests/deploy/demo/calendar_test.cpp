// Goal: every bookable night has a price, restrictions are where they should be, and the bookings obey both the rooms and
// the restrictions, whatever day the load runs.
#include "actors/domain/limits.hpp"
#include "deploy/demo/examples.hpp"
#include "deploy/demo/fill.hpp"
#include "deploy/demo/seasons.hpp"
#include "tests/deploy/demo/demo_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace keyrack::demo {
namespace {

using test::first_night;
using test::made;

constexpr std::uint32_t hotels = 300;

/// Rooms taken by (type, night).
std::map<std::pair<int, int>, std::int32_t> taken_by(const std::vector<booking>& bookings) {
  std::map<std::pair<int, int>, std::int32_t> taken;
  for (const auto& b : bookings) {
    for (date night = b.stay.check_in; night < b.stay.check_out; ++night) taken[{b.type.value, night.days}] += b.rooms;
  }
  return taken;
}

TEST(DemoCalendar, PricesEveryBookableNightOfEveryTypeOnce) {
  const auto from = made(profile::demo);
  for (std::uint32_t index = 0; index < 10; ++index) {
    const auto hotel = from.hotel(index);
    const auto changes = from.calendar(hotel);
    EXPECT_LE(changes.size(), static_cast<std::size_t>(limits::calendar_changes_max));
    for (std::size_t n = 1; n <= hotel.room_types.size(); ++n) {
      for (int night = 0; night < test::calendar_nights; ++night) {
        const auto rule = rule_on(changes, {static_cast<std::uint16_t>(n)}, first_night + night);
        ASSERT_GT(rule.price, 0) << hotel.profile.name << ' ' << to_text(first_night + night);
      }
    }
  }
}

TEST(DemoCalendar, StaysInsideTheBookableNightsOfEveryTimeZone) {
  const auto from = made(profile::demo);
  const auto hotel = from.hotel(0);
  for (const auto& change : from.calendar(hotel)) {
    EXPECT_LT(change.from, change.to);
    EXPECT_GE(change.from, first_night);
    EXPECT_LE(change.to, first_night + test::calendar_nights);
  }
}

TEST(DemoCalendar, MakesWeekendsDearerWherePeopleTravelForPleasureAndCheaperWhereForWork) {
  const auto from = made(profile::demo);
  const date monday{20'822};
  ASSERT_EQ(weekday_of(monday), weekday::mon);
  std::set<bool> seen;
  for (std::uint32_t index = 0; index < 50; ++index) {
    const auto hotel = from.hotel(index);
    const auto changes = from.calendar(hotel);
    const auto in_week = rule_on(changes, {1}, monday + 14).price;
    const auto weekend = rule_on(changes, {1}, monday + 19).price;
    EXPECT_EQ(weekend < in_week, hotel.business) << hotel.profile.name;
    seen.insert(hotel.business);
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST(DemoCalendar, HasHighSeasonInTheSummerOfItsHemisphere) {
  const auto from = made(profile::demo);
  const auto january = first_night + 20;
  const auto july = first_night + 200;
  std::set<bool> seen;
  for (std::uint32_t index = 0; index < hotels; ++index) {
    const auto hotel = from.hotel(index);
    const auto latitude = hotel.profile.location.latitude;
    if (std::abs(latitude) < 30) continue;
    const auto changes = from.calendar(hotel);
    // The same weekday, half a year apart.
    const auto winter = rule_on(changes, {1}, january).price;
    const auto summer = rule_on(changes, {1}, july - (july - january) % 7).price;
    EXPECT_EQ(summer > winter, latitude > 0) << hotel.profile.city;
    seen.insert(latitude > 0);
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST(DemoCalendar, IsChoosyAtWeekendsAndPeaksInSomeHouses) {
  const auto from = made(profile::demo);
  int min_stays = 0;
  int closed = 0;
  for (std::uint32_t index = 0; index < 50; ++index) {
    for (const auto& change : from.calendar(from.hotel(index))) {
      min_stays += change.set.min_stay.what == setting<std::uint8_t>::kind::set;
      closed += change.set.closed_to_arrival.what == setting<bool>::kind::set;
    }
  }
  EXPECT_GT(min_stays, 50);
  EXPECT_GT(closed, 5);
}

TEST(DemoBookings, NeverTakeMoreThanThereIsAndObeyTheRestrictions) {
  const auto from = made(profile::demo);
  for (std::uint32_t index = 0; index < hotels; ++index) {
    const auto hotel = from.hotel(index);
    const auto calendar = from.calendar(hotel);
    const auto bookings = from.bookings(hotel);
    std::set<std::uint64_t> serials;
    for (const auto& b : bookings) {
      const auto& type = hotel.room_types.at(b.type.value - 1U);
      const auto rule = rule_on(calendar, b.type, b.stay.check_in);
      ASSERT_GE(b.stay.check_in, first_night);
      ASSERT_GE(b.stay.nights(), std::max<int>(1, rule.min_stay));
      ASSERT_FALSE(rule.closed_to_arrival);
      ASSERT_GE(b.guests, b.rooms);
      ASSERT_LE(b.guests, b.rooms * type.max_guests);
      ASSERT_TRUE(serials.insert(b.serial).second);
    }
    for (const auto& [where, taken] : taken_by(bookings)) {
      ASSERT_LE(taken, hotel.room_types.at(static_cast<std::size_t>(where.first - 1)).rooms) << hotel.profile.name;
    }
  }
}

TEST(DemoBookings, FillHousesThatAreSoughtAfterNearlyUpOnSomeNights) {
  const auto from = made(profile::demo);
  int houses = 0;
  int nearly_full = 0;
  for (std::uint32_t index = 0; index < hotels; ++index) {
    const auto hotel = from.hotel(index);
    if (!hotel.sought_after) continue;
    const auto taken = taken_by(from.bookings(hotel));
    ++houses;
    nearly_full += std::ranges::any_of(taken, [&](const auto& entry) {
      const auto rooms = hotel.room_types.at(static_cast<std::size_t>(entry.first.first - 1)).rooms;
      return rooms >= 6 && rooms - entry.second <= 2;
    });
  }
  EXPECT_GT(houses, 30);
  EXPECT_GT(nearly_full * 10, houses * 9) << nearly_full << " of " << houses;
}

// A second load on another day must meet its own bookings again, under the same keys.
TEST(DemoBookings, AreTheSameOnAnyDayTheyAreMade) {
  const auto today = made(profile::demo);
  const auto later = made(profile::demo, 1, first_night + 40);
  for (std::uint32_t index = 0; index < 30; ++index) {
    const auto hotel = today.hotel(index);
    std::map<std::uint64_t, booking> before;
    for (const auto& b : today.bookings(hotel)) before.emplace(b.serial, b);
    int met = 0;
    for (const auto& b : later.bookings(hotel)) {
      const auto found = before.find(b.serial);
      if (found == before.end()) continue;
      EXPECT_EQ(found->second, b);
      ++met;
    }
    EXPECT_GT(met, 0);
  }
}

TEST(DemoBookings, LeaveSomethingToShow) {
  const auto from = made(profile::demo);
  int open = 0;
  int last_rooms = 0;
  for (std::uint32_t index = 0; index < 100; ++index) {
    const auto hotel = from.hotel(index);
    const auto calendar = from.calendar(hotel);
    const auto bookings = from.bookings(hotel);
    const auto stay = find_open_stay(hotel, calendar, bookings, first_night + 13);
    const auto last = find_last_rooms(hotel, calendar, bookings, first_night + 13);
    if (stay) {
      EXPECT_EQ(stay->stay.nights(), 2);
      EXPECT_GE(stay->free, 3);
    }
    open += stay.has_value();
    last_rooms += last.has_value();
  }
  EXPECT_GT(open, 90);
  EXPECT_GT(last_rooms, 10);
}

TEST(ScaleBookings, HaveTheStatedAverages) {
  const auto from = made(profile::scale);
  double bookings = 0;
  double nights = 0;
  double rooms = 0;
  double room_nights = 0;
  constexpr int sample = 100;
  for (std::uint32_t index = 0; index < sample; ++index) {
    for (const auto& b : from.bookings(from.hotel(index))) {
      bookings += 1;
      nights += b.stay.nights();
      rooms += b.rooms;
      room_nights += b.stay.nights() * b.rooms;
    }
  }
  constexpr double all = static_cast<double>(sample) * scale_nights * scale_room_types * scale_rooms_per_type;
  EXPECT_NEAR(nights / bookings / scale_averages.nights, 1, 0.02);
  EXPECT_NEAR(rooms / bookings / scale_averages.rooms, 1, 0.02);
  EXPECT_NEAR(room_nights / all / scale_averages.fill, 1, 0.02);
  RecordProperty("bookings_per_hotel", std::to_string(bookings / sample));
}

TEST(ScaleBookings, FillEveryNightOfEveryHotelToSeventyPercent) {
  const auto from = made(profile::scale);
  for (std::uint32_t index = 0; index < 20; ++index) {
    const auto hotel = from.hotel(index);
    ASSERT_EQ(hotel.room_types.size(), static_cast<std::size_t>(scale_room_types));
    std::map<int, std::int32_t> by_night;
    for (const auto& [where, taken] : taken_by(from.bookings(hotel))) {
      EXPECT_LE(taken, scale_rooms_per_type);
      by_night[where.second] += taken;
    }
    ASSERT_EQ(by_night.size(), static_cast<std::size_t>(scale_nights));
    for (const auto& [night, taken] : by_night) EXPECT_EQ(taken, scale_room_types * scale_rooms_per_type * 7 / 10);
    EXPECT_EQ(by_night.begin()->first, first_night.days);
  }
}

}  // namespace
}  // namespace keyrack::demo
