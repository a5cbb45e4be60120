// Bookings that fill demonstration calendars. Pure. Those of `demo` are drawn in blocks of four weeks that begin at fixed
// dates, so that a later run makes the same bookings for the same nights, and more where the window has moved on.
#pragma once

#include "deploy/demo/generate.hpp"

#include <cstdint>
#include <vector>

namespace keyrack::demo {

inline constexpr int block_nights = 28;
inline constexpr int booked_ahead_nights = 84;  ///< blocks that begin later are left empty

/// A few stays in every house; in a house that is sought after, spans on which almost nothing is left. None begins
/// before `from`, and every one keeps to the house's own restrictions.
std::vector<booking> demo_bookings(const hotel_plan& hotel, std::uint64_t seed, date from);

/// Stays within `[from, from + scale_nights)` with `scale_averages`. The five types are filled unevenly, 60 to 80 %.
std::vector<booking> scale_bookings(const hotel_plan& hotel, std::uint64_t seed, date from);

}  // namespace keyrack::demo
