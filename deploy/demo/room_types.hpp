// Which rooms a house has: kinds, beds, how many, what they cost. Pure.
#pragma once

#include "actors/domain/hotel/profile.hpp"
#include "deploy/demo/dice.hpp"
#include "deploy/demo/generate.hpp"

#include <cstdint>
#include <vector>

namespace keyrack::demo {

/// Rounds an amount as a hotelier would: to two digits, or three that begin with 1.
std::int64_t friendly_price(std::int64_t minor);

/// The room types of a house whose plain double costs `double_price` minor units. Codes are unique within it.
std::vector<room_type_profile> room_types_of_house(profile made_for, int stars, std::int64_t double_price,
                                                   currency paid_in, dice roll);

}  // namespace keyrack::demo
