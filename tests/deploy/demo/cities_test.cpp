// Goal: the committed table of cities is true as far as a machine can tell: zones exist and belong to the country,
// currencies have their digits, places are places.
#include "deploy/demo/cities.hpp"
#include "tests/deploy/demo/demo_support.hpp"

#include <date/tz.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace keyrack::demo {
namespace {

TEST(DemoCities, AreSomeEightyWithNamesOfTheirOwn) {
  const auto cities = test::table();
  EXPECT_GE(cities.size(), 80U);
  std::set<std::string> names;
  for (const auto& c : cities) EXPECT_TRUE(names.insert(c.name).second) << c.name;
  for (const auto* accented : {"Zürich", "São Paulo", "İzmir", "Köln", "København", "Đà Nẵng"}) {
    EXPECT_TRUE(names.contains(accented)) << accented;
  }
}

TEST(DemoCities, HaveAsciiNamesForEnglishKeyboards) {
  for (const auto& c : test::table()) {
    EXPECT_TRUE(std::ranges::all_of(c.ascii, [](unsigned char letter) { return letter >= 0x20 && letter < 0x7F; }))
        << c.name;
  }
}

TEST(DemoCities, LieWhereAPlaceCanLie) {
  for (const auto& c : test::table()) {
    EXPECT_LT(std::abs(c.lat), 75) << c.name;
    EXPECT_LE(std::abs(c.lon), 180) << c.name;
    EXPECT_GT(c.population, 5'000) << c.name;
  }
}

TEST(DemoCities, HaveTimeZonesThatExist) {
  for (const auto& c : test::table()) EXPECT_NO_THROW(::date::locate_zone(c.time_zone)) << c.name;
}

// Source: zone.tab of tzdata, a line per country and zone.
TEST(DemoCities, HaveTimeZonesOfTheirCountry) {
  std::ifstream file("/usr/share/zoneinfo/zone.tab");
  ASSERT_TRUE(file) << "tzdata is not installed";
  std::set<std::string> known;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream columns(line);
    std::string country;
    std::string coordinates;
    std::string zone;
    columns >> country >> coordinates >> zone;
    known.insert(country + " " + zone);
  }
  for (const auto& c : test::table()) EXPECT_TRUE(known.contains(c.country + " " + c.time_zone)) << c.name;
}

// The sun does not know about borders, but no zone here is more than two and a half hours away from it.
TEST(DemoCities, HaveTimeZonesNearTheirSun) {
  const auto winter = ::date::sys_days(::date::year(2027) / 1 / 15);
  for (const auto& c : test::table()) {
    const auto offset = ::date::locate_zone(c.time_zone)->get_info(winter).offset;
    const double hours = std::chrono::duration<double, std::ratio<3600>>(offset).count();
    EXPECT_LT(std::abs(hours - c.lon / 15), 2.5) << c.name;
  }
}

// Written out from ISO 4217, not taken from the code under test.
TEST(DemoCities, HaveCurrenciesWithTheirOwnDigits) {
  const std::map<std::string, int, std::less<>> other{{"CLP", 0}, {"ISK", 0}, {"JPY", 0}, {"KRW", 0},
                                                      {"VND", 0}, {"XOF", 0}, {"XPF", 0}, {"JOD", 3},
                                                      {"KWD", 3}, {"OMR", 3}, {"TND", 3}};
  std::set<int> seen;
  for (const auto& c : test::table()) {
    const auto found = other.find(c.currency.text());
    const int digits = found == other.end() ? 2 : found->second;
    EXPECT_EQ(currency_digits(c.currency), digits) << c.currency.text();
    seen.insert(digits);
  }
  EXPECT_EQ(seen, (std::set{0, 2, 3}));
}

TEST(DemoCities, AreAttributedInTheTableItself) {
  const auto text = test::table_text();
  EXPECT_NE(text.find("GeoNames"), std::string::npos);
  EXPECT_NE(text.find("CC BY 4.0"), std::string::npos);
}

class BadTable : public testing::TestWithParam<const char*> {};

TEST_P(BadTable, IsRefusedWithItsLine) {
  const std::string good = "Bern\tBern\tCH\t46.9\t7.4\t130000\tEurope/Zurich\tCHF\tde\t170\t2661552\n";
  ASSERT_TRUE(parse_cities(good));
  const auto parsed = parse_cities("# head\n" + good + GetParam());
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.error().starts_with("line 3: ")) << parsed.error();
}

INSTANTIATE_TEST_SUITE_P(Rows, BadTable,
                         testing::Values("Bern\n",
                                         "Bern\tBern\tCH\tnorth\t7.4\t130000\tEurope/Zurich\tCHF\tde\t170\t1\n",
                                         "Bern\tBern\tCH\t46.9\t7.4\t130000\tEurope/Zurich\tCHF\tde\t0\t1\n",
                                         "Bern\tBern\tCH\t46.9\t7.4\t130000\tEurope/Zurich\tXQX\tde\t170\t1\n",
                                         "Bern\tBern\tCH\t46.9\t7.4\t130000\tEurope/Zurich\tCHF\tde\t170\t1\tmore\n"));

TEST(DemoCities, RefuseAnEmptyTable) { EXPECT_FALSE(parse_cities("# nothing\n")); }

}  // namespace
}  // namespace keyrack::demo
