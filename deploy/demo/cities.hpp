// The cities that demonstration hotels stand in: a row of cities.tsv each, and the reader of that table. It knows nothing
// of files; whoever calls it brings the text. Source of the places: GeoNames, CC BY 4.0 (README.md).
#pragma once

#include "actors/domain/money.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::demo {

struct city {
  std::string name;     ///< as its inhabitants write it, in Latin letters: "Zürich"
  std::string ascii;    ///< as an English keyboard types it: "Zurich"
  std::string country;  ///< ISO 3166-1, two letters
  double lat = 0;       ///< degrees north
  double lon = 0;       ///< degrees east
  std::int64_t population = 0;
  std::string time_zone;  ///< IANA
  keyrack::currency currency;
  std::string language;           ///< which words name its streets and houses: words.hpp
  std::int64_t double_price = 0;  ///< a plain three-star double, one night, in whole units of the currency
};

/// Reads cities.tsv: eleven columns separated by tabs (the last, GeoNames' id, is for people), `#` begins a comment.
/// On a fault: a sentence with the line's number.
std::expected<std::vector<city>, std::string> parse_cities(std::string_view text);

}  // namespace keyrack::demo
