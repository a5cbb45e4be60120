// Which node each shard should be on: weighted consistent hashing with virtual points and bounded load, around what is
// there already. Pure: the same view gives the same answer on every node. Refuses to know incarnations, time and moves.
//
// What is there stays where it is as long as nobody has too much or too little, so that a node that comes takes its fair
// share and no more, and a node that goes leaves behind exactly what it had. The ring says which shards those are.
#pragma once

#include "actors/cluster_ports.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace keyrack::cluster {

/// A node that may own shards. Its name places it on the ring, so that a restart changes nothing.
struct candidate {
  std::string name;
  int weight = 100;  ///< > 0
};

/// Index of a candidate, or nobody.
using place = int;
inline constexpr place nowhere = -1;

/// How far a node may be from its fair share before shards move. Whole shards: never less than rounding asks for.
struct tolerance {
  double above = 0.10;
  double below = 0.10;
};
inline constexpr tolerance exactly{.above = 0, .below = 0};

/// `now[shard]`: where each shard is (`nowhere`: it needs a place); `pinned[shard]`: where it has to be, or `nowhere`. Both have
/// `shards_count` elements. The answer has a place for every shard, pins first, nobody above its fair share and tolerance
/// unless by pins. REQUIRES: at least one candidate, names distinct and in order.
std::vector<place> placed(std::span<const candidate> nodes, std::span<const place> now, std::span<const place> pinned,
                          tolerance allowed = {});

/// Fair shares of `shards_count` by weight, in shards: a node with more pins than its share has what is pinned to it, and the
/// others share the rest.
std::vector<double> fair_shares(std::span<const candidate> nodes, std::span<const place> pinned);

}  // namespace keyrack::cluster
