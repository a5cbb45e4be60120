// Goal: a seed makes the same hotels always, and they could be real: named, placed, furnished and priced sensibly.
#include "actors/domain/limits.hpp"
#include "deploy/demo/generate.hpp"
#include "deploy/demo/json.hpp"
#include "deploy/demo/room_types.hpp"
#include "tests/deploy/demo/demo_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <string>
#include <utility>

namespace keyrack::demo {
namespace {

using test::made;

std::string all_of(const generator& from, std::uint32_t index) {
  const auto hotel = from.hotel(index);
  return show(hotel, from.calendar(hotel), from.bookings(hotel));
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

TEST(DemoHotels, AreTheSameForTheSameSeedInWhateverOrder) {
  for (const auto p : {profile::demo, profile::scale}) {
    const auto one = made(p, 7);
    const auto other = made(p, 7);
    std::vector<std::string> forwards;
    for (std::uint32_t index = 0; index < 20; ++index) forwards.push_back(all_of(one, index));
    for (std::uint32_t index = 20; index-- > 0;) EXPECT_EQ(all_of(other, index), forwards[index]);
  }
}

TEST(DemoHotels, DifferBetweenSeeds) {
  const auto one = made(profile::demo, 1);
  const auto other = made(profile::demo, 2);
  int alike = 0;
  for (std::uint32_t index = 0; index < 50; ++index)
    alike += hotel_body(one.hotel(index).profile) == hotel_body(other.hotel(index).profile);
  EXPECT_EQ(alike, 0);
}

// Whoever changes what a seed makes must raise `generation` in requests.cpp, or a second load of an old database is
// refused `key_reused`. This test is the reminder: put the new number here when that is done.
TEST(DemoHotels, AreThoseOfThisGeneration) {
  const auto from = made(profile::demo);
  std::uint64_t fnv = 0xcbf29ce484222325ULL;
  for (std::uint32_t index = 0; index < 300; ++index) {
    for (const unsigned char c : all_of(from, index)) fnv = (fnv ^ c) * 0x100000001b3ULL;
  }
  EXPECT_EQ(fnv, 10109472700553733061U);
}

TEST(DemoHotels, HaveNamesOfTheirOwnInTheirCity) {
  std::set<std::pair<std::string, std::string>> names;
  const auto from = made(profile::scale);
  for (std::uint32_t index = 0; index < 10'000; ++index) {
    const auto hotel = from.hotel(index).profile;
    EXPECT_TRUE(names.emplace(hotel.city, hotel.name).second) << hotel.name << ", " << hotel.city;
    EXPECT_LE(hotel.name.size(), static_cast<std::size_t>(limits::name_bytes_max));
  }
}

TEST(DemoHotels, BearNoRealBrand) {
  const auto from = made(profile::scale);
  for (std::uint32_t index = 0; index < 10'000; ++index) {
    const auto name = " " + lower(from.hotel(index).profile.name) + " ";
    for (const auto* brand :
         {"hilton",       "marriott",     "hyatt",     "ibis",      "novotel", "radisson", "sheraton",
          "westin",       "ritz",         "kempinski", "mercure",   "wyndham", "ramada",   "motel one",
          "premier inn",  "holiday inn",  "accor",     "meininger", "scandic", "sofitel",  "aman",
          "four seasons", "best western", "toyoko",    "apa"}) {
      EXPECT_EQ(name.find(std::string(" ") + brand + " "), std::string::npos) << name;
    }
  }
}

TEST(DemoHotels, StandNearTheirCityAndKeepItsZoneAndCurrency) {
  const auto from = made(profile::scale);
  for (std::uint32_t index = 0; index < 2'000; ++index) {
    const auto hotel = from.hotel(index);
    const auto& where = from.cities()[hotel.city];
    EXPECT_EQ(hotel.profile.city, where.name);
    EXPECT_LT(std::abs(hotel.profile.location.latitude - where.lat), 0.3) << hotel.profile.name;
    EXPECT_LT(std::abs(hotel.profile.location.longitude - where.lon), 0.3) << hotel.profile.name;
    EXPECT_EQ(hotel.profile.time_zone, where.time_zone);
    EXPECT_EQ(hotel.profile.currency, where.currency);
  }
}

TEST(DemoHotels, StandInAllCitiesMoreOfThemInLargeOnes) {
  const auto from = made(profile::demo);
  std::vector<int> count(from.cities().size());
  for (std::uint32_t index = 0; index < 3'000; ++index) ++count[from.hotel(index).city];
  EXPECT_GT(*std::ranges::min_element(count), 0);
  for (std::size_t at = 0; at < count.size(); ++at) {
    if (from.cities()[at].population < 4'000'000) continue;
    EXPECT_GT(count[at], 3'000 / static_cast<int>(count.size())) << from.cities()[at].name;
  }
}

TEST(DemoHotels, SometimesBelongToAGroupWhoseNameTheyBear) {
  const auto from = made(profile::demo);
  int members = 0;
  for (std::uint32_t index = 0; index < 300; ++index) {
    const auto hotel = from.hotel(index).profile;
    if (hotel.group.empty()) continue;
    ++members;
    EXPECT_TRUE(hotel.name.starts_with(hotel.group)) << hotel.name;
  }
  EXPECT_GT(members, 30);
  EXPECT_LT(members, 120);
}

TEST(DemoHotels, HaveTwoToSixRoomTypesWithinTheDomainsBounds) {
  const auto from = made(profile::demo);
  std::set<std::size_t> seen;
  for (std::uint32_t index = 0; index < 300; ++index) {
    const auto hotel = from.hotel(index);
    seen.insert(hotel.room_types.size());
    std::set<std::string> codes;
    for (const auto& type : hotel.room_types) {
      EXPECT_TRUE(codes.insert(type.code).second) << type.code;
      EXPECT_GE(type.rooms, 1);
      EXPECT_GE(type.max_guests, 1);
      EXPECT_FALSE(type.beds.empty());
      EXPECT_GT(type.price, 0);
      EXPECT_LE(type.price, limits::price_minor_max);
      EXPECT_EQ(type.currency, hotel.profile.currency);
    }
  }
  EXPECT_EQ(seen, (std::set<std::size_t>{2, 3, 4, 5, 6}));
}

TEST(DemoHotels, AskMoreForMoreStars) {
  const auto from = made(profile::scale);
  std::array<std::vector<double>, 6> factor;
  for (std::uint32_t index = 0; index < 1'000; ++index) {
    const auto hotel = from.hotel(index);
    if (!hotel.profile.stars || hotel.profile.currency.text() != "EUR") continue;
    const auto usual = static_cast<double>(from.cities()[hotel.city].double_price * 100);
    factor[static_cast<std::size_t>(*hotel.profile.stars)].push_back(static_cast<double>(hotel.room_types[0].price) /
                                                                     usual);
  }
  for (std::size_t stars = 1; stars < 5; ++stars) {
    ASSERT_FALSE(factor[stars].empty());
    EXPECT_LT(std::ranges::max(factor[stars]), std::ranges::max(factor[stars + 1])) << stars;
  }
}

TEST(DemoPrices, AreRoundedAsAHotelierWould) {
  EXPECT_EQ(friendly_price(19'037), 19'000);
  EXPECT_EQ(friendly_price(21'637), 22'000);
  EXPECT_EQ(friendly_price(163'900), 164'000);
  EXPECT_EQ(friendly_price(35'412), 35'000);
  EXPECT_EQ(friendly_price(1'104'000), 1'100'000);
  EXPECT_EQ(friendly_price(7), 7);
  EXPECT_EQ(friendly_price(0), 1);
}

TEST(DemoProfiles, HaveNames) {
  EXPECT_EQ(parse_profile("demo"), profile::demo);
  EXPECT_EQ(parse_profile("scale"), profile::scale);
  EXPECT_EQ(parse_profile("Scale"), std::nullopt);
}

}  // namespace
}  // namespace keyrack::demo
