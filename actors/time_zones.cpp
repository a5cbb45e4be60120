#include "actors/time_zones.hpp"

#include <date/tz.h>

#include <stdexcept>

namespace keyrack {

namespace {

// The library throws for a name that it does not know; this is the one function that calls it.
const ::date::time_zone* find_zone(std::string_view name) {
  try {
    return ::date::locate_zone(std::string{name});
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

}  // namespace

bool time_zone_exists(std::string_view name) { return !name.empty() && find_zone(name) != nullptr; }

date local_dates::today(instant at, const std::string& zone) {
  if (at < from_ || at >= until_ || zone != zone_) {
    zone_ = zone;
    if (const auto* found = find_zone(zone)) {
      const auto info = found->get_info(std::chrono::floor<std::chrono::seconds>(at));
      from_ = info.begin;
      until_ = info.end;
      offset_ = info.offset;
    } else {
      from_ = instant::min();
      until_ = instant::max();
      offset_ = {};
    }
  }
  return utc_date(at + offset_);
}

}  // namespace keyrack
