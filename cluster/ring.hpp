// The ring of consistent hashing: every node stands on it at as many points as its weight asks for, every shard at one.
// Names and numbers are hashed by functions of our own, because all nodes and all versions must agree on them.
#pragma once

#include "cluster/placement.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace keyrack::cluster {

class ring {
public:
  explicit ring(std::span<const candidate> nodes);

  /// Calls `visit(place)` for the points from the shard's onwards, once around, until it returns true.
  template <typename Visit>
  void walk(shard_id shard, Visit visit) const {
    const auto from = first_at(shard);
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (visit(points_[(from + i) % points_.size()].node)) return;
    }
  }

  /// How far it is from the shard to the next point of one of the nodes for which `wanted[place]`; the farthest when none is.
  std::uint64_t distance(shard_id shard, const std::vector<bool>& wanted) const;

private:
  struct point {
    std::uint64_t at = 0;
    place node = nowhere;
  };
  std::size_t first_at(shard_id shard) const;

  std::vector<point> points_;
};

}  // namespace keyrack::cluster
