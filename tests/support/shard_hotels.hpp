// Hotels for tests of shards.
#pragma once

#include "actors/cluster_ports.hpp"

#include <vector>

namespace keyrack::testing {

/// So many hotels of one shard.
inline std::vector<hotel_id> hotels_of(shard_id shard, std::size_t n) {
  std::vector<hotel_id> found;
  for (std::uint64_t id = 1; found.size() < n; ++id) {
    if (shard_of(hotel_id{id}) == shard) found.push_back({id});
  }
  return found;
}

}  // namespace keyrack::testing
