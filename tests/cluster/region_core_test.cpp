// Goal: a shard is served by one node at a time, whatever order rows, answers and time come in; every command that comes is
// sent to its hotel, kept, or given back: once.
#include "cluster/region.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr incarnation_id me = 7;
constexpr incarnation_id other = 8;
constexpr incarnation_id third = 9;
constexpr hotel_id hotel{4711};
constexpr auto wait_after_fence = 600ms;
const shard_id home = shard_of(hotel);
const region::bounds bounds{.waiting_max = 3, .wait_after_fence = wait_after_fence, .prepare_for = 1s};

class RegionCore : public testing::Test {
protected:
  region::effects rows(shard_row row) { return rows_of(home, row); }
  region::effects rows_of(shard_id shard, shard_row row) {
    std::vector<shard_row> all(shards_count, shard_row{.version = -5});  // older than all that is known
    all[static_cast<std::size_t>(shard)] = row;
    return step([&](auto& out) { r->on_rows(all, now, out); });
  }
  region::effects command() {
    auto e = std::make_shared<envelope>();
    e->hotel = hotel;
    e->correlation = ++last;
    return step([&](auto& out) { r->on_envelope(e, out); });
  }
  region::effects gone() {
    return step([&](auto& out) { r->on_gone(hotel, out); });
  }
  region::effects handed_over(hand_over what, bool done) {
    return step([&](auto& out) { r->on_handed_over(what, done, out); });
  }
  region::effects prepared(std::int64_t version) {
    return step([&](auto& out) { r->on_prepared(home, version, out); });
  }
  region::effects after(std::chrono::milliseconds time) {
    now = now + time;
    return step([&](auto& out) { r->on_time(now, out); });
  }
  template <typename Step>
  region::effects step(Step what) {
    region::effects out;
    what(out);
    return out;
  }
  bool serves() { return !command().send.empty(); }
  /// Mine and empty: everything up to the hand-over.
  hand_over being_handed_over(std::int64_t version = 2) {
    rows({.owner = me, .version = version - 1});
    auto out = rows({.owner = me, .target = other, .version = version});
    EXPECT_THAT(out.hand_overs, ElementsAre(hand_over{home, version, other}));
    return {home, version, other};
  }

  std::optional<region> r{std::in_place, me, bounds};
  steady_instant now{1'000'000'000};
  std::uint64_t last = 0;
};

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

// owned → announced

TEST_F(RegionCore, AnnouncesAShardWithHotelsAndServesItUntilTheyAreLoadedElsewhere) {
  rows({.owner = me, .version = 1});
  command();
  const auto out = rows({.owner = me, .target = other, .version = 2});
  ASSERT_THAT(out.announce, SizeIs(1));
  EXPECT_EQ(out.announce[0].shard, home);
  EXPECT_EQ(out.announce[0].target, other);
  EXPECT_THAT(out.announce[0].hotels, ElementsAre(hotel));
  EXPECT_THAT(out.retire, IsEmpty());
  EXPECT_TRUE(serves());
  EXPECT_TRUE(r->serves(home));
  EXPECT_THAT(prepared(2).retire, SizeIs(1));
  EXPECT_FALSE(serves());
}

TEST_F(RegionCore, AnnouncesNoShardWithoutHotels) {
  rows({.owner = me, .version = 1});
  EXPECT_THAT(rows({.owner = me, .target = other, .version = 2}).announce, IsEmpty());
}

TEST_F(RegionCore, StopsAnAnnouncedShardWhenItsTargetTakesTooLong) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  EXPECT_EQ(r->waits_until(), now + 1s);
  EXPECT_THAT(after(999ms).retire, IsEmpty());
  EXPECT_THAT(after(1ms).retire, SizeIs(1));
  EXPECT_EQ(r->waits_until(), std::nullopt);
  EXPECT_THAT(prepared(2).retire, IsEmpty());
}

TEST_F(RegionCore, KeepsAnAnnouncedShardWhoseMoveIsCalledOff) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  EXPECT_THAT(rows({.owner = me, .version = 3}).retire, IsEmpty());
  EXPECT_THAT(prepared(2).retire, IsEmpty());
  EXPECT_THAT(after(10s).retire, IsEmpty());
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, AnnouncesAnewWhenTheTargetChanges) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  const auto out = rows({.owner = me, .target = third, .version = 4});
  ASSERT_THAT(out.announce, SizeIs(1));
  EXPECT_EQ(out.announce[0].target, third);
  EXPECT_THAT(prepared(2).retire, IsEmpty()) << "that was for the earlier target";
  EXPECT_THAT(prepared(4).retire, SizeIs(1));
}

// announced → stopping → handing over

TEST_F(RegionCore, HandsOverWhenItsHotelsAreGoneAndAdmitsNothingMeanwhile) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  const auto out = prepared(2);
  ASSERT_THAT(out.retire, SizeIs(1));
  EXPECT_FALSE(out.retire[0].snapshot);
  EXPECT_THAT(out.hand_overs, IsEmpty());
  EXPECT_THAT(command().bounce, SizeIs(1));
  EXPECT_THAT(gone().hand_overs, ElementsAre(hand_over{home, 2, other}));
  EXPECT_THAT(command().bounce, SizeIs(1));
}

