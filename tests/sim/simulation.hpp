// One run: a few nodes, a few hotels, clients that book, change their minds and ask, operators who move things, and whatever
// goes wrong with this seed. Then all is healed, and must come back.
#pragma once

#include "tests/sim/planted.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace keyrack::sim {

struct outcome_of_run {
  std::vector<std::string> violations;
  std::uint64_t trace = 0;
  std::int64_t accepted = 0;
  std::int64_t refused = 0;
  std::int64_t replayed = 0;
  std::int64_t read = 0;
  std::int64_t unknown = 0;  ///< requests that no retry settled
  std::int64_t troubles = 0;
  std::int64_t outages = 0;
  std::int64_t fences = 0;
  std::int64_t gifts = 0;       ///< shards that were given
  std::int64_t hand_overs = 0;  ///< shards that were handed over
  std::int64_t lock_timeouts = 0;
  std::int64_t forwarded = 0;
  std::int64_t parked = 0;
  std::int64_t turned_away = 0;   ///< by a parking that was full
  std::int64_t too_late = 0;      ///< their deadline passed while they were parked
  std::int64_t terms = 0;         ///< of coordinators
  std::int64_t lives = 0;         ///< incarnations
  std::int64_t milliseconds = 0;  ///< of virtual time

  void add(const outcome_of_run& other);
};

/// Of virtual time, at most.
constexpr double seconds_per_run = 26;

/// Runs a seed to its end: which faults exist and how hard they are is drawn from it.
outcome_of_run run_seed(std::uint64_t seed);

/// The same with a bug, and with the faults that bring it to light made likely.
outcome_of_run run_seed_with(planted bug, std::uint64_t seed);

/// All as in `run_seed_with`, but for the bug: what is wrong here is wrong without it.
outcome_of_run run_seed_without(planted bug, std::uint64_t seed);

}  // namespace keyrack::sim
