#include "cluster/placement.hpp"

#include "actors/domain/assert.hpp"
#include "cluster/ring.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace keyrack::cluster {

namespace {

constexpr double rounding = 1e-9;  // of sums of shares
int up(double share) { return static_cast<int>(std::ceil(share - rounding)); }
int down(double share) { return static_cast<int>(std::floor(share + rounding)); }

// What one node should have: as much as it may keep, as little as it may stay with, and what levelling gives it.
struct bounds {
  double share = 0;
  int most = 0;   // what is above moves away
  int least = 0;  // who is below is filled
  int fill = 0;   // up to here
};

class placing {
public:
  placing(std::span<const candidate> nodes, std::span<const place> now, std::span<const place> pinned,
          tolerance allowed)
      : nodes_(nodes), pinned_(pinned), at_(now.begin(), now.end()), held_(nodes.size(), 0) {
    const auto shares = fair_shares(nodes, pinned);
    for (const auto share : shares) {
      bounds_.push_back({.share = share,
                         .most = std::max(up(share), down(share * (1 + allowed.above))),
                         .least = std::min(down(share), up(share * (1 - allowed.below))),
                         .fill = down(share)});
    }
  }

  std::vector<place> run() {
    for (std::size_t s = 0; s < at_.size(); ++s) {
      if (pinned_[s] != nowhere) at_[s] = pinned_[s];
      if (at_[s] != nowhere) ++held(at_[s]);
    }
    take_surplus();
    find_places();
    level();
    return std::move(at_);
  }

private:
  int& held(place n) { return held_[static_cast<std::size_t>(n)]; }
  const bounds& bounds_of(place n) const { return bounds_[static_cast<std::size_t>(n)]; }
  // Made when something has to move: most of the time nothing has.
  const ring& on_ring() {
    if (!ring_) ring_.emplace(nodes_);
    return *ring_;
  }
  bool movable(std::size_t s, place from) const { return at_[s] == from && pinned_[s] == nowhere; }

  std::vector<bool> below_fill() const {
    std::vector<bool> below(held_.size());
    for (std::size_t n = 0; n < held_.size(); ++n) below[n] = held_[n] < bounds_[n].fill;
    return below;
  }

  // From whoever has more than it may: those shards that stand closest before the nodes that have too little.
  void take_surplus() {
    const auto wanted = below_fill();
    for (place n = 0; n < static_cast<place>(held_.size()); ++n) {
      const int surplus = held(n) - bounds_of(n).most;
      if (surplus <= 0) continue;
      std::vector<std::pair<std::uint64_t, std::size_t>> by_distance;
      for (std::size_t s = 0; s < at_.size(); ++s) {
        if (movable(s, n)) by_distance.emplace_back(on_ring().distance(static_cast<shard_id>(s), wanted), s);
      }
      std::ranges::sort(by_distance);
      const auto leaving = std::min(by_distance.size(), static_cast<std::size_t>(surplus));
      for (std::size_t i = 0; i < leaving; ++i) at_[by_distance[i].second] = nowhere;
      held(n) -= static_cast<int>(leaving);
    }
  }

  // Whoever is nowhere goes along the ring: to the first with too little; when all have enough, to the first with room.
  void find_places() {
    for (std::size_t s = 0; s < at_.size(); ++s) {
      if (at_[s] != nowhere) continue;
      at_[s] = first_on_ring(s, [&](place n) { return held(n) < bounds_of(n).fill; });
      if (at_[s] == nowhere) at_[s] = first_on_ring(s, [&](place n) { return held(n) < up(bounds_of(n).share); });
      KEYRACK_ASSERT(at_[s] != nowhere);  // the shares rounded up hold all shards
      ++held(at_[s]);
    }
  }

  template <typename Fits>
  place first_on_ring(std::size_t s, Fits fits) {
    place found = nowhere;
    on_ring().walk(static_cast<shard_id>(s), [&](place n) {
      if (fits(n)) found = n;
      return found != nowhere;
    });
    return found;
  }

  // Who still has too little is filled from those that have most above their share.
  void level() {
    for (place n = 0; n < static_cast<place>(held_.size()); ++n) {
      if (held(n) >= bounds_of(n).least) continue;
      auto offers = offers_to(n);
      while (held(n) < bounds_of(n).fill && take_one(n, offers)) {}
    }
  }

  // By node: the shards that it could give to that one, the farthest from it first.
  std::vector<std::vector<std::size_t>> offers_to(place to) {
    std::vector<bool> wanted(held_.size());
    wanted[static_cast<std::size_t>(to)] = true;
    std::vector<std::pair<std::uint64_t, std::size_t>> by_distance;
    for (std::size_t s = 0; s < at_.size(); ++s) {
      if (at_[s] != to && pinned_[s] == nowhere) {
        by_distance.emplace_back(on_ring().distance(static_cast<shard_id>(s), wanted), s);
      }
    }
    std::ranges::sort(by_distance, std::greater{});
    std::vector<std::vector<std::size_t>> offers(held_.size());
    for (const auto& [distance, s] : by_distance) offers[static_cast<std::size_t>(at_[s])].push_back(s);
    return offers;
  }

  bool take_one(place to, std::vector<std::vector<std::size_t>>& offers) {
    const auto richest = richest_of(offers);
    if (richest == nowhere) return false;
    auto& given = offers[static_cast<std::size_t>(richest)];
    at_[given.back()] = to;
    given.pop_back();
    --held(richest);
    ++held(to);
    return true;
  }

  // Of those that have something to give; ties go to the first.
  place richest_of(const std::vector<std::vector<std::size_t>>& offers) {
    place richest = nowhere;
    for (place n = 0; n < static_cast<place>(held_.size()); ++n) {
      if (offers[static_cast<std::size_t>(n)].empty() || surplus(n) <= 0) continue;
      if (richest == nowhere || surplus(n) > surplus(richest)) richest = n;
    }
    return richest;
  }
  double surplus(place n) { return held(n) - bounds_of(n).share; }

  const std::span<const candidate> nodes_;
  const std::span<const place> pinned_;
  std::optional<ring> ring_;
  std::vector<place> at_;
  std::vector<int> held_;  // by node
  std::vector<bounds> bounds_;
};

}  // namespace

std::vector<double> fair_shares(std::span<const candidate> nodes, std::span<const place> pinned) {
  std::vector<int> pins(nodes.size(), 0);
  for (const auto p : pinned) {
    if (p != nowhere) ++pins[static_cast<std::size_t>(p)];
  }
  std::vector<double> shares(nodes.size(), 0);
  std::vector<bool> full(nodes.size(), false);  // by its pins
  for (bool again = true; again;) {
    again = false;
    double rest = static_cast<double>(pinned.size());
    double weight = 0;
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      if (full[n]) {
        rest -= pins[n];
      } else {
        weight += nodes[n].weight;
      }
    }
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      shares[n] = full[n] ? pins[n] : rest * nodes[n].weight / weight;
      if (!full[n] && pins[n] > shares[n]) again = full[n] = true;
    }
  }
  return shares;
}

std::vector<place> placed(std::span<const candidate> nodes, std::span<const place> now, std::span<const place> pinned,
                          tolerance allowed) {
  KEYRACK_ASSERT(!nodes.empty() && now.size() == shards_count && pinned.size() == shards_count);
  KEYRACK_ASSERT(std::ranges::is_sorted(nodes, {}, &candidate::name));  // ties go by it, the same on every node
  return placing{nodes, now, pinned, allowed}.run();
}

}  // namespace keyrack::cluster
