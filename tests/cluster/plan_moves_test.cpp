// Goal: planned moves keep to their limits, end where rows and operators want them, and never begin for nothing.
#include "cluster/placement.hpp"
#include "tests/cluster/planned_cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(PlanMoves, MovesOnlyASharesWorthToWhoComes) {
  auto view = settled_cluster_of(2);
  view.nodes.push_back({.incarnation = 3, .name = "node-3", .connected = true});
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.move, SizeIs(testing::AllOf(testing::Ge(307), testing::Le(426))));
  for (const auto& m : actions.move) {
    EXPECT_EQ(m.to, 3);
    EXPECT_EQ(m.reason, "balance");
  }
}

TEST(PlanMoves, KeepsMovesWithinTheLimit) {
  auto view = settled_cluster_of(2);
  view.nodes.push_back({.incarnation = 3, .name = "node-3", .connected = true});
  const plan_limits limits{.moves_max = 32};
  auto first = plan(view, nothing_seen, limits);
  EXPECT_THAT(first.move, SizeIs(32));
  carry_out(view, first, nothing_seen);
  EXPECT_TRUE(plan(view, nothing_seen, limits).empty());
  for (int i = 0; i < 5; ++i) hand_over(view, first.move[static_cast<std::size_t>(i)].shard);
  EXPECT_THAT(plan(view, nothing_seen, limits).move, SizeIs(5));
  settle(view, nothing_seen, limits);
  EXPECT_GE(owned(view, 3), 307);
}

TEST(PlanMoves, CallsOffWhatIsLateAndWhoseTargetIsGone) {
  auto view = settled_cluster_of(3);
  const auto late = static_cast<shard_id>(std::ranges::find(view.shards, 1, &shard_row::owner) - view.shards.begin());
  const auto lost = static_cast<shard_id>(std::ranges::find(view.shards, 2, &shard_row::owner) - view.shards.begin());
  shard(view, late).target = 2;
  shard(view, lost).target = 99;
  const auto actions = plan(view, {.me = 1, .late = {late}}, no_limits);
  EXPECT_THAT(actions.call_off,
              testing::UnorderedElementsAre(called_off{late, shard(view, late).version, "too late"},
                                            called_off{lost, shard(view, lost).version, "target gone"}));
}

TEST(PlanMoves, LetsAMoveRestThatWasLate) {
  auto view = settled_cluster_of(2);
  node(view, 2).drained = true;
  const auto all = plan(view, nothing_seen, no_limits).move;
  const auto rests = all.front().shard;
  const auto others = plan(view, {.me = 1, .resting = {rests}}, no_limits).move;
  EXPECT_EQ(others.size(), all.size() - 1);
  EXPECT_EQ(std::ranges::count(others, rests, &beginning_move::shard), 0);
  view.wishes.push_back({.id = 1, .shard = rests, .node = "node-1"});
  EXPECT_EQ(plan(view, {.me = 1, .resting = {rests}}, no_limits).move.front().shard, rests) << "an operator's wish";
}

TEST(PlanMoves, MovesNothingElseBecauseATargetIsGone) {
  auto view = settled_cluster_of(3);
  int moving = 0;
  for (auto& s : view.shards) {  // most of node 1's: all of them called off in the next step
    if (s.owner == 1 && moving < 200) s.target = (++moving, 99);
  }
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.call_off, SizeIs(200));
  EXPECT_THAT(actions.move, IsEmpty());
}

TEST(PlanMoves, EmptiesTheDrainedTheWeightlessAndTheLeaving) {
  const std::vector<std::pair<void (*)(node_row&), std::string_view>> cases{
      {[](node_row& n) { n.drained = true; }, "drained"},
      {[](node_row& n) { n.weight = 0; }, "balance"},
      {[](node_row& n) { n.leaving = true; }, "leaving"}};
  for (const auto& [change, reason] : cases) {
    auto view = settled_cluster_of(3);
    change(node(view, 2));
    const int of_it = owned(view, 2);
    const auto actions = plan(view, nothing_seen, no_limits);
    EXPECT_THAT(actions.move, SizeIs(of_it)) << reason;
    for (const auto& m : actions.move) {
      EXPECT_EQ(m.from, 2);
      EXPECT_EQ(m.reason, reason);
    }
    settle(view);
    EXPECT_EQ(owned(view, 2), 0);
  }
}

