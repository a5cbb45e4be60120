// The shell around a region: spawns and retires hotel actors, and keeps the directory as the region says.
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
