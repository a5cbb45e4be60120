// Goal: a shard that moves is announced, stopped and handed over in that order, whatever answers, call-offs and rows cross on
// their way; it is served by this node until it stops, and again only when it is certain that nobody else does.
#include "tests/cluster/region_stage.hpp"

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct RegionHandOver : region_stage {};

// owned → announced

TEST_F(RegionHandOver, AnnouncesAShardWithHotelsAndServesItUntilTheyAreLoadedElsewhere) {
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

TEST_F(RegionHandOver, AnnouncesNoShardWithoutHotels) {
  rows({.owner = me, .version = 1});
  EXPECT_THAT(rows({.owner = me, .target = other, .version = 2}).announce, IsEmpty());
}

TEST_F(RegionHandOver, StopsAnAnnouncedShardWhenItsTargetTakesTooLong) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  EXPECT_EQ(r->waits_until(), now + 1s);
  EXPECT_THAT(after(999ms).retire, IsEmpty());
  EXPECT_THAT(after(1ms).retire, SizeIs(1));
  EXPECT_EQ(r->waits_until(), std::nullopt);
  EXPECT_THAT(prepared(2).retire, IsEmpty());
}

TEST_F(RegionHandOver, KeepsAnAnnouncedShardWhoseMoveIsCalledOff) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  EXPECT_THAT(rows({.owner = me, .version = 3}).retire, IsEmpty());
  EXPECT_THAT(prepared(2).retire, IsEmpty());
  EXPECT_THAT(after(10s).retire, IsEmpty());
  EXPECT_TRUE(serves());
}

TEST_F(RegionHandOver, AnnouncesAnewWhenTheTargetChanges) {
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

TEST_F(RegionHandOver, HandsOverWhenItsHotelsAreGoneAndAdmitsNothingMeanwhile) {
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

TEST_F(RegionHandOver, GivesBackWhatWaitsForAHotelThatMoves) {
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

TEST_F(RegionHandOver, GoesOnWhenTheMoveIsCalledOffBeforeItsHotelsAreGone) {
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

TEST_F(RegionHandOver, TurnsToAnotherTargetWhileItStops) {
  rows({.owner = me, .version = 1});
  command();
  rows({.owner = me, .target = other, .version = 2});
  prepared(2);
  EXPECT_THAT(rows({.owner = me, .target = third, .version = 4}).retire, IsEmpty());
  EXPECT_THAT(gone().hand_overs, ElementsAre(hand_over{home, 4, third}));
}

// handing over →

TEST_F(RegionHandOver, GoesOnAfterARefusedHandOverAndHandsOverToTheNextTarget) {
  const auto h = being_handed_over();
  EXPECT_TRUE(handed_over(h, false).admits_more);
  EXPECT_TRUE(serves());
  gone();
  rows({.owner = me, .target = other, .version = 2});  // an old reading
  EXPECT_TRUE(serves());
  gone();
  EXPECT_THAT(rows({.owner = me, .target = third, .version = 4}).hand_overs, ElementsAre(hand_over{home, 4, third}));
}

TEST_F(RegionHandOver, WaitsForTheHandOversEndWhenItsMoveIsCalledOff) {
  const auto h = being_handed_over();
  EXPECT_FALSE(rows({.owner = me, .version = 3}).admits_more);
  EXPECT_FALSE(serves()) << "the hand-over may have been written before";
  EXPECT_TRUE(handed_over(h, false).admits_more);
  EXPECT_TRUE(serves());
}

TEST_F(RegionHandOver, HandsOverToTheTargetThatItReadMeanwhile) {
  const auto h = being_handed_over();
  EXPECT_THAT(rows({.owner = me, .target = third, .version = 4}).hand_overs, IsEmpty());
  EXPECT_THAT(handed_over(h, false).hand_overs, ElementsAre(hand_over{home, 4, third}));
}

TEST_F(RegionHandOver, LetsGoWhenTheRowTellsBeforeTheAnswer) {
  const auto h = being_handed_over();
  rows({.owner = other, .version = 3});
  EXPECT_FALSE(serves());
  EXPECT_THAT(handed_over(h, true).gone, ElementsAre(h));
  EXPECT_FALSE(serves());
}

TEST_F(RegionHandOver, OwnsWhatCameBackBeforeTheAnswer) {
  const auto h = being_handed_over();
  rows({.owner = me, .version = 4});
  EXPECT_FALSE(serves());
  EXPECT_TRUE(handed_over(h, true).admits_more);
  EXPECT_TRUE(serves());
}

TEST_F(RegionHandOver, WaitsForTheLeaseOfWhoWasFencedBeforeTheAnswerCame) {
  const auto h = being_handed_over();
  rows({.owner = me, .version = 4, .after_fence = true});
  handed_over(h, true);
  EXPECT_FALSE(serves());
  ASSERT_TRUE(r->waits_until());
  after(600ms);
  EXPECT_TRUE(serves());
}

TEST_F(RegionHandOver, WaitsAlsoWhenALostAnswerHidTheWayThereAndBack) {
  const auto h = being_handed_over();
  rows({.owner = me, .version = 4, .after_fence = true});
  handed_over(h, false);  // the second attempt finds the row mine
  EXPECT_FALSE(serves());
  after(600ms);
  EXPECT_TRUE(serves());
}

TEST_F(RegionHandOver, IgnoresTheAnswerOfAnEarlierHandOver) {
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

TEST_F(RegionHandOver, TakesWhatComesBackAfterAHandOver) {
  handed_over(being_handed_over(), true);
  rows({.owner = me, .version = 4});
  EXPECT_TRUE(serves());
}

}  // namespace
}  // namespace keyrack::cluster
