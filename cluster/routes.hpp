// Which node owns each shard, as of the last reading of the rows. Replaced as a whole, never changed: a stale one costs a
// bounce, never an error.
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/interfaces.hpp"
#include "cluster/hotel_directory.hpp"

#include <array>
#include <memory>

namespace keyrack::cluster {

/// Where this node's own hotels are, as of one incarnation.
struct local_hotels {
  incarnation_id incarnation = 0;
  std::shared_ptr<hotel_directory> directory;
  region_handle region;
};

struct routes {
  std::shared_ptr<const local_hotels> local;  ///< null while this node has no place
  std::array<incarnation_id, shards_count> owners{};
  std::int64_t version = -1;

  incarnation_id owner_of(hotel_id hotel) const { return owners[static_cast<std::size_t>(shard_of(hotel))]; }
  bool is_local(incarnation_id owner) const { return local && local->incarnation == owner; }
};

}  // namespace keyrack::cluster
