// One run: a few hotels, clients that book, change their minds and ask, and whatever goes wrong with this seed.
#pragma once

#include "tests/sim/node.hpp"

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
  int takeovers = 0;
  int outages = 0;
};

/// Runs a seed to its end: which faults exist and how hard they are is drawn from it. With a planted bug the faults that
/// bring it to light are made likely.
outcome_of_run run_seed(std::uint64_t seed, planted bug = planted::none);

}  // namespace keyrack::sim
