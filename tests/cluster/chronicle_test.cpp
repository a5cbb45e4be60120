// Goal: fail-overs, fences, moves and hand-overs are measured from what this node saw first to what it saw last, once each, and
// what was not seen from its beginning to its end is not measured at all.
#include "cluster/chronicle.hpp"

#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;

constexpr incarnation_id me = 11;
constexpr incarnation_id other = 12;
constexpr incarnation_id victim = 13;

std::uint64_t count_of(const histogram& h) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i <= h.shape().bounds.size(); ++i) all += h.in_bucket(i);
  return all;
}

std::chrono::nanoseconds sum_of(const histogram& h) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(h.sum())};
}

/// Three nodes that beat; all shards are the victim's.
class Chronicle : public testing::Test {
protected:
  Chronicle() {
    for (const auto who : {me, other, victim}) rows.nodes.push_back({.incarnation = who, .beat = 1});
    for (auto& s : rows.shards) s = {.owner = victim, .version = 1};
    look();
  }
  void after(std::chrono::nanoseconds time) { now = now + time; }
  void look() { told.on_look(rows, now, now + 1ms); }
  void beat(incarnation_id who) {
    for (auto& n : rows.nodes) n.beat += n.incarnation == who ? 1 : 0;
  }
  void dies(incarnation_id who) {
    std::erase_if(rows.nodes, [&](const node_row& n) { return n.incarnation == who; });
  }
  shard_row& row(int shard) { return rows.shards[static_cast<std::size_t>(shard)]; }
  void give(int shard, incarnation_id to, bool after_fence = true) {
    row(shard) = {.owner = to, .version = row(shard).version + 1, .after_fence = after_fence};
  }
  void begin(int shard, incarnation_id to, std::string_view reason) {
    const auto& r = row(shard);
    told.on_moves_begun(
        {{.shard = static_cast<shard_id>(shard), .version = r.version, .from = r.owner, .to = to, .reason = reason}},
        now);
    row(shard) = {.owner = r.owner, .target = to, .version = r.version + 1};
  }
  void hands_over(int shard) { row(shard) = {.owner = row(shard).target, .version = row(shard).version + 1}; }
  void serves(std::vector<shard_id> shards) { told.on_region({.serving = std::move(shards)}, now); }
  void stops(shard_id shard) { told.on_region({.stopping = {shard}}, now); }
  std::uint64_t failovers() { return count_of(all.cluster.failover_seconds); }

