// What a hotelier says about a hotel, its room types and its rooms. Values only.
#pragma once

#include "actors/domain/ids.hpp"
#include "actors/domain/money.hpp"
#include "actors/domain/stay.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keyrack {

struct location {
  double latitude = 0;
  double longitude = 0;
  bool operator==(const location&) const = default;
};

struct hotel_profile {
  std::string name;
  std::string city;
  std::string country;  ///< ISO 3166-1, two capitals
  std::string address;
  keyrack::location location;
  std::string time_zone;  ///< IANA
  keyrack::currency currency;
  std::optional<std::int32_t> stars;
  std::string description;
  std::vector<std::string> amenities;
  std::string group;
  std::int32_t overbooking_percent = 0;
  std::int32_t hold_seconds = 120;
  std::string attributes;  ///< a JSON object's text, kept as given; empty is none
  bool operator==(const hotel_profile&) const = default;
};

struct bed {
  std::string kind;
  std::int32_t count = 1;
  bool operator==(const bed&) const = default;
};

struct room_type_profile {
  std::string name;
  std::string code;
  std::int32_t rooms = 0;
  std::int32_t max_guests = 0;  ///< of one room
  std::vector<bed> beds;
  std::vector<std::string> amenities;
  std::int64_t price = 0;  ///< base price of a night, minor units of the hotel's currency
  keyrack::currency currency;
  std::optional<std::int32_t> overbooking_percent;  ///< else the hotel's
  std::string description;
  bool operator==(const room_type_profile&) const = default;
};

/// A range of nights, half-open, in which a physical room cannot be used.
struct out_of_order {
  date from;
  date to;
  bool operator==(const out_of_order&) const = default;
};

/// A physical room. It is assigned at check-in; the type's number of rooms is what sells.
struct room {
  std::string number;
  room_type_id type;
  std::vector<keyrack::out_of_order> out_of_order;
  bool operator==(const room&) const = default;
};

}  // namespace keyrack
