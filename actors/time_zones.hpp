// Time zones: the only place that asks the tz database. A replay never comes here.
#pragma once

#include "actors/domain/stay.hpp"

#include <string>
#include <string_view>

namespace keyrack {

/// Whether the IANA tz database of this machine knows the name.
bool time_zone_exists(std::string_view name);

/// A hotel's own date. Keeps the offset until the zone's next transition, so that the hot path is an addition.
class local_dates {
public:
  /// The date in `zone` at `at`; the UTC date when the zone is unknown (a tz database older than the hotel).
  date today(instant at, const std::string& zone);

private:
  std::string zone_;
  instant from_{};
  instant until_{};
  std::chrono::seconds offset_{};
};

}  // namespace keyrack
