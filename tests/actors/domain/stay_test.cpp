// Goal: dates are days and nothing else: no clock change, leap day or month's end makes a night longer or shorter.
#include "actors/domain/stay.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>

namespace keyrack {
namespace {

using namespace std::chrono_literals;

date on(std::string_view text) { return parse_date(text).value(); }

TEST(Date, CountsFromTheEpoch) {
  EXPECT_EQ(on("1970-01-01").days, 0);
  EXPECT_EQ(on("2000-03-01").days, 11017);
  EXPECT_EQ(to_text(date{0}), "1970-01-01");
}

TEST(Date, IsNothingWhenItDoesNotExist) {
  for (const auto* text : {"", "2027-02-29", "2100-02-29", "2027-02-30", "2027-04-31", "2027-13-01", "2027-00-10",
                           "2027-01-00", "1969-12-31", "27-01-01", "2027-1-1", "2027/01/01", "2027-01-01T",
                           " 2027-01-01", "+027-01-01", "-027-01-01", "10000-01-01", "2027-01-0a", "0000-00-00"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

TEST(Date, KnowsLeapDays) {
  EXPECT_EQ(on("2028-02-29") + 1, on("2028-03-01"));
  EXPECT_EQ(on("2027-02-28") + 1, on("2027-03-01"));
  EXPECT_EQ(on("2000-02-29") - on("2000-02-28"), 1);
}

TEST(Date, NightsAreOneApartOverClockChangesMonthsAndYears) {
  EXPECT_EQ(on("2027-03-29") - on("2027-03-28"), 1);  // clocks go forward in Europe
  EXPECT_EQ(on("2027-11-01") - on("2027-10-31"), 1);  // and back
  EXPECT_EQ(on("2028-01-01") - on("2027-12-31"), 1);
}

RC_GTEST_PROP(Date, IsReadAsItWasWritten, ()) {
  const date d{*rc::gen::inRange(0, on("9999-12-31").days + 1)};
  RC_ASSERT(parse_date(to_text(d)) == d);
  RC_ASSERT(weekday_of(d + 7) == weekday_of(d));
  RC_ASSERT(weekday_of(d + 1) != weekday_of(d));
}

TEST(Date, KnowsItsWeekday) {
  EXPECT_EQ(weekday_of(on("1970-01-01")), weekday::thu);
  EXPECT_EQ(weekday_of(on("2027-06-04")), weekday::fri);
  EXPECT_EQ(weekday_of(on("2027-06-06")), weekday::sun);
  EXPECT_EQ(weekday_of(on("2027-06-07")), weekday::mon);
}

TEST(Weekday, IsReadAsItWasWritten) {
  for (int i = 0; i < 7; ++i) {
    const auto day = static_cast<weekday>(i);
    EXPECT_EQ(parse_weekday(to_text(day)), day);
  }
  for (const auto* text : {"", "Mon", "monday", "mo", "xyz"}) EXPECT_EQ(parse_weekday(text), std::nullopt) << text;
}

TEST(Stay, DoesNotSleepInTheNightOfItsDeparture) {
  const stay s{on("2027-06-04"), on("2027-06-06")};
  EXPECT_EQ(s.nights(), 2);
  EXPECT_FALSE(s.sleeps(on("2027-06-03")));
  EXPECT_TRUE(s.sleeps(on("2027-06-04")));
  EXPECT_TRUE(s.sleeps(on("2027-06-05")));
  EXPECT_FALSE(s.sleeps(on("2027-06-06")));
}

TEST(Instant, IsWrittenInUtcWithMilliseconds) {
  EXPECT_EQ(to_text(instant{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_text(instant{1'812'202'620'123'999us}), "2027-06-05T13:37:00.123Z");
  EXPECT_EQ(to_text(instant{-1us}), "1969-12-31T23:59:59.999Z");
}

TEST(Instant, HasADateInUtc) {
  EXPECT_EQ(utc_date(instant{}), date{0});
  EXPECT_EQ(utc_date(instant{24h - 1us}), date{0});
  EXPECT_EQ(utc_date(instant{24h}), date{1});
  EXPECT_EQ(utc_date(instant{-1us}), date{-1});
}

}  // namespace
}  // namespace keyrack
