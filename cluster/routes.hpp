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
  std::array<std::int64_t, shards_count> versions{};     ///< of the rows that say so
  std::array<std::int64_t, shards_count> owned_since{};  ///< the version at which the owner was first seen
  std::int64_t version = -1;

  incarnation_id owner_of(hotel_id hotel) const { return owners[index_of(hotel)]; }
  std::int64_t version_of(hotel_id hotel) const { return versions[index_of(hotel)]; }
  std::int64_t owned_since_of(hotel_id hotel) const { return owned_since[index_of(hotel)]; }
  static std::size_t index_of(hotel_id hotel) { return static_cast<std::size_t>(shard_of(hotel)); }
  bool is_local(incarnation_id owner) const { return local && local->incarnation == owner; }
};

}  // namespace keyrack::cluster
