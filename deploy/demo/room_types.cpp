#include "deploy/demo/room_types.hpp"

#include "actors/domain/assert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace keyrack::demo {
namespace {

struct bed_spec {
  std::string_view kind;
  int count;
};

struct room_kind {
  std::string_view code;
  std::string_view name;
  int max_guests;
  int stars_min;
  int price_percent;  ///< of the plain double
  int share;          ///< of the house's rooms, as a weight
  std::array<bed_spec, 2> beds;
  std::string_view description;
};

/// The plain double, which every house has, comes first.
constexpr std::array kinds{
    room_kind{"DBL", "Double", 2, 1, 100, 10, {{{"queen", 1}}}, "A double bed, a desk and a window that opens."},
    room_kind{"SGL", "Single", 1, 1, 74, 4, {{{"single", 1}}}, "Small and quiet, for one."},
    room_kind{"TWN", "Twin", 2, 1, 100, 6, {{{"single", 2}}}, "Two single beds that can be pushed together."},
    room_kind{"TRP", "Triple", 3, 1, 126, 3, {{{"queen", 1}, {"single", 1}}}, "A double and a single bed."},
    room_kind{
        "FAM", "Family room", 4, 1, 152, 3, {{{"queen", 1}, {"bunk", 1}}}, "Room for two and bunk beds for two more."},
    room_kind{
        "SUP", "Superior double", 2, 3, 124, 6, {{{"king", 1}}}, "A larger room with a king-size bed and an armchair."},
    room_kind{"APT", "Apartment", 4, 2, 170, 2, {{{"queen", 1}, {"sofa", 1}}}, "Two rooms and a small kitchen."},
    room_kind{"DLX", "Deluxe double", 2, 4, 158, 4, {{{"king", 1}}}, "High up, with a bath and a seat by the window."},
    room_kind{
        "JRS", "Junior suite", 3, 4, 214, 2, {{{"king", 1}, {"sofa", 1}}}, "One long room with a corner to sit in."},
    room_kind{"STE", "Suite", 4, 5, 330, 1, {{{"king", 1}, {"sofa", 1}}}, "A bedroom, a salon and two bathrooms."},
};

constexpr std::array<std::string_view, 6> views{"", "", "garden view", "courtyard view", "city view", "balcony"};

/// Each extra with the stars from which a house offers it in its rooms.
struct room_amenity {
  std::string_view name;
  int stars_min;
  int percent;
};
constexpr std::array room_amenities{
    room_amenity{"private_bathroom", 1, 90}, room_amenity{"tv", 1, 80},       room_amenity{"desk", 2, 60},
    room_amenity{"kettle", 2, 55},           room_amenity{"safe", 3, 70},     room_amenity{"minibar", 4, 75},
    room_amenity{"bathtub", 4, 50},          room_amenity{"bathrobe", 4, 60}, room_amenity{"coffee_machine", 4, 70},
};

/// The double and `count - 1` others that a house of so many stars may have, in the order of the catalogue.
std::vector<const room_kind*> choose_kinds(int count, int stars, dice& roll) {
  std::vector<const room_kind*> others;
  for (const auto& kind : std::span(kinds).subspan(1)) {
    if (kind.stars_min <= stars) others.push_back(&kind);
  }
  while (static_cast<int>(others.size()) > count - 1) {
    others.erase(others.begin() + roll.between(0, static_cast<int>(others.size()) - 1));
  }
  others.insert(others.begin(), &kinds.front());
  return others;
}

int rooms_of_house(int stars, dice& roll) {
  // Large houses are rare; grand ones are larger than plain ones.
  const int usual = roll.between(8, 34) + stars * roll.between(2, 8);
  return roll.chance(10) ? usual * 3 : usual;
}

void furnish(room_type_profile& type, const room_kind& kind, int stars, dice& roll) {
  for (const auto& bed : kind.beds) {
    if (bed.count > 0) type.beds.push_back({.kind = std::string(bed.kind), .count = bed.count});
  }
  if (kind.code == "APT") type.amenities.emplace_back("kitchenette");
  for (const auto& extra : room_amenities) {
    if (stars >= extra.stars_min && roll.chance(extra.percent)) type.amenities.emplace_back(extra.name);
  }
}

room_type_profile room_type_of(const room_kind& kind, int stars, dice& roll) {
  room_type_profile type;
  type.name = kind.name;
  type.code = kind.code;
  type.max_guests = kind.max_guests;
  type.description = kind.description;
  furnish(type, kind, stars, roll);
  const auto view = roll.pick(views);
  if (!view.empty()) {
    type.name += fmt::format(", {}", view);
    type.amenities.emplace_back(view == "balcony" ? "balcony" : "view");
  }
  return type;
}

}  // namespace

std::int64_t friendly_price(std::int64_t minor) {
  std::int64_t step = 1;
  while (minor / step >= 200) step *= 10;
  return std::max<std::int64_t>(1, (minor + step / 2) / step) * step;
}

std::vector<room_type_profile> room_types_of_house(profile made_for, int stars, std::int64_t double_price,
                                                   currency paid_in, dice roll) {
  const bool scale = made_for == profile::scale;
  const auto chosen = choose_kinds(scale ? scale_room_types : roll.between(2, 6), stars, roll);
  int shares = 0;
  for (const auto* kind : chosen) shares += kind->share;
  KEYRACK_ASSERT(shares > 0);
  const int rooms = rooms_of_house(stars, roll);

  std::vector<room_type_profile> types;
  for (const auto* kind : chosen) {
    auto type = room_type_of(*kind, stars, roll);
    type.rooms = scale ? scale_rooms_per_type : std::max(1, rooms * kind->share / shares);
    type.price = friendly_price(double_price * kind->price_percent / 100);
    type.currency = paid_in;
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace keyrack::demo
