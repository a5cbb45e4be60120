// Goal: what a node says of the others is what it has seen by itself for long enough, and no more.
#include "cluster/lookout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Three nodes that reach each other, whose hearts beat; node 1 looks, node 2 coordinates, the shards are owned by 1 and 2.
class Lookout : public ::testing::Test {
protected:
  Lookout() {
    for (int n = 1; n <= 3; ++n) {
      rows.nodes.push_back({.incarnation = n, .name = "node-" + std::to_string(n), .connected = true});
      for (int other = 1; other <= 3; ++other) {
        if (other != n) rows.nodes.back().reaches.push_back(other);
      }
    }
    for (std::size_t s = 0; s < rows.shards.size(); ++s) rows.shards[s].owner = s % 2 == 0 ? 1 : 2;
    rows.coordinator = {.holder = 2, .term = 1};
  }

  node_row& node(incarnation_id who) { return *std::ranges::find(rows.nodes, who, &node_row::incarnation); }
  void cut(incarnation_id a, incarnation_id b) {
    std::erase(node(a).reaches, b);
    std::erase(node(b).reaches, a);
    links.linked = node(1).reaches;
  }
  void begin_move(shard_id s, incarnation_id to) {
    rows.shards[static_cast<std::size_t>(s)].target = to;
    ++rows.shards[static_cast<std::size_t>(s)].version;
  }

  /// Looks every 100 ms; all counts move but those of `still`, and the role's if `role_beats`.
  void watch(std::chrono::milliseconds time, const std::set<incarnation_id>& still = {}, bool role_beats = true) {
    for (auto left = time; left > 0ms; left -= 100ms) {
      now = now + 100ms;
      for (auto& n : rows.nodes) n.beat += still.contains(n.incarnation) ? 0 : 1;
      rows.coordinator.beat += role_beats ? 1 : 0;
      seen.observe(rows, links, now, now);
    }
  }
  plan_hints hints() { return seen.hints(rows, now); }

  cluster_rows rows;
  lookout::links links{.linked = {2, 3}, .refused = {}};
  steady_instant now{1};
  lookout seen{1, {.grace = 2s, .move_deadline = 10s}};
};

TEST_F(Lookout, SaysNothingOfNodesThatAreWell) {
  watch(5s);
  const auto h = hints();
  EXPECT_EQ(h.me, 1);
  EXPECT_THAT(h.silent, IsEmpty());
  EXPECT_THAT(h.refused, IsEmpty());
  EXPECT_THAT(h.cut_off, IsEmpty());
  EXPECT_THAT(h.late, IsEmpty());
  EXPECT_FALSE(seen.holder_is_gone(rows));
  EXPECT_FALSE(seen.expects_change());
}

TEST_F(Lookout, TellsTheSilentAndTheRefused) {
  links = {.linked = {3}, .refused = {2}};
  watch(3s, {3});
  EXPECT_THAT(hints().silent, ElementsAre(3));
  EXPECT_THAT(hints().refused, ElementsAre(2));
  EXPECT_TRUE(seen.expects_change());
}

TEST_F(Lookout, MissesACoordinatorThatIsSilentLeavingOrNotInTheRows) {
  watch(3s, {2});
  EXPECT_TRUE(seen.holder_is_gone(rows));
  watch(1s);
  EXPECT_FALSE(seen.holder_is_gone(rows));
  node(2).leaving = true;
  EXPECT_TRUE(seen.holder_is_gone(rows));
  rows.coordinator.holder = 9;
  EXPECT_TRUE(seen.holder_is_gone(rows));
}

TEST_F(Lookout, MissesACoordinatorWhoseThreadStandsStillWhileItsHeartBeats) {
  watch(3s, {}, false);
  EXPECT_TRUE(seen.holder_is_gone(rows));
}

// A firewall that rejects looks the same as a process that is gone; the heartbeat's backend tells them apart.
TEST_F(Lookout, KeepsACoordinatorWhosePortRefusesAsLongAsItIsAtTheDatabase) {
  links = {.linked = {3}, .refused = {2}};
  watch(1s);
  EXPECT_FALSE(seen.holder_is_gone(rows));
  node(2).connected = false;
  EXPECT_TRUE(seen.holder_is_gone(rows));
}

TEST_F(Lookout, CountsWhoIsOutsideTheGroupWhenThatHasStoodStill) {
  watch(1s);
  cut(1, 3);
  cut(2, 3);
  watch(500ms);
  EXPECT_THAT(hints().cut_off, ElementsAre(3)) << "it owns nothing: a stranger at once";
  rows.shards[0].owner = 3;
  EXPECT_THAT(hints().cut_off, IsEmpty());
  watch(100ms);
  EXPECT_THAT(hints().cut_off, ElementsAre(3));
}

TEST_F(Lookout, TakesWhoComesForAStrangerUntilBothSaySo) {
  cut(1, 3);
  links.linked = {2, 3};
  watch(100ms);
  EXPECT_THAT(hints().cut_off, ElementsAre(3)) << "it does not say yet that it reaches this node";
  node(3).reaches.push_back(1);
  links.linked = {2};
  watch(100ms);
  EXPECT_THAT(hints().cut_off, ElementsAre(3)) << "the link here is not there yet";
  links.linked = {2, 3};
  watch(100ms);
  EXPECT_THAT(hints().cut_off, IsEmpty());
}

TEST_F(Lookout, TakesNobodyForAStrangerWhoIsToGetAShardOrWhenSomeAreNobodys) {
  cut(1, 3);
  watch(100ms);
  begin_move(0, 3);
  EXPECT_THAT(hints().cut_off, IsEmpty());
  rows.shards[0].target = 0;
  EXPECT_THAT(hints().cut_off, ElementsAre(3));
  rows.shards[0].owner = 0;
  EXPECT_THAT(hints().cut_off, IsEmpty());
}

TEST_F(Lookout, CountsAMoveFromWhenItWasFirstSeen) {
  begin_move(7, 2);
  watch(100ms);
  EXPECT_THAT(hints().late, IsEmpty());
  watch(9900ms);
  EXPECT_THAT(hints().late, IsEmpty());
  watch(100ms);
  EXPECT_THAT(hints().late, ElementsAre(7));
  begin_move(7, 1);  // another one
  watch(100ms);
  EXPECT_THAT(hints().late, IsEmpty());
}

TEST_F(Lookout, LetsOnlyWhatWasTooLateRestAndOnlyForAWhile) {
  watch(100ms);
  seen.on_called_off(
      {{.shard = 7, .version = 1, .reason = too_late}, {.shard = 8, .version = 1, .reason = "target gone"}}, now);
  EXPECT_THAT(hints().resting, ElementsAre(7));
  watch(9900ms);
  EXPECT_THAT(hints().resting, ElementsAre(7));
  watch(100ms);
  EXPECT_THAT(hints().resting, IsEmpty());
}

}  // namespace
}  // namespace keyrack::cluster
