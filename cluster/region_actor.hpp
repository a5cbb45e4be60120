// The hotels that this node owns: wakes one when a command comes for it, puts idle ones to sleep, and keeps what comes while a
// hotel is neither awake nor asleep.
//
//     asleep ── deliver, wake_hotel ──► awake ── idle, surplus, hotel_failed ──► retiring ── down ──► asleep
//                                                                                 (commands wait)
#pragma once

#include "actors/hotel_actor.hpp"
#include "cluster/hotel_directory.hpp"
#include "config/settings.hpp"

#include <cstddef>
#include <memory>

namespace keyrack::cluster {

/// The region's directory is shared with the router, which sends to awake hotels without asking the region.
region_handle spawn_region(caf::actor_system& system, const hotels_settings& settings,
                           std::shared_ptr<hotel_directory> directory,
                           std::shared_ptr<const hotel_environment> environment);

}  // namespace keyrack::cluster
