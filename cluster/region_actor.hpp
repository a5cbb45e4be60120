// The shell around a region: spawns and retires hotel actors, keeps the directory as the region says, and has hand-overs
// written by the journal.
#pragma once

#include "actors/hotel_actor.hpp"
#include "cluster/hotel_directory.hpp"
#include "cluster/region.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace keyrack::cluster {

struct region_environment {
  hotels_settings hotels;
  std::chrono::nanoseconds wait_after_fence;  ///< a read lease and a margin
  std::chrono::nanoseconds look_at_idle_hotels_every = std::chrono::seconds{1};
  /// Shared with the router, which sends to awake hotels without asking the region.
  std::shared_ptr<hotel_directory> directory;
  std::shared_ptr<const hotel_environment> of_hotels;
  /// These shards are another's now: whoever routes should read the rows. On the region's thread; must not block.
  std::function<void(const std::vector<hand_over>&)> on_gone;
  /// Asks a shard's next owner to load these hotels; `done`, any thread, when it has, or will not. Must not block.
  std::function<void(const region::announcement&, std::function<void()> done)> announce;
  /// Shards are served that were not: what was given back because of them may be tried again.
  std::function<void()> on_admits_more;
};

region_handle spawn_region(caf::actor_system& system, region_environment environment);

}  // namespace keyrack::cluster
