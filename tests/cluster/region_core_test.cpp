// Goal: a shard is served by one node at a time, whatever order rows, answers and time come in; every command that comes is
// sent to its hotel, kept, or given back: once.
#include "tests/cluster/region_stage.hpp"

#include <map>
#include <random>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct RegionCore : region_stage {};

// absent → owned, waiting

TEST_F(RegionCore, GivesBackWhatItDoesNotOwn) {
  const auto out = command();
  ASSERT_THAT(out.bounce, SizeIs(1));
  EXPECT_EQ(out.bounce[0].second.code, errc::moving);
  EXPECT_EQ(out.bounce[0].second.outcome, outcome::not_applied);
  EXPECT_THAT(out.wake, IsEmpty());
}

TEST_F(RegionCore, ServesAtOnceWhatNobodyAnswersForAnyMore) {
  EXPECT_TRUE(rows({.owner = me, .version = 1}).admits_more);
  const auto out = command();
  EXPECT_THAT(out.wake, ElementsAre(hotel));
  EXPECT_THAT(out.send, SizeIs(1));
  EXPECT_EQ(r->shards_owned(), 1);
}

TEST_F(RegionCore, WaitsAfterAFenceUntilTheOldLeaseHasEnded) {
  EXPECT_FALSE(rows({.owner = me, .version = 1, .after_fence = true}).admits_more);
  EXPECT_EQ(r->waits_until(), now + wait_after_fence);
  EXPECT_FALSE(after(599ms).admits_more);
  EXPECT_FALSE(serves());
  EXPECT_TRUE(after(1ms).admits_more);
  EXPECT_TRUE(serves());
  EXPECT_EQ(r->waits_until(), std::nullopt);
}

TEST_F(RegionCore, TellsWhichShardsItServesFromNowOnAndHowManyAreInWhichState) {
  EXPECT_THAT(rows({.owner = me, .version = 1, .after_fence = true}).serving, IsEmpty());
  EXPECT_EQ(r->tally().waiting, 1);
  EXPECT_THAT(after(600ms).serving, ElementsAre(home));
  EXPECT_THAT(after(1s).serving, IsEmpty()) << "once";
  EXPECT_EQ(r->tally().serving, 1);
  EXPECT_EQ(r->tally().waiting, 0);
  EXPECT_THAT(rows({.owner = me, .target = other, .version = 2}).stopping, ElementsAre(home));
  EXPECT_EQ(r->tally().leaving, 1);
  EXPECT_THAT(handed_over({home, 2, other}, false).serving, ElementsAre(home)) << "it stays, and is served again";
  EXPECT_EQ(r->tally().leaving, 0);
}

TEST_F(RegionCore, WaitsFromWhenItLearntAndNotAnewWithEachReading) {
  rows({.owner = me, .version = 1, .after_fence = true});
  after(400ms);
  rows({.owner = me, .target = other, .version = 2, .after_fence = true});
  rows({.owner = me, .version = 3, .after_fence = true});
  after(200ms);
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, DoesNotMoveOnWhileItWaits) {
  rows({.owner = me, .version = 1, .after_fence = true});
  EXPECT_THAT(rows({.owner = me, .target = other, .version = 2, .after_fence = true}).hand_overs, IsEmpty());
  EXPECT_THAT(after(599ms).hand_overs, IsEmpty());
  EXPECT_THAT(after(1ms).hand_overs, ElementsAre(hand_over{home, 2, other}));
}

TEST_F(RegionCore, WaitsAlsoWhenItReadsOnlyTheMoveThatFollowed) {
  EXPECT_THAT(rows({.owner = me, .target = other, .version = 2, .after_fence = true}).hand_overs, IsEmpty());
  EXPECT_THAT(after(600ms).hand_overs, SizeIs(1));
}

TEST_F(RegionCore, StopsWaitingForWhatIsAnothers) {
  rows({.owner = me, .version = 1, .after_fence = true});
  rows({.owner = other, .version = 2, .after_fence = true});
  EXPECT_EQ(r->waits_until(), std::nullopt);
  after(10s);
  EXPECT_FALSE(serves());
}

// rows out of order

TEST_F(RegionCore, BelievesTheLaterOfTwoReadings) {
  rows({.owner = other, .version = 5});
  rows({.owner = me, .version = 4});
  EXPECT_FALSE(serves());
  rows({.owner = me, .version = 5});
  EXPECT_FALSE(serves()) << "the same version is the same row";
  rows({.owner = me, .version = 6});
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, DoesNotTakeBackFromAnOldReadingWhatItHasHandedOver) {
  const auto h = being_handed_over();
  EXPECT_THAT(handed_over(h, true).gone, ElementsAre(h));
  rows({.owner = me, .target = other, .version = 2});
  EXPECT_FALSE(serves());
  EXPECT_EQ(r->shards_owned(), 0);
}

// lost without a hand-over: this incarnation was fenced and has not heard of it