TEST(PlanMoves, LeavesShardsWhereTheyAreWhenNobodyWantsThem) {
  auto view = settled_cluster_of(3);
  for (auto& n : view.nodes) n.drained = true;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty());
  remove(view, 3);
  settle(view);  // the dead's still find a place
  EXPECT_EQ(owned(view, 1) + owned(view, 2), shards_count);
  for (auto& n : view.nodes) n.weight = 0;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty());
}

TEST(PlanMoves, MovesToADrainedNodeWhenTheLastOtherLeaves) {
  auto view = settled_cluster_of(2);
  node(view, 2).drained = true;
  settle(view);
  node(view, 1).leaving = true;
  settle(view);
  EXPECT_EQ(owned(view, 2), shards_count);
}

TEST(PlanMoves, KeepsTheShardsOfTheLastNodeThatLeaves) {
  auto view = settled_cluster_of(1);
  node(view, 1).leaving = true;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty());
}

TEST(PlanMoves, HonoursPinsAndIgnoresThoseToWhoIsNotThere) {
  auto view = settled_cluster_of(3);
  for (shard_id s = 0; s < 50; ++s) view.pins[s] = "node-2";
  for (shard_id s = 50; s < 100; ++s) view.pins[s] = "node-of-nowhere";
  const auto actions = plan(view, nothing_seen, no_limits);
  for (const auto& m : actions.move) {
    if (m.shard < 50) {
      EXPECT_EQ(m.reason, "pinned");
    }
  }
  settle(view);
  for (int s = 0; s < 50; ++s) EXPECT_EQ(shard(view, s).owner, 2);
}

TEST(PlanMoves, OfTwoLivesOfOneNameGivesToTheLater) {
  auto view = cluster_of(1);
  view.nodes.push_back({.incarnation = 2, .name = "node-1", .connected = true});
  const auto actions = plan(view, nothing_seen, no_limits);
  ASSERT_THAT(actions.give, SizeIs(shards_count));
  for (const auto& g : actions.give) EXPECT_EQ(g.to, 2);
}

// Operators.

TEST(PlanMoves, FulfilsWishesFirstAndOncePerShard) {
  auto view = settled_cluster_of(3);
  const auto s = static_cast<shard_id>(std::ranges::find(view.shards, 1, &shard_row::owner) - view.shards.begin());
  view.wishes = {{.id = 5, .shard = s, .node = "node-2"}, {.id = 6, .shard = s, .node = "node-3"}};
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.move,
              ElementsAre(beginning_move{
                  .shard = s, .version = shard(view, s).version, .from = 1, .to = 2, .reason = "operator", .wish = 5}));
}

TEST(PlanMoves, CannotFulfilAWishToWhoIsNotThereOrToWhereItIs) {
  auto view = settled_cluster_of(2);
  const auto s = static_cast<shard_id>(std::ranges::find(view.shards, 1, &shard_row::owner) - view.shards.begin());
  view.wishes = {{.id = 1, .shard = s, .node = "node-1"}, {.id = 2, .shard = s, .node = "nowhere"}};
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.move, IsEmpty());
  EXPECT_THAT(actions.refuse,
              ElementsAre(refused_wish{1, "the shard is there already"}, refused_wish{2, "the node is not running"}));
}

TEST(PlanMoves, RebalancesToWithinOneShardAndThenEnds) {
  auto view = cluster_of(3);
  for (int s = 0; s < shards_count; ++s) shard(view, s).owner = s < 360 ? 1 : s < 700 ? 2 : 3;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty()) << "within the tolerance";
  const auto dry_run = plan_rebalance(view);
  view.rebalance_asked = true;
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_EQ(actions.move, dry_run);
  EXPECT_FALSE(actions.rebalanced);
  settle(view);
  EXPECT_FALSE(view.rebalance_asked);
  for (int n = 1; n <= 3; ++n) EXPECT_THAT(owned(view, n), testing::AllOf(testing::Ge(341), testing::Le(342)));
}

TEST(PlanMoves, EndsARebalanceThatHasNothingToDo) {
  auto view = settled_cluster_of(2);
  view.rebalance_asked = true;
  settle(view);
  EXPECT_FALSE(view.rebalance_asked);
}

}  // namespace
}  // namespace keyrack::cluster
