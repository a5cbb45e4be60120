// The actor that hosts one hotel: loading, order, timers, snapshots. What it does is decided in hotel_pipeline; there is no
// business `if` here.
#pragma once

#include "actors/hotel_observer.hpp"
#include "actors/hotel_pipeline.hpp"
#include "actors/interfaces.hpp"
#include "actors/ports.hpp"

#include <atomic>
#include <memory>

namespace caf {
class actor_system;
}

namespace keyrack {

/// Counted at the door, because mailboxes have no bound: commands and queries that a hotel has not answered yet.
struct hotel_door {
  std::atomic<int> waiting{0};
};

/// What all hotels of a node share.
struct hotel_environment {
  std::int64_t incarnation = 0;
  journal_handles journal;
  std::shared_ptr<const cluster_clock> clock;
  std::shared_ptr<bounce_port> router;
  std::shared_ptr<hotel_observer> observer;
  snapshot_policy snapshots;
  metrics& counters;
};

/// Starts the actor of a hotel; it loads itself, from what was loaded `ahead` if that is not null, and keeps what comes meanwhile. When it can go no further it tells `region`
/// with `hotel_failed` and gives everything back until it is retired.
hotel_handle spawn_hotel(caf::actor_system& system, hotel_id id, std::shared_ptr<hotel_door> door,
                         std::shared_ptr<const hotel_environment> environment, region_handle region,
                         std::shared_ptr<const hotel_loaded> ahead);

}  // namespace keyrack
