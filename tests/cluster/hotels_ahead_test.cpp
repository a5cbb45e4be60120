// Goal: what is loaded ahead is handed out once, nothing is kept for ever or beyond its bound, and whoever waits is told.
#include "cluster/hotels_ahead.hpp"
#include "tests/support/shard_hotels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using keyrack::testing::hotels_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HotelsAhead : public ::testing::Test {
protected:
  void want(shard_id shard, const std::vector<hotel_id>& hotels) {
    ahead.want(shard, hotels, now, [this, shard] { told.push_back(shard); });
  }
  void loaded(hotel_id id, bool well = true) {
    auto state = well ? std::make_shared<hotel_state>() : nullptr;
    ahead.on_loaded(std::make_shared<hotel_loaded>(hotel_loaded{std::move(state), "", 0, id}));
  }
  std::vector<hotel_id> load_all() {
    std::vector<hotel_id> all;
    while (const auto id = ahead.next()) {
      all.push_back(*id);
      loaded(*id);
    }
    return all;
  }

  hotels_ahead ahead{{.loading_max = 2, .kept_max = 4, .keep_for = 30s}};
  steady_instant now{1'000'000'000};
  std::vector<shard_id> told;
};

TEST_F(HotelsAhead, LoadsSomeAtATimeAndTellsWhenAllAre) {
  const auto hotels = hotels_of(3, 3);
  want(3, hotels);
  EXPECT_EQ(ahead.next(), hotels[0]);
  EXPECT_EQ(ahead.next(), hotels[1]);
  EXPECT_EQ(ahead.next(), std::nullopt) << "two are on their way";
  loaded(hotels[1]);
  EXPECT_EQ(ahead.next(), hotels[2]);
  loaded(hotels[0], false);
  EXPECT_THAT(told, IsEmpty());
  loaded(hotels[2]);
  EXPECT_THAT(told, ElementsAre(3)) << "one that cannot be loaded holds nobody up";
  EXPECT_THAT(ahead.finish(3), ElementsAre(hotels[1], hotels[2]));
  EXPECT_NE(ahead.take(hotels[1]), nullptr);
  EXPECT_EQ(ahead.take(hotels[1]), nullptr) << "once";
  EXPECT_EQ(ahead.take(hotels[0]), nullptr);
}

TEST_F(HotelsAhead, TellsAtOnceWhenThereIsNothingToLoad) {
  want(3, {});
  EXPECT_THAT(told, ElementsAre(3));
  want(4, hotels_of(5, 1));
  EXPECT_THAT(told, ElementsAre(3, 4)) << "hotels of another shard";
  EXPECT_EQ(ahead.next(), std::nullopt);
}

TEST_F(HotelsAhead, KeepsNoMoreThanItsBound) {
  want(3, hotels_of(3, 3));
  want(4, hotels_of(4, 3));
  EXPECT_THAT(load_all(), SizeIs(4));
  EXPECT_EQ(ahead.size(), 4u);
  EXPECT_THAT(told, ElementsAre(3, 4));
}

TEST_F(HotelsAhead, StopsLoadingForAShardThatHasCome) {
  const auto hotels = hotels_of(3, 4);
  want(3, hotels);
  ahead.next();
  ahead.next();
  loaded(hotels[0]);
  EXPECT_THAT(ahead.finish(3), ElementsAre(hotels[0]));
  EXPECT_THAT(told, ElementsAre(3));
  EXPECT_EQ(ahead.next(), std::nullopt);
  loaded(hotels[1]);  // too late
  EXPECT_EQ(ahead.take(hotels[1]), nullptr);
  EXPECT_THAT(ahead.shards(), IsEmpty());
  EXPECT_EQ(ahead.size(), 1u);  // hotels[0], until it is taken
}

TEST_F(HotelsAhead, ForgetsAShardThatDoesNotCome) {
  const auto hotels = hotels_of(3, 2);
  want(3, hotels);
  ahead.next();
  loaded(hotels[0]);
  now = now + 29s;
  ahead.forget_old(now);
  EXPECT_EQ(ahead.size(), 1u);
  now = now + 1s;
  ahead.forget_old(now);
  EXPECT_EQ(ahead.size(), 0u);
  EXPECT_THAT(told, ElementsAre(3));
  EXPECT_EQ(ahead.next(), std::nullopt);
}

TEST_F(HotelsAhead, LoadsAnewWhenItIsAskedAgain) {
  const auto hotels = hotels_of(3, 1);
  want(3, hotels);
  load_all();
  want(3, hotels);
  EXPECT_THAT(load_all(), SizeIs(1)) << "the first may be old";
  EXPECT_THAT(told, ElementsAre(3, 3));
}

TEST_F(HotelsAhead, TellsWhoAsksAgainNoLoadTooEarly) {
  const auto hotels = hotels_of(3, 2);
  want(3, hotels);
  ahead.next();
  want(3, hotels);  // while the first is on its way
  EXPECT_THAT(told, ElementsAre(3)) << "who asked before";
  EXPECT_EQ(ahead.next(), hotels[1]);
  EXPECT_EQ(ahead.next(), std::nullopt) << "what is on its way is not begun again";
  loaded(hotels[0]);
  EXPECT_THAT(told, ElementsAre(3)) << "one is missing";
  loaded(hotels[1]);
  EXPECT_THAT(told, ElementsAre(3, 3));
  EXPECT_THAT(ahead.finish(3), ElementsAre(hotels[0], hotels[1]));
}

TEST_F(HotelsAhead, DoesNotCountALoadThatNobodyAsksForAnyMore) {
  const auto hotels = hotels_of(3, 3);
  want(3, {hotels[0]});
  ahead.next();
  want(3, {hotels[1], hotels[2]});
  loaded(hotels[0]);
  EXPECT_EQ(ahead.size(), 0u) << "nor keep it";
  ahead.next();
  ahead.next();
  loaded(hotels[1]);
  EXPECT_THAT(told, ElementsAre(3)) << "only who asked first";
  loaded(hotels[2]);
  EXPECT_THAT(told, ElementsAre(3, 3));
}

TEST_F(HotelsAhead, LoadsAHotelOnceThatIsNamedTwice) {
  const auto hotel = hotels_of(3, 1).front();
  want(3, {hotel, hotel});
  EXPECT_THAT(load_all(), ElementsAre(hotel));
  EXPECT_THAT(told, ElementsAre(3));
  EXPECT_THAT(ahead.finish(3), ElementsAre(hotel));
}

}  // namespace
}  // namespace keyrack::cluster
