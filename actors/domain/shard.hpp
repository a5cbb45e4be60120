// Which shard a hotel belongs to: shards are what moves between nodes, and hotels follow. Fixed for ever: it is on the disk.
#pragma once

#include "actors/domain/ids.hpp"

#include <cstdint>

namespace keyrack {

/// A database has as many, from its creation on.
inline constexpr int shards_count = 1'024;

/// From 0 to `shards_count - 1`; hotels that exist spread evenly, whatever their ids are made of (splitmix64's finisher).
constexpr std::int16_t shard_of(hotel_id hotel) {
  std::uint64_t x = hotel.value + 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<std::int16_t>((x ^ (x >> 31)) % shards_count);
}

}  // namespace keyrack
