// The shell around a region: spawns and retires hotel actors, keeps the directory as the region says, and has hand-overs
// written by the journal.
#pragma once

#include "actors/hotel_actor.hpp"
#include "cluster/chronicle.hpp"
#include "cluster/hotel_directory.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace keyrack::cluster {

struct region_environment {
  hotels_settings hotels;
  std::chrono::nanoseconds wait_after_fence;  ///< a read lease and a margin
  /// Shared with the router, which sends to awake hotels without asking the region.
  std::shared_ptr<hotel_directory> directory;
  std::shared_ptr<const hotel_environment> of_hotels;
  std::shared_ptr<chronicle> observer;  ///< or null
  /// These shards are another's now: whoever routes should read the rows. On the region's thread; must not block.
  std::function<void(const std::vector<hand_over>&)> on_gone;
  /// What was given back because of a shard may be tried again.
  std::function<void()> on_admits_more;
};

region_handle spawn_region(caf::actor_system& system, region_environment environment);

}  // namespace keyrack::cluster
