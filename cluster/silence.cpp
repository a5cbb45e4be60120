#include "cluster/silence.hpp"

#include <utility>

namespace keyrack::cluster {

void silence::observe(const std::vector<count>& counts, steady_instant now) {
  const bool gap = now - last_ > gap_max_;
  last_ = now;
  std::map<std::int64_t, seen> still_there;
  for (const auto& c : counts) {
    const auto known = seen_.find(c.who);
    const bool moved = known == seen_.end() || known->second.value != c.value || gap;
    still_there.emplace(c.who, seen{c.value, moved ? now : known->second.since});
  }
  seen_ = std::move(still_there);
}

std::vector<std::int64_t> silence::silent() const {
  std::vector<std::int64_t> silent;
  for (const auto& [who, s] : seen_) {
    if (last_ - s.since >= grace_) silent.push_back(who);
  }
  return silent;
}

}  // namespace keyrack::cluster
