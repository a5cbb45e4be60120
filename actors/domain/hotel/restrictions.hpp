// What stands against a stay: dates that cannot be booked, nights without rooms, and what the hotelier forbids.
#pragma once

#include "actors/domain/errc.hpp"
#include "actors/domain/hotel/inventory.hpp"

#include <optional>
#include <vector>

namespace keyrack {

/// `stay_invalid`, `stay_in_past` or `stay_too_far`. Of a change, dates that stay as they were are not looked at (the stay
/// of a guest in the house began in the past), but nights that are gone are not taken anew.
std::optional<refusal> stay_refused(const demand& wanted, date today);

/// All that stands against it, the first by the order of refusals first: nights that are short or closed, closed to arrival,
/// shortest and longest stay by the arrival night, closed to departure by the departure date. Of a change, only what it
/// changes is looked at: another arrival, another departure, another length, more rooms of a type.
std::vector<reason> reasons_against(const present& hotel, const demand& wanted);

}  // namespace keyrack
