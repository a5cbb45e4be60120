// Who is silent: whose count has not moved for the grace, by this observer's own steady clock. Pure. A count that jumps back
// or forth is a count that moves; what time the database thinks it is plays no part, nor does the counters' age.
#pragma once

#include "actors/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace keyrack::cluster {

class silence {
public:
  /// Something that counts, by number: an incarnation's beats, or a coordinator's.
  struct count {
    std::int64_t who = 0;
    std::int64_t value = 0;
  };

  /// `gap_max`: an observer that has not looked for longer knows nothing of what happened meanwhile, and begins anew.
  silence(std::chrono::nanoseconds grace, std::chrono::nanoseconds gap_max) : grace_(grace), gap_max_(gap_max) {}

  /// All counts there are, as just read. `now` is when the reading was asked for.
  void observe(const std::vector<count>& counts, steady_instant now);

  /// Whose count stood still for the grace, in order; as of the last observation.
  std::vector<std::int64_t> silent() const;

private:
  struct seen {
    std::int64_t value = 0;
    steady_instant since;
  };
  const std::chrono::nanoseconds grace_;
  const std::chrono::nanoseconds gap_max_;
  steady_instant last_{INT64_MIN / 2};
  std::map<std::int64_t, seen> seen_;
};

}  // namespace keyrack::cluster
