// Goal: whatever the rows say, the coordinator's next step is safe, the steps come to an end, and any node would take the same.
#include "cluster/placement.hpp"
#include "tests/cluster/planned_cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace keyrack::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Deaths.

TEST(Plan, FencesTheSilent) {
  const auto actions = plan(settled_cluster_of(3), {.me = 1, .silent = {3}}, no_limits);
  EXPECT_THAT(actions.fence, ElementsAre(fencing{3, "silent"}));
  EXPECT_THAT(actions.give, IsEmpty());
  EXPECT_THAT(actions.move, IsEmpty());
}

TEST(Plan, FencesOnEvidenceOnlyWhenPortAndHeartbeatAreGone) {
  auto view = settled_cluster_of(3);
  EXPECT_TRUE(plan(view, {.me = 1, .refused = {2}}, no_limits).empty()) << "a firewall that rejects";
  node(view, 2).connected = false;
  EXPECT_TRUE(plan(view, {.me = 1}, no_limits).empty()) << "its heartbeat reconnects";
  EXPECT_THAT(plan(view, {.me = 1, .refused = {2}}, no_limits).fence, ElementsAre(fencing{2, "gone"}));
}

TEST(Plan, NeverFencesItself) {
  auto view = settled_cluster_of(2);
  node(view, 1).connected = false;
  EXPECT_TRUE(plan(view, {.me = 1, .silent = {1}, .refused = {1}}, no_limits).empty());
}

TEST(Plan, GoesOnWithoutWhomItFences) {
  auto view = settled_cluster_of(3);
  auto& nobodys = shard(view, 5);
  nobodys.owner = 0;
  const auto drained_shards = owned(view, 2);
  node(view, 2).drained = true;
  const auto actions = plan(view, {.me = 1, .silent = {3}}, no_limits);
  EXPECT_THAT(actions.fence, SizeIs(1));
  ASSERT_THAT(actions.give, SizeIs(1));
  EXPECT_EQ(actions.give[0].to, 1);
  EXPECT_THAT(actions.move, SizeIs(drained_shards));
  for (const auto& m : actions.move) EXPECT_EQ(m.to, 1) << "to or from who is fenced";
}

TEST(Plan, GivesTheShardsOfTheDeadToTheOthersAndTheirsToNobody) {
  auto view = settled_cluster_of(3);
  const int of_the_dead = owned(view, 3);
  remove(view, 3);
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.give, SizeIs(of_the_dead));
  for (const auto& g : actions.give) {
    EXPECT_EQ(shard(view, g.shard).owner, 3);
    EXPECT_TRUE(g.after_fence);
  }
  EXPECT_THAT(actions.move, IsEmpty());
}

TEST(Plan, GivesShardsOfNobodyWithoutAWaitUnlessWhoLeftHadToWait) {
  auto view = cluster_of(1);
  shard(view, 17).after_fence = true;  // taken from the dead by one who left again
  const auto actions = plan(view, nothing_seen, no_limits);
  ASSERT_THAT(actions.give, SizeIs(shards_count));
  for (const auto& g : actions.give) EXPECT_EQ(g.after_fence, g.shard == 17);
}

TEST(Plan, GivesAShardOfTheDeadThatMovedToItsTarget) {
  auto view = settled_cluster_of(3);
  const auto s = std::ranges::find(view.shards, 3, &shard_row::owner);
  s->target = 2;
  remove(view, 3);
  const auto actions = plan(view, nothing_seen, no_limits);
  const auto id = static_cast<shard_id>(s - view.shards.begin());
  EXPECT_EQ(std::ranges::find(actions.give, id, &gift::shard)->to, 2);
  EXPECT_THAT(actions.call_off, IsEmpty()) << "the gift clears the target";
}

TEST(Plan, StartsFromNothingWithOneNode) {
  auto view = cluster_of(1);
  settle(view);
  EXPECT_EQ(owned(view, 1), shards_count);
}

TEST(Plan, DoesNothingWithoutNodes) { EXPECT_TRUE(plan(cluster_rows{}, nothing_seen, no_limits).empty()); }

// Groups.

void cut(cluster_rows& view, incarnation_id a, incarnation_id b) {
  std::erase(node(view, a).reaches, b);
  std::erase(node(view, b).reaches, a);
}

TEST(Groups, AreNoneWhenAllReachAll) {
  EXPECT_THAT(outside_largest_group(cluster_of(1)), IsEmpty());
  EXPECT_THAT(outside_largest_group(cluster_of(5)), IsEmpty());
}

TEST(Groups, TheLargestKeepsItsShards) {
  auto view = cluster_of(5);
  for (const int a : {1, 2}) {
    for (const int b : {3, 4, 5}) cut(view, a, b);
  }
  EXPECT_THAT(outside_largest_group(view), ElementsAre(1, 2));
}

TEST(Groups, OfEqualsTheCoordinatorsKeepsItsShards) {
  auto view = cluster_of(4);
  for (const int a : {1, 2}) {
    for (const int b : {3, 4}) cut(view, a, b);
  }
  EXPECT_THAT(outside_largest_group(view), ElementsAre(3, 4));
  view.coordinator.holder = 4;
  EXPECT_THAT(outside_largest_group(view), ElementsAre(1, 2));
}

TEST(Groups, OneDirectionIsNotEnough) {
  auto view = cluster_of(3);
  std::erase(node(view, 3).reaches, 1);
  EXPECT_THAT(outside_largest_group(view), SizeIs(1));
}

