// Goal: an answer from memory leaves only while nobody else can have written, and cluster time never goes back.
#include "persistence/lease.hpp"
#include "persistence/slot_board.hpp"

#include <gtest/gtest.h>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;

constexpr steady_instant at(std::chrono::milliseconds ms) { return {std::chrono::nanoseconds{10s + ms}.count()}; }
constexpr instant database(std::chrono::microseconds us) { return instant{1'000'000s + us}; }

leased answer(std::chrono::milliseconds loaded, std::chrono::milliseconds decided) {
  leased a;
  a.loaded_at = at(loaded);
  a.decided_at = at(decided);
  return a;
}

TEST(Lease, CoversNothingBeforeTheFirstBeat) {
  const lease l{500ms};
  EXPECT_FALSE(l.covers(answer(0ms, 1ms), at(2ms)));
}

TEST(Lease, IsCountedFromTheSendingOfTheBeat) {
  lease l{500ms};
  l.beat_completed(at(100ms));
  EXPECT_TRUE(l.covers(answer(0ms, 550ms), at(599ms)));
  EXPECT_FALSE(l.covers(answer(0ms, 550ms), at(600ms)));
}

// A hotel that was loaded after the beat may have been loaded after a fence too.
TEST(Lease, DoesNotCoverAHotelThatWasLoadedAfterTheBeat) {
  lease l{500ms};
  l.beat_completed(at(100ms));
  EXPECT_FALSE(l.covers(answer(100ms, 101ms), at(102ms)));
  l.beat_completed(at(110ms));
  EXPECT_TRUE(l.covers(answer(100ms, 120ms), at(121ms)));
}

TEST(Lease, CoversHoweverLateWhatWasDecidedBeforeABeatWasSent) {
  lease l{500ms};
  l.beat_completed(at(100ms));
  EXPECT_TRUE(l.covers(answer(50ms, 99ms), at(10'000ms)));
  EXPECT_FALSE(l.covers(answer(50ms, 100ms), at(10'000ms)));
}

TEST(Lease, EndsForGood) {
  lease l{500ms};
  l.beat_completed(at(100ms));
  l.end();
  l.beat_completed(at(200ms));
  EXPECT_FALSE(l.covers(answer(0ms, 150ms), at(201ms)));
}

TEST(CarriedClock, GoesOnWithTheSteadyClock) {
  carried_clock c{1s};
  EXPECT_EQ(c.correct(at(0ms), at(10ms), database(0us)), carried_clock::correction::none);
  EXPECT_EQ(c.now(at(5ms)), database(0us));
  EXPECT_EQ(c.now(at(1'005ms)), database(1s));
}

// A slow beat tells little: whatever it leaves possible is kept.
TEST(CarriedClock, KeepsWhatASlowBeatLeavesPossible) {
  carried_clock c{1s};
  c.correct(at(0ms), at(2ms), database(0us));  // steady 1 ms = database 0
  EXPECT_EQ(c.correct(at(1'000ms), at(1'900ms), database(1'500ms)), carried_clock::correction::none);
  EXPECT_EQ(c.now(at(2'001ms)), database(2'000ms));
}

TEST(CarriedClock, FollowsSmallStepsAndNeverGoesBack) {
  carried_clock c{1s};
  c.correct(at(0ms), at(0ms), database(0us));
  EXPECT_EQ(c.correct(at(100ms), at(100ms), database(300ms)), carried_clock::correction::followed);
  EXPECT_EQ(c.last_step(), 200ms);
  EXPECT_EQ(c.now(at(100ms)), database(300ms));
  EXPECT_EQ(c.correct(at(200ms), at(200ms), database(200ms)), carried_clock::correction::followed);
  EXPECT_EQ(c.now(at(210ms)), database(300ms));  // stands until time has caught up
  EXPECT_EQ(c.now(at(310ms)), database(310ms));
}

TEST(CarriedClock, RefusesLargeStepsEitherWay) {
  carried_clock c{1s};
  c.correct(at(0ms), at(0ms), database(0us));
  EXPECT_EQ(c.correct(at(100ms), at(100ms), database(1h)), carried_clock::correction::refused);
  EXPECT_EQ(c.correct(at(200ms), at(200ms), database(-1h)), carried_clock::correction::refused);
  EXPECT_EQ(c.now(at(300ms)), database(300ms));
  EXPECT_EQ(c.correct(at(400ms), at(400ms), database(401ms)), carried_clock::correction::followed);
}

TEST(SlotBoard, TellsASlotThatMakesNoProgress) {
  slot_board board{2};
  EXPECT_FALSE(board.stalled(at(1h), 10s, at(0ms)));
  board.set_working(1, at(0ms));
  EXPECT_FALSE(board.stalled(at(10s), 10s, at(0ms)));
  EXPECT_EQ(board.stalled(at(10'001ms), 10s, at(0ms)), 1);
  board.set_working(1, at(10'001ms));
  EXPECT_FALSE(board.stalled(at(10'002ms), 10s, at(0ms)));
  board.set_idle(1);
  EXPECT_FALSE(board.stalled(at(1h), 10s, at(0ms)));
}

// Nobody loads a hotel of such a slot, so that no work ever comes which would show that it stands still.
TEST(SlotBoard, SeesASlotThatStandsStillWithoutWork) {
  slot_board board{2};
  board.set_settled(0, true, at(0ms));
  board.set_settled(1, true, at(0ms));
  EXPECT_FALSE(board.stalled(at(1h), 10s, at(0ms)));
  board.set_settled(1, false, at(1h));
  board.set_settled(1, false, at(1h + 5s));  // it has said so before
  EXPECT_FALSE(board.stalled(at(1h + 10s), 10s, at(0ms)));
  EXPECT_EQ(board.stalled(at(1h + 10'001ms), 10s, at(0ms)), 1);
  board.set_settled(1, true, at(1h + 11s));
  EXPECT_FALSE(board.stalled(at(2h), 10s, at(0ms)));
}

// An outage is longer than the bound, and slots come back later than the heartbeat, which may ask more often.
TEST(SlotBoard, CountsNoTimeInWhichTheDatabaseDidNotAnswer) {
  slot_board board{2};
  board.set_working(0, at(0ms));
  board.set_settled(1, false, at(0ms));
  EXPECT_FALSE(board.stalled(at(1h + 10s), 10s, at(1h)));
  EXPECT_EQ(board.stalled(at(1h + 10'001ms), 10s, at(1h)), 0);
  board.set_idle(0);
  EXPECT_EQ(board.stalled(at(1h + 10'001ms), 10s, at(1h)), 1);
}

TEST(SlotBoard, KnowsWhichHotelsMayBeLoaded) {
  slot_board board{2};
  EXPECT_FALSE(board.settled({4}));
  board.set_settled(0, true, at(0ms));
  EXPECT_TRUE(board.settled({4}));
  EXPECT_FALSE(board.settled({5}));
}

}  // namespace
}  // namespace keyrack::persistence
