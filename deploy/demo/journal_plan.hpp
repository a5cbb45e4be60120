// What a node would have written for a demonstration hotel: its commit, decided and evolved by the domain itself, so that
// nothing gets into a journal that could not have come through the API. Pure: the moment is an argument.
#pragma once

#include "actors/envelope.hpp"
#include "deploy/demo/generate.hpp"

namespace keyrack::demo {

/// Bookings of a hotel are spread over so many guests: most people come again.
inline constexpr int guests_per_hotel = 64;

/// The hotel, its room types, its calendar and all its bookings as one commit, with its guests. Ids and keys are drawn
/// from profile, seed and index, apart from those of a load through the API. REQUIRES: all that is made lies within
/// the bookable nights of `now`; and the generator's promise that its bookings fit.
commit commit_of_hotel(const generator& from, std::uint32_t index, instant now);

}  // namespace keyrack::demo
