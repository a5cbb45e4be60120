// Many seeds over all processors: each runs on one thread, by itself, whichever it is. Says how far it is.
#pragma once

#include <cstdint>
#include <functional>

namespace keyrack::sim {

struct seed_range {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
};

/// One for each processor, if nothing else is said.
int threads_wanted();

/// Calls `each` for all seeds, on so many threads, until it says false for one: then seeds after that one are not begun, those
/// before it are ended. Returns the seconds that it took. An assertion that fails meanwhile names its seed.
double for_each_seed(seed_range seeds, bool tells_progress, const std::function<bool(std::uint64_t)>& each,
                     int threads = threads_wanted());

}  // namespace keyrack::sim
