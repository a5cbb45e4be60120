// Goal: nobody has too much, nobody has too little, next to nothing moves, and all nodes come to the same answer.
#include "cluster/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

namespace keyrack::cluster {
namespace {

constexpr double movement_max = 1.25;  // of the fair share of who comes or goes

/// Nodes that come, go and change, and where the shards are, by name: what the database would say.
class cluster_model {
public:
  explicit cluster_model(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  int any_weight() { return 100 * (1 + static_cast<int>(below(10))); }
  std::string any_node() {
    return std::next(weights.begin(), static_cast<std::ptrdiff_t>(below(weights.size())))->first;
  }

  std::vector<candidate> candidates() const {
    std::vector<candidate> all;
    for (const auto& [name, weight] : weights) all.push_back({name, weight});
    return all;
  }
  std::vector<place> places_of(const std::vector<std::string>& names) const {
    std::vector<place> all(shards_count, nowhere);
    for (std::size_t s = 0; s < all.size(); ++s) {
      const auto found = weights.find(names[s]);
      if (found != weights.end()) all[s] = static_cast<place>(std::distance(weights.begin(), found));
    }
    return all;
  }
  /// Places all anew. How many shards are elsewhere now.
  int place_all(tolerance allowed = {}) {
    const auto nodes = candidates();
    const auto pinned = places_of(pins);
    const auto places = placed(nodes, places_of(at), pinned, allowed);
    EXPECT_EQ(placed(nodes, places, pinned, allowed), places) << "placing what is placed moves something";
    int moved = 0;
    for (std::size_t s = 0; s < places.size(); ++s) {
      const auto& name = nodes.at(static_cast<std::size_t>(places[s])).name;
      moved += at[s] != name;
      at[s] = name;
    }
    return moved;
  }
  std::map<std::string, int> held() const {
    std::map<std::string, int> all;
    for (const auto& [name, weight] : weights) all[name] = 0;
    for (const auto& name : at) ++all[name];
    return all;
  }
  double share_of(const std::string& name) const {
    const auto shares = fair_shares(candidates(), places_of(pins));
    return shares.at(static_cast<std::size_t>(std::distance(weights.begin(), weights.find(name))));
  }
  void expect_balance(tolerance allowed = {}) const {
    for (const auto& [name, count] : held()) {
      const double share = share_of(name);
      EXPECT_LE(count, std::max(std::ceil(share - 1e-6), share * (1 + allowed.above) + 1e-6))
          << name << " of " << share;
      EXPECT_GE(count, std::min(std::floor(share + 1e-6), share * (1 - allowed.below) - 1e-6))
          << name << " of " << share;
    }
  }

  std::map<std::string, int> weights;
  std::vector<std::string> at = std::vector<std::string>(shards_count);
  std::vector<std::string> pins = std::vector<std::string>(shards_count);

private:
  std::mt19937_64 random_;
};

std::string name_of(int n) { return "node-" + std::to_string(n); }

TEST(Placement, SpreadsShardsOfNobodyByWeight) {
  for (const int nodes : {1, 2, 3, 5, 10, 37, 100}) {
    cluster_model c{static_cast<std::uint64_t>(nodes)};
    for (int n = 0; n < nodes; ++n) c.weights[name_of(n)] = c.any_weight();
    EXPECT_EQ(c.place_all(), shards_count);
    c.expect_balance();
  }
}

TEST(Placement, GivesAPlaceToANodeOfAHundredthOfTheOthersWeight) {
  cluster_model c{1};
  c.weights = {{"a", 100}, {"b", 100}, {"c", 1}};
  c.place_all();
  EXPECT_EQ(c.held().at("c"), 5);  // 1024 / 201
}

TEST(Placement, WhoComesTakesItsShareAndWhoGoesLeavesWhatItHad) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    cluster_model c{seed};
    const int nodes_max = seed % 2 == 0 ? 8 : 100;
    const int at_first = 1 + static_cast<int>(c.below(static_cast<std::uint64_t>(nodes_max)));
    int last = 0;
    for (; last < at_first; ++last) c.weights[name_of(last)] = c.any_weight();
    c.place_all();
    for (int step = 0; step < 8; ++step) {
      const bool comes = c.weights.size() == 1 || (c.weights.size() < 100 && c.below(2) == 0);
      const auto who = comes ? name_of(++last) : c.any_node();
      if (comes) c.weights[who] = c.any_weight();
      const double share = c.share_of(who);
      if (!comes) c.weights.erase(who);
      const int moved = c.place_all();
      EXPECT_LE(moved, std::max(movement_max * share, std::ceil(share)))
          << who << (comes ? " came" : " went") << ", " << c.weights.size() << " nodes";
      c.expect_balance();
    }
  }
}

TEST(Placement, StaysBalancedWhateverTheWeightsBecome) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    cluster_model c{seed};
    for (int n = 0; n < 3 + static_cast<int>(c.below(20)); ++n) c.weights[name_of(n)] = c.any_weight();
    c.place_all();
    for (int step = 0; step < 8; ++step) {
      c.weights[c.any_node()] = c.any_weight();
      c.place_all();
      c.expect_balance();
    }
  }
}

TEST(Placement, LeavesAloneWhatIsWithinTheTolerance) {
  cluster_model c{1};
  c.weights = {{"a", 100}, {"b", 100}};
  for (std::size_t s = 0; s < c.at.size(); ++s) c.at[s] = s < 540 ? "a" : "b";  // 512 ± 5 %
  EXPECT_EQ(c.place_all(), 0);
}

TEST(Placement, MakesItEvenWithinOneShardWhenAskedTo) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    cluster_model c{seed};
    for (int n = 0; n < 2 + static_cast<int>(c.below(12)); ++n) c.weights[name_of(n)] = c.any_weight();
    for (auto& name : c.at) name = c.below(3) == 0 ? "" : c.any_node();
    for (int pins = 0; pins < 50; ++pins) c.pins[c.below(shards_count)] = c.any_node();
    c.place_all(exactly);
    c.expect_balance(exactly);
  }
}

TEST(Placement, PutsWhatIsPinnedWhereItIsPinnedAndSharesTheRest) {
  cluster_model c{1};
  c.weights = {{"a", 100}, {"b", 100}, {"c", 100}};
  c.place_all();
  for (std::size_t s = 0; s < 700; ++s) c.pins[s] = "b";  // far more than its share
  c.place_all();
  for (std::size_t s = 0; s < 700; ++s) EXPECT_EQ(c.at[s], "b");
  c.expect_balance();
  EXPECT_EQ(c.held().at("b"), 700);
  EXPECT_EQ(c.held().at("a") + c.held().at("c"), shards_count - 700);
}

TEST(Placement, EmptiesWhoIsNoCandidateAnyMoreAndFillsItAgain) {
  cluster_model c{1};
  c.weights = {{"a", 100}, {"b", 100}, {"c", 100}};
  c.place_all();
  c.weights.erase("b");
  c.place_all();
  EXPECT_EQ(std::ranges::count(c.at, "b"), 0);
  c.weights["b"] = 100;
  c.place_all();
  c.expect_balance();
}

TEST(PlacementDeath, RefusesCandidatesOutOfOrder) {
  const std::vector<place> none(shards_count, nowhere);
  const std::vector<candidate> nodes{{"b", 100}, {"a", 100}};
  EXPECT_DEATH(placed(nodes, none, none), "broken invariant");
}

}  // namespace
}  // namespace keyrack::cluster
