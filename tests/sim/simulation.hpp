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
  int accepted = 0;
  int refused = 0;
  int replayed = 0;
  int read = 0;
  int unknown = 0;  ///< requests that no retry settled
  int troubles = 0;
  int outages = 0;
  int fences = 0;
  int gifts = 0;       ///< shards that were given
  int hand_overs = 0;  ///< shards that were handed over
  int forwarded = 0;
  int parked = 0;
  int terms = 0;  ///< of coordinators
  int lives = 0;  ///< incarnations

  void add(const outcome_of_run& other);
};

/// Of virtual time.
constexpr double seconds_per_run = 26;

/// Runs a seed to its end: which faults exist and how hard they are is drawn from it. With a planted bug the faults that
/// bring it to light are made likely.
outcome_of_run run_seed(std::uint64_t seed, planted bug = planted::none);

}  // namespace keyrack::sim
