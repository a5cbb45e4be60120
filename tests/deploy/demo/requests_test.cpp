// Goal: what is sent is what the API's documentation says, with amounts in the currency's digits and keys that never change.
#include "deploy/demo/json.hpp"
#include "deploy/demo/requests.hpp"
#include "tests/deploy/demo/demo_support.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace keyrack::demo {
namespace {

using boost::json::parse;
using test::made;

std::vector<room_type_id> ids_for(const hotel_plan& hotel, int offset) {
  std::vector<room_type_id> ids;
  for (std::size_t n = 1; n <= hotel.room_types.size(); ++n) ids.push_back({static_cast<std::uint16_t>(n + offset)});
  return ids;
}

std::size_t digits_after_point(std::string_view amount) {
  const auto point = amount.find('.');
  return point == std::string_view::npos ? 0 : amount.size() - point - 1;
}

TEST(DemoJson, EscapesWhatJsonWantsEscaped) {
  EXPECT_EQ(json_text("a\"b\\c\nd\x01 Zürich"), R"("a\"b\\c\u000ad\u0001 Zürich")");
}

TEST(DemoJson, WritesAHotelAsTheApiReadsIt) {
  const auto from = made(profile::demo);
  const std::set<std::string, std::less<>> allowed{
      "name",  "city",  "country",     "address",   "location",   "time_zone",          "currency",
      "stars", "group", "description", "amenities", "attributes", "overbooking_percent"};
  for (std::uint32_t index = 0; index < 300; ++index) {
    const auto hotel = from.hotel(index).profile;
    const auto body = parse(hotel_body(hotel)).as_object();
    for (const auto& member : body) EXPECT_TRUE(allowed.contains(std::string_view(member.key()))) << member.key();
    EXPECT_EQ(body.at("name").as_string(), hotel.name);
    EXPECT_DOUBLE_EQ(body.at("location").at("lat").to_number<double>(), hotel.location.latitude);
    EXPECT_DOUBLE_EQ(body.at("location").at("lon").to_number<double>(), hotel.location.longitude);
    EXPECT_EQ(body.contains("stars"), hotel.stars.has_value());
    EXPECT_TRUE(body.at("attributes").is_object());
  }
}

TEST(DemoJson, WritesAmountsWithTheCurrencysDigits) {
  const auto from = made(profile::demo);
  std::set<std::size_t> seen;
  for (std::uint32_t index = 0; index < 300; ++index) {
    const auto hotel = from.hotel(index);
    const auto digits = static_cast<std::size_t>(currency_digits(hotel.profile.currency));
    for (const auto& type : hotel.room_types) {
      const auto price = parse(room_type_body(type)).at("price");
      EXPECT_EQ(digits_after_point(price.at("amount").as_string()), digits);
      EXPECT_EQ(price.at("currency").as_string(), hotel.profile.currency.text());
    }
    const auto calendar = parse(calendar_body(from.calendar(hotel), ids_for(hotel, 0)));
    EXPECT_EQ(digits_after_point(calendar.at("changes").at(0).at("set").at("price").at("amount").as_string()), digits);
    seen.insert(digits);
  }
  EXPECT_EQ(seen, (std::set<std::size_t>{0, 2, 3}));
}

TEST(DemoJson, NamesRoomTypesAsTheServerDid) {
  const auto from = made(profile::demo);
  const auto hotel = from.hotel(0);
  const auto ids = ids_for(hotel, 40);
  const auto first = parse(calendar_body(from.calendar(hotel), ids)).at("changes").at(0);
  EXPECT_EQ(first.at("room_types").at(0).to_number<int>(), 41);
  const auto booked = from.bookings(hotel).at(0);
  const auto request = book_request(from.made_with(), hotel, booked, "7k2m9qx4vd1h", ids);
  const auto body = parse(request.body);
  EXPECT_EQ(body.at("items").at(0).at("room_type_id").to_number<int>(), booked.type.value + 40);
  EXPECT_EQ(body.at("hotel_id").as_string(), "7k2m9qx4vd1h");
  EXPECT_EQ(body.at("check_in").as_string(), to_text(booked.stay.check_in));
  EXPECT_FALSE(body.at("hold").as_bool());
}

TEST(DemoJson, WritesRestrictionsAndWeekdays) {
  calendar_change change;
  change.from = {20'820};
  change.to = {20'822};
  change.weekdays = 1 << 4 | 1 << 6;
  change.set.min_stay = {setting<std::uint8_t>::kind::set, 3};
  change.set.closed_to_arrival = {setting<bool>::kind::set, true};
  EXPECT_EQ(calendar_body({change}, {}),
            R"({"changes":[{"from":"2027-01-02","to":"2027-01-04","weekdays":["fri","sun"],)"
            R"("set":{"min_stay":3,"closed_to_arrival":true}}]})");
  EXPECT_EQ(calendar_body({}, {}), R"({"changes":[]})");
}

TEST(DemoJson, ShowsAWholeHotelAsJson) {
  const auto from = made(profile::demo);
  const auto hotel = from.hotel(5);
  const auto bookings = from.bookings(hotel);
  const auto shown = parse(show(hotel, from.calendar(hotel), bookings));
  EXPECT_EQ(shown.at("room_types").as_array().size(), hotel.room_types.size());
  EXPECT_EQ(shown.at("bookings").as_array().size(), bookings.size());
}

TEST(DemoKeys, AreAllDifferent) {
  const auto from = made(profile::demo);
  std::set<std::string> keys;
  for (std::uint32_t index = 0; index < 20; ++index) {
    const auto hotel = from.hotel(index);
    const auto ids = ids_for(hotel, 0);
    const auto& with = from.made_with();
    EXPECT_TRUE(keys.insert(create_hotel_request(with, hotel).key).second);
    for (std::size_t n = 1; n <= ids.size(); ++n)
      EXPECT_TRUE(keys.insert(add_room_type_request(with, hotel, n, "h").key).second);
    EXPECT_TRUE(keys.insert(change_calendar_request(with, hotel, {}, "h", ids).key).second);
    for (const auto& b : from.bookings(hotel))
      EXPECT_TRUE(keys.insert(book_request(with, hotel, b, "h", ids).key).second);
  }
  for (const auto& key : keys) EXPECT_LT(key.size(), 100U);
}

TEST(DemoKeys, DependOnSeedAndProfile) {
  const auto key = [](profile p, std::uint64_t seed) {
    const auto from = made(p, seed);
    return create_hotel_request(from.made_with(), from.hotel(0)).key;
  };
  EXPECT_EQ((std::set{key(profile::demo, 1), key(profile::demo, 2), key(profile::scale, 1)}).size(), 3U);
}

// The calendar of another day is clipped elsewhere, so it must not come under the first one's key; bookings must.
TEST(DemoKeys, OfACalendarDependOnItsFirstNightAndOfAHotelDoNot) {
  const auto today = made(profile::demo);
  const auto tomorrow = made(profile::demo, 1, test::first_night + 1);
  const auto hotel = today.hotel(0);
  EXPECT_NE(change_calendar_request(today.made_with(), hotel, {}, "h", {}).key,
            change_calendar_request(tomorrow.made_with(), hotel, {}, "h", {}).key);
  EXPECT_EQ(create_hotel_request(today.made_with(), hotel).key, create_hotel_request(tomorrow.made_with(), hotel).key);
}

}  // namespace
}  // namespace keyrack::demo
