// Makes demonstration hotels out of a seed: hotel number `index` is the same whoever asks, in whatever order, on whatever
// machine. Pure: it knows the cities, a seed and a first date, and no clock, no file, no network and no JSON.
// What it makes are the domain's own values, ready to be sent through the API (json.hpp) or written to a journal.
#pragma once

#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/profile.hpp"
#include "actors/domain/stay.hpp"
#include "deploy/demo/cities.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::demo {

/// `demo`: believable houses of 2 to 6 room types, with seasons, restrictions and some calendars nearly full.
/// `scale`: 5 types of 200 rooms each, and bookings that fill 70 % of the seven nights from `settings::from`.
enum class profile : std::uint8_t { demo, scale };

std::string_view to_text(profile p);
std::optional<profile> parse_profile(std::string_view text);

struct settings {
  demo::profile profile = profile::demo;
  std::uint64_t seed = 1;
  date from;  ///< the first night with prices and bookings. It clips what is made, and changes nothing else of `demo`.
  date calendar_end;  ///< one past the last night with prices; bookable nights end two years from today
};

struct hotel_plan {
  std::uint32_t index = 0;
  std::size_t city = 0;  ///< which of the cities it stands in
  hotel_profile profile;
  std::vector<room_type_profile> room_types;  ///< type n of the hotel is room_types[n - 1]
  bool business = false;                      ///< dear in the week, cheap at the weekend; else the other way round
  bool sought_after = false;                  ///< nearly full on some nights, and choosy about arrivals
};

/// A confirmed reservation to place, of one room type. `serial` names it within its hotel for good.
struct booking {
  std::uint64_t serial = 0;
  room_type_id type;
  keyrack::stay stay;
  std::int32_t rooms = 1;
  std::int32_t guests = 1;  ///< in all its rooms together
  bool operator==(const booking&) const = default;
};

/// What `scale` promises about its bookings, each within 2 % over a hundred hotels or more.
struct averages {
  double nights = 2.5;  ///< per booking
  double rooms = 1.2;   ///< per booking
  double fill = 0.70;   ///< of the rooms, on each of the seven nights
};
inline constexpr averages scale_averages{};
inline constexpr int scale_nights = 7;
inline constexpr int scale_room_types = 5;
inline constexpr int scale_rooms_per_type = 200;

class generator {
public:
  /// REQUIRES: at least one city.
  generator(std::vector<city> cities, settings made_with);

  /// The hotel, its room types, and what kind of house it is.
  hotel_plan hotel(std::uint32_t index) const;

  /// Prices by season and weekday for every night up to `calendar_end`, and restrictions (`demo` only), in order of application.
  std::vector<calendar_change> calendar(const hotel_plan& hotel) const;

  /// Bookings that the hotel's rooms and its calendar allow in any order, as long as nobody else books.
  std::vector<booking> bookings(const hotel_plan& hotel) const;

  const std::vector<city>& cities() const { return cities_; }
  const settings& made_with() const { return settings_; }

private:
  /// The nth house of a city. Larger cities have more slots in a round.
  struct slot {
    std::size_t city = 0;
    std::uint32_t nth = 0;
    std::uint32_t per_round = 0;
  };

  std::vector<city> cities_;
  settings settings_;
  std::vector<slot> round_;  ///< the order in which cities get their houses, over and over
};

}  // namespace keyrack::demo