TEST_F(RegionCore, GivesBackWhatWaitsForAHotelThatMoves) {
  rows({.owner = me, .version = 1});
  command();
  step([&](auto& out) { r->on_sleepy(hotel, out); });
  EXPECT_THAT(command().send, IsEmpty());  // waits
  rows({.owner = me, .target = other, .version = 2});
  const auto out = prepared(2);
  EXPECT_THAT(out.bounce, SizeIs(1));
  EXPECT_THAT(out.retire, IsEmpty());  // it is retiring already
  EXPECT_THAT(gone().hand_overs, SizeIs(1));
}

TEST_F(RegionCore, GoesOnWhenTheMoveIsCalledOffBeforeItsHotelsAreGone) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  prepared(2);
  EXPECT_TRUE(rows({.owner = me, .version = 3}).admits_more);
  EXPECT_THAT(command().send, IsEmpty());  // waits until the hotel that retires is gone
  const auto out = gone();
  EXPECT_THAT(out.hand_overs, IsEmpty());
  EXPECT_THAT(out.wake, ElementsAre(hotel));
  EXPECT_THAT(out.send, SizeIs(1));
}

TEST_F(RegionCore, TurnsToAnotherTargetWhileItStops) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  prepared(2);
  EXPECT_THAT(rows({.owner = me, .target = third, .version = 4}).retire, IsEmpty());
  EXPECT_THAT(gone().hand_overs, ElementsAre(hand_over{home, 4, third}));
}

// handing over →

TEST_F(RegionCore, GoesOnAfterARefusedHandOverAndHandsOverToTheNextTarget) {
  const auto h = being_handed_over();
  EXPECT_TRUE(handed_over(h, false).admits_more);
  EXPECT_TRUE(serves());
  gone();
  rows({.owner = me, .target = other, .version = 2});  // an old reading
  EXPECT_TRUE(serves());
  gone();
  EXPECT_THAT(rows({.owner = me, .target = third, .version = 4}).hand_overs, ElementsAre(hand_over{home, 4, third}));
}

TEST_F(RegionCore, WaitsForTheHandOversEndWhenItsMoveIsCalledOff) {
  const auto h = being_handed_over();
  EXPECT_FALSE(rows({.owner = me, .version = 3}).admits_more);
  EXPECT_FALSE(serves()) << "the hand-over may have been written before";
  EXPECT_TRUE(handed_over(h, false).admits_more);
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, HandsOverToTheTargetThatItReadMeanwhile) {
  const auto h = being_handed_over();
  EXPECT_THAT(rows({.owner = me, .target = third, .version = 4}).hand_overs, IsEmpty());
  EXPECT_THAT(handed_over(h, false).hand_overs, ElementsAre(hand_over{home, 4, third}));
}

TEST_F(RegionCore, LetsGoWhenTheRowTellsBeforeTheAnswer) {
  const auto h = being_handed_over();
  rows({.owner = other, .version = 3});
  EXPECT_FALSE(serves());
  EXPECT_THAT(handed_over(h, true).gone, ElementsAre(h));
  EXPECT_FALSE(serves());
}

TEST_F(RegionCore, OwnsWhatCameBackBeforeTheAnswer) {
  const auto h = being_handed_over();
  rows({.owner = me, .version = 4});
  EXPECT_FALSE(serves());
  EXPECT_TRUE(handed_over(h, true).admits_more);
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, WaitsForTheLeaseOfWhoWasFencedBeforeTheAnswerCame) {
  const auto h = being_handed_over();
  rows({.owner = me, .version = 4, .after_fence = true});
  handed_over(h, true);
  EXPECT_FALSE(serves());
  ASSERT_TRUE(r->waits_until());
  after(600ms);
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, WaitsAlsoWhenALostAnswerHidTheWayThereAndBack) {
  const auto h = being_handed_over();
  rows({.owner = me, .version = 4, .after_fence = true});
  handed_over(h, false);  // the second attempt finds the row mine
  EXPECT_FALSE(serves());
  after(600ms);
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, IgnoresTheAnswerOfAnEarlierHandOver) {
  const auto first = being_handed_over(2);
  rows({.owner = other, .version = 3});
  const auto second = being_handed_over(5);
  handed_over(first, true);
  EXPECT_FALSE(serves());
  EXPECT_THAT(handed_over(second, true).gone, ElementsAre(second));
  EXPECT_EQ(r->shards_owned(), 0);
  rows({.owner = me, .version = 7});
  EXPECT_TRUE(serves());
}

TEST_F(RegionCore, TakesWhatComesBackAfterAHandOver) {
  handed_over(being_handed_over(), true);
  rows({.owner = me, .version = 4});
  EXPECT_TRUE(serves());
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
