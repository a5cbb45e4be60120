#include "cluster/ring.hpp"

#include <algorithm>
#include <string_view>

namespace keyrack::cluster {

namespace {

// Of a node of weight 100. The lightest (weight 1) still has a point.
constexpr int points_of_hundred = 128;

/// FNV-1a, and splitmix64's finisher to spread it.
std::uint64_t hash_of(std::string_view name, std::uint64_t number) {
  std::uint64_t h = 0xCBF29CE484222325ULL;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  h += (number + 1) * 0x9E3779B97F4A7C15ULL;
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
  return h ^ (h >> 31);
}

std::uint64_t hash_of(shard_id shard) { return hash_of("shard", static_cast<std::uint64_t>(shard)); }

}  // namespace

ring::ring(std::span<const candidate> nodes) {
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const int count = std::max(1, nodes[n].weight * points_of_hundred / 100);
    for (int i = 0; i < count; ++i) {
      points_.push_back({hash_of(nodes[n].name, static_cast<std::uint64_t>(i)), static_cast<place>(n)});
    }
  }
  std::ranges::sort(points_, {}, [](const point& p) { return std::pair{p.at, p.node}; });
}

std::size_t ring::first_at(shard_id shard) const {
  const auto at = std::ranges::lower_bound(points_, hash_of(shard), {}, &point::at);
  return at == points_.end() ? 0 : static_cast<std::size_t>(at - points_.begin());
}

std::uint64_t ring::distance(shard_id shard, const std::vector<bool>& wanted) const {
  const auto from = first_at(shard);
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const auto& p = points_[(from + i) % points_.size()];
    if (wanted[static_cast<std::size_t>(p.node)]) return p.at - hash_of(shard);  // around the ring: modulo 2^64
  }
  return UINT64_MAX;
}

}  // namespace keyrack::cluster