  metrics all;
  cluster_rows rows;
  steady_instant now{1'000'000'000};
  chronicle told{me, all.cluster};
};

TEST_F(Chronicle, AFailOverLastsFromTheLastBeatToTheLastShardServed) {
  after(100ms);
  beat(victim);
  look();
  after(300ms);
  look();
  dies(victim);
  for (const int s : {0, 1, 2}) give(s, me);
  for (int s = 3; s < shards_count; ++s) give(s, other);
  look();
  after(100ms);
  serves({0, 1});
  EXPECT_EQ(failovers(), 0U) << "one is not served yet";
  after(600ms);
  serves({2});
  EXPECT_EQ(failovers(), 1U);
  EXPECT_EQ(sum_of(all.cluster.failover_seconds), 1'000ms) << "from the beat that was seen at 100 ms";
  EXPECT_EQ(all.cluster.shards_inherited.value(), 3U);
  serves({2});
  EXPECT_EQ(failovers(), 1U) << "once";
}

TEST_F(Chronicle, TwoWhoDieTogetherAreTwoFailOvers) {
  give(5, other, false);
  look();
  after(50ms);
  beat(other);
  look();
  dies(victim);
  dies(other);
  give(4, me);
  give(5, me);
  look();
  after(650ms);
  serves({4, 5});
  EXPECT_EQ(failovers(), 2U);
  EXPECT_EQ(sum_of(all.cluster.failover_seconds), 700ms + 650ms);
}

TEST_F(Chronicle, AShardThatGoesOnBeforeItIsServedIsNobodysFailOver) {
  dies(victim);
  give(0, me);
  look();
  give(0, other);
  look();
  serves({0});
  EXPECT_EQ(failovers(), 0U);
  EXPECT_EQ(all.cluster.shards_inherited.value(), 0U);
}

TEST_F(Chronicle, NeitherMovesNorShardsOfWhoIsThereAreFailOvers) {
  give(0, me, false);  // handed over
  give(1, me);         // after a fence, but of one whose beats are still seen
  look();
  serves({0, 1});
  EXPECT_EQ(failovers(), 0U);
}

TEST_F(Chronicle, WhoStartedAfterTheLastBeatMeasuresNothing) {
  chronicle late{me, all.cluster};
  dies(victim);
  late.on_look(rows, now, now);
  give(0, me);
  late.on_look(rows, now, now);
  late.on_region({.serving = {0}}, now + 600ms);
  EXPECT_EQ(failovers(), 0U);
}

TEST_F(Chronicle, AFenceLastsFromTheLastBeatAndIsCountedByItsReason) {
  after(2s);
  told.on_fenced(victim, "silent", now);
  told.on_fenced(99, "gone", now);  // whom it never saw beating
  EXPECT_EQ(sum_of(all.cluster.fence_seconds.of({"silent"})), 2s);
  EXPECT_EQ(all.cluster.fences.of({"silent"}).value(), 1U);
  EXPECT_EQ(all.cluster.fences.of({"gone"}).value(), 1U);
  EXPECT_EQ(count_of(all.cluster.fence_seconds.of({"gone"})), 0U);
}

TEST_F(Chronicle, AMoveLastsUntilItsNewOwnerIsSeen) {
  begin(0, other, "cut off");
  begin(1, other, "drained");
  look();
  after(19ms);
  hands_over(0);
  look();  // reads until a millisecond later
  EXPECT_EQ(sum_of(all.cluster.move_seconds.of({"cut_off"})), 20ms);
  EXPECT_EQ(count_of(all.cluster.move_seconds.of({"drained"})), 0U) << "is under way";
  after(80ms);
  hands_over(1);
  look();
  look();
  EXPECT_EQ(sum_of(all.cluster.move_seconds.of({"drained"})), 100ms);
  EXPECT_EQ(count_of(all.cluster.move_seconds.of({"drained"})), 1U);
  EXPECT_EQ(all.cluster.moves_begun.of({"drained"}).value(), 1U);
}

TEST_F(Chronicle, AMoveThatIsCalledOffOrNeverBeganHasNoLength) {
  begin(0, other, "balance");
  look();
  told.on_called_off({{.shard = 0, .version = 2, .reason = "too late"}});
  row(0) = {.owner = victim, .version = 3};
  look();
  begin(1, other, "balance");
  row(1) = {.owner = victim, .version = 1};  // somebody else had been first: no row was changed
  look();
  hands_over(1);
  row(1) = {.owner = other, .version = 3};  // by another coordinator's move, later
  look();
  EXPECT_EQ(count_of(all.cluster.move_seconds.of({"balance"})), 0U);
  EXPECT_EQ(all.cluster.moves_called_off.of({"too_late"}).value(), 1U);
}

TEST_F(Chronicle, AHandOverLastsFromItsShardsStoppingNotFromAnEarlierOne) {
  stops(0);
  after(30ms);
  stops(0);  // another target
  after(10ms);
  told.on_region({.gone = {{.shard = 0, .version = 2, .target = other}}}, now);
  EXPECT_EQ(sum_of(all.cluster.hand_over_seconds), 40ms);
  stops(1);
  serves({1});  // called off
  after(1h);
  stops(1);
  after(5ms);
  told.on_region({.gone = {{.shard = 1, .version = 6, .target = other}}}, now);
  EXPECT_EQ(sum_of(all.cluster.hand_over_seconds), 45ms);
  EXPECT_EQ(count_of(all.cluster.hand_over_seconds), 2U);
}

TEST_F(Chronicle, ShardsOfNobodyAndOnTheirWayAreShown) {
  dies(victim);
  for (int s = 0; s < 1'000; ++s) give(s, me);
  begin(7, other, "balance");
  look();
  EXPECT_EQ(all.cluster.shards_without_owner.value(), shards_count - 1'000);
  EXPECT_EQ(all.cluster.moves_under_way.value(), 1);
}

}  // namespace
}  // namespace keyrack::cluster
