#include "deploy/demo/generate.hpp"

#include "actors/domain/assert.hpp"
#include "deploy/demo/dice.hpp"
#include "deploy/demo/fill.hpp"
#include "deploy/demo/names.hpp"
#include "deploy/demo/room_types.hpp"
#include "deploy/demo/seasons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace keyrack::demo {
namespace {

/// What a stream of numbers is for: hotels must not change in one respect because they changed in another.
enum purpose : std::uint64_t { for_round = 1, for_names, for_house, for_rooms, for_place };

constexpr std::array<int, 6> stars_price_percent{0, 55, 75, 100, 155, 270};

std::uint32_t houses_per_round(std::int64_t population) {
  if (population < 200'000) return 2;
  if (population < 1'000'000) return 3;
  return population < 4'000'000 ? 4 : 5;
}

/// A point near the city's, closer in small places, so that few houses stand in the sea. Five digits: about a metre.
location place_near(const city& centre, dice roll) {
  constexpr double km_per_degree = 111.32;
  const double radius_km = std::clamp(std::sqrt(static_cast<double>(centre.population)) * 0.0035, 0.3, 5.0);
  const double km = radius_km * std::sqrt(roll.fraction());
  const double angle = 2 * std::numbers::pi * roll.fraction();
  const double lat = centre.lat + km * std::sin(angle) / km_per_degree;
  const double lon =
      centre.lon + km * std::cos(angle) / (km_per_degree * std::cos(centre.lat * std::numbers::pi / 180));
  const auto rounded = [](double degrees) { return std::round(degrees * 1e5) / 1e5; };
  return {.latitude = rounded(lat), .longitude = rounded(lon)};
}

struct house_amenity {
  std::string_view name;
  int stars_min;
  int percent;
};
constexpr std::array house_amenities{
    house_amenity{"wifi", 1, 97},
    house_amenity{"breakfast", 1, 75},
    house_amenity{"luggage_storage", 1, 60},
    house_amenity{"lift", 2, 65},
    house_amenity{"parking", 1, 45},
    house_amenity{"air_conditioning", 2, 60},
    house_amenity{"bar", 3, 60},
    house_amenity{"restaurant", 3, 55},
    house_amenity{"garden", 1, 25},
    house_amenity{"terrace", 1, 30},
    house_amenity{"gym", 4, 65},
    house_amenity{"sauna", 3, 25},
    house_amenity{"spa", 4, 40},
    house_amenity{"pool", 4, 45},
    house_amenity{"pets_allowed", 1, 30},
    house_amenity{"family_rooms", 2, 40},
    house_amenity{"step_free_access", 1, 50},
    house_amenity{"ev_charging", 3, 25},
    house_amenity{"bicycle_hire", 1, 25},
    house_amenity{"airport_shuttle", 3, 20},
    house_amenity{"laundry", 2, 40},
};

std::vector<std::string> amenities_of_house(int stars, dice& roll) {
  std::vector<std::string> chosen;
  for (const auto& amenity : house_amenities) {
    if (stars >= amenity.stars_min && roll.chance(amenity.percent)) chosen.emplace_back(amenity.name);
  }
  return chosen;
}

std::string description_of_house(const city& where, int stars, bool business, dice& roll) {
  static constexpr std::array<std::string_view, 5> kinds{"A corner house", "A narrow old house", "A former warehouse",
                                                         "A quiet building around a courtyard",
                                                         "A house from the thirties"};
  static constexpr std::array<std::string_view, 5> stands{"on a side street", "beside a small park", "by the tram stop",
                                                          "near the market", "on a square with plane trees"};
  static constexpr std::array<std::string_view, 5> ends{
      "Breakfast is served until eleven.", "The desk is open day and night.", "Bicycles can be kept in the cellar.",
      "Late arrivals find a key in the box.", "The roof has chairs and a view."};
  const auto service = stars >= 4   ? "with a concierge"
                       : stars <= 2 ? "simple and clean"
                                    : "run by people who live here";
  const auto purpose_of_guests = business ? "Most guests come for work." : "Most guests come for the city.";
  // Drawn one after the other: the order in which arguments are evaluated is the compiler's.
  const auto kind = roll.pick(kinds);
  const auto stand = roll.pick(stands);
  const auto minutes = roll.between(3, 35);
  const auto end = roll.pick(ends);
  return fmt::format("{} {} in {}, {} minutes on foot from the centre, {}. {} {}", kind, stand, where.name, minutes,
                     service, purpose_of_guests, end);
}

std::int64_t minor_units(currency paid_in) {
  std::int64_t units = 1;
  for (int digits = currency_digits(paid_in); digits > 0; --digits) units *= 10;
  return units;
}

}  // namespace

std::string_view to_text(profile p) { return p == profile::demo ? "demo" : "scale"; }

std::optional<profile> parse_profile(std::string_view text) {
  for (const auto p : {profile::demo, profile::scale}) {
    if (text == to_text(p)) return p;
  }
  return std::nullopt;
}

generator::generator(std::vector<city> cities, settings made_with) : cities_(std::move(cities)), settings_(made_with) {
  KEYRACK_ASSERT(!cities_.empty());
  for (std::size_t at = 0; at < cities_.size(); ++at) {
    const auto count = houses_per_round(cities_[at].population);
    for (std::uint32_t nth = 0; nth < count; ++nth) round_.push_back({.city = at, .nth = nth, .per_round = count});
  }
  dice roll{settings_.seed, for_round};
  for (auto last = static_cast<int>(round_.size()) - 1; last > 0; --last) {
    std::swap(round_[static_cast<std::size_t>(last)], round_[static_cast<std::size_t>(roll.between(0, last))]);
  }
}

hotel_plan generator::hotel(std::uint32_t index) const {
  const auto& at = round_[index % round_.size()];
  const auto nth = static_cast<std::uint32_t>(index / round_.size()) * at.per_round + at.nth;
  const auto& where = cities_[at.city];
  const auto& speech = tongue_of(where.language);
  const auto seed = settings_.seed;
  dice roll{seed, for_house, index};

  const int stars = 1 + static_cast<int>(roll.weighted({4, 14, 40, 31, 11}));
  auto named = name_of_house(speech, dice{seed, for_names, at.city}.next(), nth);
  hotel_plan plan;
  plan.index = index;
  plan.city = at.city;
  plan.business = roll.chance(35);
  plan.sought_after = roll.chance(20);
  plan.profile = {.name = std::move(named.name),
                  .city = where.name,
                  .country = where.country,
                  .address = address_of_house(speech, roll),
                  .location = place_near(where, dice{seed, for_place, index}),
                  .time_zone = where.time_zone,
                  .currency = where.currency,
                  .stars = roll.chance(95) ? std::optional(stars) : std::nullopt,
                  .description = description_of_house(where, stars, plan.business, roll),
                  .amenities = amenities_of_house(stars, roll),
                  .group = std::move(named.group),
                  .overbooking_percent = settings_.profile == profile::demo && roll.chance(15) ? 5 : 0,
                  .attributes = fmt::format(R"({{"city_ascii":"{}"}})", where.ascii)};
  const auto price = where.double_price * minor_units(where.currency) *
                     stars_price_percent[static_cast<std::size_t>(stars)] / 100 * roll.between(85, 125) / 100;
  plan.room_types = room_types_of_house(settings_.profile, stars, price, where.currency, dice{seed, for_rooms, index});
  return plan;
}

std::vector<calendar_change> generator::calendar(const hotel_plan& hotel) const {
  return season_changes(hotel, {settings_.from, settings_.calendar_end}, settings_.profile == profile::demo);
}

std::vector<booking> generator::bookings(const hotel_plan& hotel) const {
  if (settings_.profile == profile::scale) return scale_bookings(hotel, settings_.seed, settings_.from);
  return demo_bookings(hotel, settings_.seed, settings_.from);
}

}  // namespace keyrack::demo