TEST_F(RegionCore, DropsItsHotelsWhenTheRowIsSuddenlyAnothers) {
  rows({.owner = me, .version = 1});
  command();
  EXPECT_THAT(rows({.owner = other, .version = 2, .after_fence = true}).retire, SizeIs(1));
  EXPECT_THAT(command().bounce, SizeIs(1));
  EXPECT_THAT(gone().hand_overs, IsEmpty());
}

// fenced and closed, in every state

TEST_F(RegionCore, FencedInAnyStateItWakesNothingAndWritesNothing) {
  const std::vector<std::vector<shard_row>> ways_there{
      {},
      {{.owner = me, .version = 1, .after_fence = true}},
      {{.owner = me, .version = 1}},
      {{.owner = me, .version = 1}, {.owner = me, .target = other, .version = 2}}};
  for (const auto& way : ways_there) {
    for (const bool awake : {false, true}) {
      r.emplace(me, bounds);
      for (const auto& row : way) {
        if (awake) command();
        rows(row);
      }
      step([&](auto& out) { r->on_fenced(out); });
      EXPECT_TRUE(r->fenced());
      const auto out = command();
      ASSERT_THAT(out.bounce, SizeIs(1));
      EXPECT_EQ(out.bounce[0].second.code, errc::fenced);
      EXPECT_FALSE(rows({.owner = me, .version = 9}).admits_more);
      EXPECT_FALSE(after(10s).admits_more);
      EXPECT_THAT(gone().hand_overs, IsEmpty());
      EXPECT_FALSE(handed_over({home, 2, other}, false).admits_more);
      EXPECT_THAT(step([&](auto& o) { r->on_wake(hotel, o); }).wake, IsEmpty());
      EXPECT_FALSE(serves());
    }
  }
}

TEST_F(RegionCore, ClosedItRetiresWithSnapshotsAndFencedWithout) {
  rows({.owner = me, .version = 1});
  command();
  const auto closing = step([&](auto& out) { r->on_close(out); });
  ASSERT_THAT(closing.retire, SizeIs(1));
  EXPECT_TRUE(closing.retire[0].snapshot);
  EXPECT_EQ(command().bounce.at(0).second.code, errc::moving);
  EXPECT_THAT(step([&](auto& out) { r->on_fenced(out); }).retire, IsEmpty());
  EXPECT_EQ(command().bounce.at(0).second.code, errc::fenced);
}

// hotels

TEST_F(RegionCore, KeepsCommandsWhileAHotelRetiresUpToItsBound) {
  rows({.owner = me, .version = 1});
  command();
  step([&](auto& out) { r->on_sleepy(hotel, out); });
  for (int i = 0; i < 3; ++i) EXPECT_THAT(command().bounce, IsEmpty());
  EXPECT_EQ(command().bounce.at(0).second.code, errc::overloaded);
  const auto out = gone();
  EXPECT_THAT(out.wake, ElementsAre(hotel));
  EXPECT_THAT(out.send, SizeIs(3));
}

/// Whatever happens in whatever order: a command that came is sent, given back, or waits; and never two of these.
TEST_F(RegionCore, AnswersForEveryCommandOnce) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    r.emplace(me, bounds);
    std::map<std::uint64_t, int> ends;
    std::vector<hand_over> asked;
    bool awake = false;
    std::int64_t version = 0;
    last = 0;
    const auto count = [&](const region::effects& out) {
      for (const auto& e : out.send) ++ends[e->correlation];
      for (const auto& [e, why] : out.bounce) ++ends[e->correlation];
      asked.insert(asked.end(), out.hand_overs.begin(), out.hand_overs.end());
      awake = awake || !out.wake.empty();
      EXPECT_TRUE(out.hand_overs.empty() || !awake) << "handed over while its hotel lives";
    };
    const auto hotel_ends = [&] {
      awake = false;
      count(gone());
    };
    for (int i = 0; i < 60; ++i) {
      switch (random() % 9) {
      case 0: count(rows({.owner = me, .version = ++version, .after_fence = random() % 4 == 0})); break;
      case 1: count(rows({.owner = me, .target = random() % 2 ? other : third, .version = ++version})); break;
      case 2:
        count(rows({.owner = random() % 4 ? me : other, .version = version - static_cast<int>(random() % 3)}));
        break;
      case 3:
        if (awake) hotel_ends();
        break;
      case 4:
        if (!asked.empty()) {
          const auto what = asked.front();
          asked.erase(asked.begin());
          count(handed_over(what, random() % 2 == 0));
        }
        break;
      case 5: count(step([&](auto& out) { r->on_sleepy(hotel, out); })); break;
      case 6: count(after(std::chrono::milliseconds{random() % 700})); break;
      case 7: count(prepared(version - static_cast<int>(random() % 2))); break;
      default: count(command());
      }
    }
    count(step([&](auto& out) { r->on_fenced(out); }));
    if (awake) hotel_ends();
    for (std::uint64_t n = 1; n <= last; ++n) EXPECT_EQ(ends[n], 1) << "command " << n;
  }
}

}  // namespace
}  // namespace keyrack::cluster
