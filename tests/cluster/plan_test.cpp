// Goal: whatever the rows say, the coordinator's next step is safe, the steps come to an end, and any node would take the same.
#include "cluster/placement.hpp"
#include "cluster/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace keyrack::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const plan_limits no_limits{.moves_max = shards_count};
const plan_hints nothing_seen{.me = 1};

cluster_rows cluster_of(int nodes) {
  cluster_rows view;
  for (int n = 1; n <= nodes; ++n) {
    node_row row{.incarnation = n, .name = "node-" + std::to_string(n), .connected = true};
    for (int other = 1; other <= nodes; ++other) {
      if (other != n) row.reaches.push_back(other);
    }
    view.nodes.push_back(row);
  }
  view.coordinator = {.holder = 1, .term = 1, .beat = 1};
  return view;
}
node_row& node(cluster_rows& view, incarnation_id who) {
  return *std::ranges::find(view.nodes, who, &node_row::incarnation);
}
shard_row& shard(cluster_rows& view, int id) { return view.shards[static_cast<std::size_t>(id)]; }
void remove(cluster_rows& view, incarnation_id who) {
  std::erase_if(view.nodes, [&](const node_row& n) { return n.incarnation == who; });
  for (auto& n : view.nodes) std::erase(n.reaches, who);
}
int owned(const cluster_rows& view, incarnation_id who) {
  return static_cast<int>(std::ranges::count(view.shards, who, &shard_row::owner));
}

/// What the database does with actions; only what is forbidden to the coordinator is checked here.
void carry_out(cluster_rows& view, const plan_actions& actions, const plan_hints& hints) {
  for (const auto& f : actions.fence) {
    EXPECT_NE(f.who, hints.me) << "a node fences itself";
    remove(view, f.who);
  }
  for (const auto& g : actions.give) {
    auto& row = shard(view, g.shard);
    EXPECT_EQ(view.find(row.owner), nullptr) << "shard " << g.shard << " is given away from who is there";
    EXPECT_NE(view.find(g.to), nullptr);
    EXPECT_EQ(g.version, row.version);
    EXPECT_TRUE(g.after_fence || row.owner == 0);
    row = {.owner = g.to, .version = row.version + 1, .after_fence = g.after_fence};
  }
  for (const auto& c : actions.call_off) {
    auto& row = shard(view, c.shard);
    EXPECT_NE(row.target, 0);
    EXPECT_EQ(c.version, row.version);
    row.target = 0;
    ++row.version;
  }
  for (const auto& m : actions.move) {
    auto& row = shard(view, m.shard);
    EXPECT_EQ(row.target, 0) << "shard " << m.shard << " moves already";
    EXPECT_EQ(row.owner, m.from);
    EXPECT_EQ(m.version, row.version);
    EXPECT_NE(m.to, m.from);
    EXPECT_NE(view.find(m.to), nullptr);
    row.target = m.to;
    ++row.version;
    std::erase_if(view.wishes, [&](const move_wish& w) { return w.id == m.wish; });
  }
  for (const auto& r : actions.refuse) std::erase_if(view.wishes, [&](const move_wish& w) { return w.id == r.id; });
  if (actions.rebalanced) view.rebalance_asked = false;
}
void hand_over(cluster_rows& view, int id) {
  auto& row = shard(view, id);
  if (row.target == 0 || view.find(row.owner) == nullptr || view.find(row.target) == nullptr) return;
  row = {.owner = row.target, .version = row.version + 1};
}
void hand_over_all(cluster_rows& view) {
  for (int s = 0; s < shards_count; ++s) hand_over(view, s);
}
/// Until nothing is left to do. How many rounds that took; more than `rounds_max` fail.
int settle(cluster_rows& view, const plan_hints& hints = nothing_seen, const plan_limits& limits = no_limits,
           int rounds_max = 100) {
  for (int round = 0; round < rounds_max; ++round) {
    const auto actions = plan(view, hints, limits);
    if (actions.empty()) return round;
    carry_out(view, actions, hints);
    hand_over_all(view);
  }
  ADD_FAILURE() << "no end after " << rounds_max << " rounds";
  return rounds_max;
}
cluster_rows settled_cluster_of(int nodes) {
  auto view = cluster_of(nodes);
  settle(view);
  return view;
}

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

// Moves.

