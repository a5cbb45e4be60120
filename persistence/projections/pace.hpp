// How long the projector rests after a step: pure. Bookings come first, so while somebody books it works only its share of
// the time, and falls behind rather than take more; when nobody does it catches up at full speed.
#pragma once

#include "actors/envelope.hpp"
#include "config/settings.hpp"
#include "persistence/projections/projection_worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace keyrack::persistence {

/// Whether somebody books: the journal's newest transaction, seen again and again, moves.
class journal_rush {
public:
  static constexpr std::chrono::milliseconds quiet_after{100};

  void see(std::uint64_t newest_xid, steady_instant now) {
    if (newest_xid != newest_) moved_at_ = now;
    newest_ = newest_xid;
  }
  bool quiet(steady_instant now) const { return now - moved_at_ >= quiet_after; }

private:
  std::uint64_t newest_ = 0;
  steady_instant moved_at_{};
};

struct rest {
  std::chrono::nanoseconds at_least{};  ///< whatever is nudged
  std::chrono::nanoseconds at_most{};   ///< unless it is nudged
};

inline constexpr std::chrono::milliseconds failed_rest_min{50};
inline constexpr std::chrono::milliseconds failed_rest_max{2'000};
inline constexpr std::chrono::seconds poisoned_rest{10};  // it is asked again: the program or the journal may be mended

/// `failures`: how many steps in a row have failed, this one included.
inline rest rest_after(projection_step::outcome what, std::chrono::nanoseconds work, bool quiet, int failures,
                       const projector_settings& s) {
  using enum projection_step::outcome;
  const auto share = work * (100 - s.duty_percent_max) / s.duty_percent_max;
  const std::chrono::nanoseconds least = quiet ? std::chrono::nanoseconds{0} : share;
  switch (what) {
  case behind: return {least, least};
  case caught_up: return {least, std::max<std::chrono::nanoseconds>(least, s.period)};
  case lost_race: return {s.period, s.period};
  case poisoned: return {poisoned_rest, poisoned_rest};
  case failed: break;
  }
  const std::chrono::nanoseconds wait =
      std::min(failed_rest_max, failed_rest_min * (1 << std::clamp(failures - 1, 0, 8)));
  return {wait, wait};
}

}  // namespace keyrack::persistence
