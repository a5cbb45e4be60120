// What the tests of the demonstration share: the committed table, and generators over it.
#pragma once

#include "actors/domain/limits.hpp"
#include "deploy/demo/generate.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace keyrack::demo::test {

inline std::string table_text() {
  std::ifstream file(KEYRACK_DEMO_DIR "/cities.tsv", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<city> table() {
  auto cities = parse_cities(table_text());
  if (!cities) throw std::runtime_error(cities.error());
  return *cities;
}

inline constexpr date first_night{20'820};  // 2027-01-02

/// What the program asks for.
inline constexpr int calendar_nights = limits::bookable_nights - 2;

inline generator made(profile p, std::uint64_t seed = 1, date from = first_night) {
  return generator(table(), {.profile = p, .seed = seed, .from = from, .calendar_end = from + calendar_nights});
}

}  // namespace keyrack::demo::test
