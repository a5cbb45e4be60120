// The calendar of a demonstration hotel: prices by season and weekday, and where it is choosy about stays. Seasons are
// fixed dates of the year, so that the same night has the same rules whenever the calendar is made. Pure.
#pragma once

#include "actors/domain/hotel/calendar.hpp"
#include "deploy/demo/generate.hpp"

#include <vector>

namespace keyrack::demo {

/// The changes that set every night of `window`, in order of application. Types are spelt out where they differ; none
/// means all. `restricted` adds minimum stays and nights that are closed to arrival.
std::vector<calendar_change> season_changes(const hotel_plan& hotel, stay window, bool restricted);

/// What `changes` make of one night of one type.
night_rule rule_on(const std::vector<calendar_change>& changes, room_type_id type, date night);

}  // namespace keyrack::demo