TEST(Plan, MovesOnlyASharesWorthToWhoComes) {
  auto view = settled_cluster_of(2);
  view.nodes.push_back({.incarnation = 3, .name = "node-3", .connected = true});
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.move, SizeIs(testing::AllOf(testing::Ge(307), testing::Le(426))));
  for (const auto& m : actions.move) {
    EXPECT_EQ(m.to, 3);
    EXPECT_EQ(m.reason, "balance");
  }
}

TEST(Plan, KeepsMovesWithinTheLimit) {
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

TEST(Plan, CallsOffWhatIsLateAndWhoseTargetIsGone) {
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

TEST(Plan, LetsAMoveRestThatWasLate) {
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

TEST(Plan, MovesNothingElseBecauseATargetIsGone) {
  auto view = settled_cluster_of(3);
  int moving = 0;
  for (auto& s : view.shards) {  // most of node 1's: all of them called off in the next step
    if (s.owner == 1 && moving < 200) s.target = (++moving, 99);
  }
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.call_off, SizeIs(200));
  EXPECT_THAT(actions.move, IsEmpty());
}

TEST(Plan, EmptiesTheDrainedTheWeightlessAndTheLeaving) {
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

TEST(Plan, LeavesShardsWhereTheyAreWhenNobodyWantsThem) {
  auto view = settled_cluster_of(3);
  for (auto& n : view.nodes) n.drained = true;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty());
  remove(view, 3);
  settle(view);  // the dead's still find a place
  EXPECT_EQ(owned(view, 1) + owned(view, 2), shards_count);
  for (auto& n : view.nodes) n.weight = 0;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty());
}

TEST(Plan, MovesToADrainedNodeWhenTheLastOtherLeaves) {
  auto view = settled_cluster_of(2);
  node(view, 2).drained = true;
  settle(view);
  node(view, 1).leaving = true;
  settle(view);
  EXPECT_EQ(owned(view, 2), shards_count);
}

TEST(Plan, KeepsTheShardsOfTheLastNodeThatLeaves) {
  auto view = settled_cluster_of(1);
  node(view, 1).leaving = true;
  EXPECT_TRUE(plan(view, nothing_seen, no_limits).empty());
}

TEST(Plan, HonoursPinsAndIgnoresThoseToWhoIsNotThere) {
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

TEST(Plan, OfTwoLivesOfOneNameGivesToTheLater) {
  auto view = cluster_of(1);
  view.nodes.push_back({.incarnation = 2, .name = "node-1", .connected = true});
  const auto actions = plan(view, nothing_seen, no_limits);
  ASSERT_THAT(actions.give, SizeIs(shards_count));
  for (const auto& g : actions.give) EXPECT_EQ(g.to, 2);
}

// Operators.

TEST(Plan, FulfilsWishesFirstAndOncePerShard) {
  auto view = settled_cluster_of(3);
  const auto s = static_cast<shard_id>(std::ranges::find(view.shards, 1, &shard_row::owner) - view.shards.begin());
  view.wishes = {{.id = 5, .shard = s, .node = "node-2"}, {.id = 6, .shard = s, .node = "node-3"}};
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.move,
              ElementsAre(beginning_move{
                  .shard = s, .version = shard(view, s).version, .from = 1, .to = 2, .reason = "operator", .wish = 5}));
}

TEST(Plan, CannotFulfilAWishToWhoIsNotThereOrToWhereItIs) {
  auto view = settled_cluster_of(2);
  const auto s = static_cast<shard_id>(std::ranges::find(view.shards, 1, &shard_row::owner) - view.shards.begin());
  view.wishes = {{.id = 1, .shard = s, .node = "node-1"}, {.id = 2, .shard = s, .node = "nowhere"}};
  const auto actions = plan(view, nothing_seen, no_limits);
  EXPECT_THAT(actions.move, IsEmpty());
  EXPECT_THAT(actions.refuse,
              ElementsAre(refused_wish{1, "the shard is there already"}, refused_wish{2, "the node is not running"}));
}

TEST(Plan, RebalancesToWithinOneShardAndThenEnds) {
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

TEST(Plan, EndsARebalanceThatHasNothingToDo) {
  auto view = settled_cluster_of(2);
  view.rebalance_asked = true;
  settle(view);
  EXPECT_FALSE(view.rebalance_asked);
}

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
