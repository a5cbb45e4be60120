// How long a load asks again. Values.
#pragma once

#include <chrono>

namespace keyrack::demo {

struct patience_rules {
  std::chrono::seconds total{30};             ///< of one request, with all its repetitions
  std::chrono::milliseconds pause_first{50};  ///< before the first without a Retry-After; doubles up to 2 s
};

}  // namespace keyrack::demo