TEST(Groups, WhoIsOutsideGivesToThoseInsideAndToNobodyElse) {
  auto view = settled_cluster_of(3);
  const auto actions = plan(view, {.me = 1, .cut_off = {3}}, no_limits);
  EXPECT_THAT(actions.move, SizeIs(owned(view, 3)));
  for (const auto& m : actions.move) {
    EXPECT_EQ(m.from, 3);
    EXPECT_EQ(m.reason, "cut off");
  }
  node(view, 1).drained = node(view, 2).drained = true;
  for (const auto& m : plan(view, {.me = 1, .cut_off = {3}}, no_limits).move) EXPECT_EQ(m.to, 3) << "no better one";
}

// Guests wait for what a node that is cut off owns: it goes in few rounds, and what is only out of balance waits for it.
TEST(Groups, WhoIsOutsideGivesMoreAtATime) {
  auto view = settled_cluster_of(3);
  view.nodes.push_back({.incarnation = 4, .name = "node-4", .connected = true});
  const plan_hints hints{.me = 1, .cut_off = {3}};
  const plan_limits limits{.moves_max = 32, .moves_max_cut_off = 128};
  const auto first = plan(view, hints, limits);
  ASSERT_THAT(first.move, SizeIs(128));
  EXPECT_LE(std::ranges::count_if(first.move, [](const auto& m) { return m.from != 3; }), 32);
  carry_out(view, first, hints);
  EXPECT_THAT(plan(view, hints, limits).move, IsEmpty());
  for (int i = 0; i < 100; ++i) hand_over(view, first.move[static_cast<std::size_t>(i)].shard);
  const auto second = plan(view, hints, limits);
  EXPECT_THAT(second.move, SizeIs(100));
  EXPECT_THAT(plan(view, {.me = 1}, limits).move, SizeIs(4)) << "28 are under way, and nobody is cut off any more";
  EXPECT_THAT(plan(view, hints, {.moves_max = 200, .moves_max_cut_off = 128}).move, SizeIs(172)) << "the larger counts";
  settle(view, hints, limits);
  EXPECT_EQ(owned(view, 3), 0);
}

// Whatever the rows are.

class AnyView {
public:
  explicit AnyView(std::uint64_t seed) : random_(seed) {}
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
  cluster_rows view() {
    cluster_rows v;
    const auto nodes = 1 + below(7);
    for (incarnation_id n = 1; n <= nodes; ++n) {
      v.nodes.push_back(
          {.incarnation = 10 * n,
           .name = "node-" + std::to_string(n == 5 ? 2 : 100 - n),  // not in the order of incarnations; two of one name
           .weight = static_cast<int>(below(5) * 50),
           .drained = below(5) == 0,
           .leaving = below(8) == 0,
           .connected = below(5) != 0});
    }
    for (auto& s : v.shards) {
      s.owner = below(6) == 0 ? 0 : 10 * (1 + below(nodes + 1));
      s.target = below(10) == 0 ? 10 * (1 + below(nodes + 1)) : 0;
      if (s.target == s.owner || s.owner == 0) s.target = 0;
      s.version = below(100);
      s.after_fence = below(2) == 0;
    }
    for (std::int64_t i = below(20); i > 0; --i) {
      v.pins[static_cast<shard_id>(below(shards_count))] = "node-" + std::to_string(100 - below(9));
    }
    for (std::int64_t i = below(10); i > 0; --i) {
      v.wishes.push_back({.id = i, .shard = static_cast<shard_id>(below(shards_count)), .node = v.nodes.front().name});
    }
    v.rebalance_asked = below(4) == 0;
    v.coordinator.holder = 10;
    return v;
  }

private:
  std::mt19937_64 random_;
};

TEST(PlanProperty, ComesToAnEndAndNeverTakesFromWhoIsThere) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AnyView any{seed};
    auto view = any.view();
    const plan_limits limits{.moves_max = static_cast<int>(1 + any.below(400))};
    plan_hints hints{.me = 10};
    if (view.nodes.size() > 2) hints.silent = {20};
    settle(view, hints, limits, 1'100);
    for (const auto& s : view.shards) {
      EXPECT_NE(view.find(s.owner), nullptr);
      EXPECT_EQ(s.target, 0);
    }
  }
}

TEST(PlanProperty, IsCarriedOutOnceAndTheSameForEverybody) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AnyView any{seed};
    auto view = any.view();
    view.wishes.clear();  // they come first, whatever they do to the balance; that is made good afterwards
    for (auto& s : view.shards) {
      if (view.find(s.target) != nullptr)
        s.target = 0;  // whoever gets what moves to a drained node is seen when it is there
    }
    const auto actions = plan(view, {.me = 10}, no_limits);
    const auto again = plan(view, {.me = 20}, no_limits);
    EXPECT_EQ(actions.give, again.give);
    EXPECT_EQ(actions.move, again.move);
    EXPECT_EQ(actions.call_off, again.call_off);
    carry_out(view, actions, {.me = 10});
    const auto next = plan(view, {.me = 10}, no_limits);
    EXPECT_THAT(next.give, IsEmpty());
    EXPECT_THAT(next.call_off, IsEmpty());
    for (const auto& m : next.move) {  // only what could not move before
      EXPECT_NE(std::ranges::find(actions.call_off, m.shard, &called_off::shard), actions.call_off.end()) << m.shard;
    }
  }
}

}  // namespace
}  // namespace keyrack::cluster
