// The node's steady clock. Owns which clock that is: the one that goes on while the machine sleeps, so that a lease or a
// deadline does not come back from a suspended laptop or a paused virtual machine as if no time had passed.
#include "actors/ports.hpp"

#include <ctime>

namespace keyrack {

steady_instant steady_now() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return {static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec};
}

}  // namespace keyrack
