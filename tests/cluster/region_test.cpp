// Goal: a command reaches its hotel whatever the hotel is doing: asleep, loading, awake, falling asleep, failing, fenced.
#include "tests/support/hotel_host.hpp"
#include "tests/support/shard_hotels.hpp"

#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using keyrack::testing::add_type_command;
using keyrack::testing::collector;
using keyrack::testing::create_command;
using keyrack::testing::hotels_of;
using keyrack::testing::request_of;

class Region : public ::testing::Test, protected keyrack::testing::hotel_host {
protected:
  Region() : hotel_host(1) {}

  std::uint64_t send(command c, std::uint64_t key, std::chrono::nanoseconds time = 10s) {
    router->send(request_of(id, std::move(c), key, answers, ++last, time));
    return last;
  }
  std::uint64_t create() { return send(create_command(), 1); }
  std::uint64_t add_type(std::uint64_t key) { return send(add_type_command(), key); }
  static bool accepted_(const answer_envelope& a) { return std::holds_alternative<done>(a.body); }
  /// Polls, for what it is asked of tells nobody; whether it came true.
  static bool eventually(const std::function<bool()>& condition) {
    const auto give_up = steady_now() + 20s;
    while (!condition() && steady_now() < give_up) std::this_thread::yield();
    return condition();
  }
  void until_asleep() {
    ASSERT_TRUE(eventually([&] { return directory->size() == 0; }));
  }
  void load_ahead(shard_id shard, const std::vector<hotel_id>& hotels) {
    std::promise<void> done;
    caf::anon_send(region, prepare_shard{shard, hotels, [&] { done.set_value(); }});
    ASSERT_EQ(done.get_future().wait_for(20s), std::future_status::ready);
  }

  std::shared_ptr<collector> answers = std::make_shared<collector>();
  hotel_id id{42};
  std::uint64_t last = 0;
};

TEST_F(Region, WakesAHotelAndAnswersInOrder) {
  const auto first = create();
  const auto second = add_type(2);
  EXPECT_TRUE(accepted_(answers->of(first)));
  EXPECT_TRUE(accepted_(answers->of(second)));
  EXPECT_EQ(directory->size(), 1u);
  EXPECT_EQ(journal->loads, 1);
}

TEST_F(Region, PutsAnIdleHotelToSleepWithASnapshotAndWakesItAgain) {
  start({.idle_after = 0s});
  answers->of(create());
  until_asleep();
  EXPECT_TRUE(accepted_(answers->of(add_type(2))));
  const std::scoped_lock lock{journal->mutex};
  EXPECT_TRUE(journal->snapshots.contains(id));
  EXPECT_GE(journal->loads, 2);
}

TEST_F(Region, LosesNothingWhileAHotelFallsAsleepAgainAndAgain) {
  start({.idle_after = 0s});
  answers->of(create());
  for (std::uint64_t key = 2; key < 200; ++key) {
    caf::anon_send(region, tick{});  // retires whatever has no command waiting at this very moment
    const auto sent = add_type(key);
    if (key % 3 == 0) {
      ASSERT_TRUE(accepted_(answers->of(sent))) << key;
    }
  }
  for (std::uint64_t n = 1; n <= last; ++n) ASSERT_TRUE(accepted_(answers->of(n))) << n;
  EXPECT_EQ(journal->events[id].size(), 199u);
}

TEST_F(Region, TriesAgainWhatAFailedAppendGaveBack) {
  answers->of(create());
  {
    const std::scoped_lock lock{journal->mutex};
    journal->next_result = append_result::conflict;
  }
  const auto booked = add_type(2);
  EXPECT_TRUE(eventually([&] { return counters.hotel.stops.of({"conflict"}).value() > 0; }));
  {
    const std::scoped_lock lock{journal->mutex};
    journal->next_result = append_result::applied;
  }
  EXPECT_TRUE(accepted_(answers->of(booked)));
}

TEST_F(Region, SaysUnknownWhenACommitStaysInDoubtUntilTheDeadline) {
  answers->of(create());
  {
    const std::scoped_lock lock{journal->mutex};
    journal->next_result = append_result::unknown;
  }
  const auto a = answers->of(send(add_type_command(), 2, 300ms));
  const auto* why = std::get_if<failure>(&a.body);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->outcome, outcome::unknown);
}

TEST_F(Region, SaysUnavailableAndNotAppliedWhenTheHotelCannotBeLoaded) {
  journal->readable = false;
  const auto a = answers->of(send(create_command(), 1, 300ms));
  const auto* why = std::get_if<failure>(&a.body);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::unavailable);
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

TEST_F(Region, RefusesAtTheDoorWhatIsOverItsBound) {
  start({.waiting_max = 0});
  const auto a = answers->of(create());
  const auto* why = std::get_if<failure>(&a.body);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::overloaded);
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

TEST_F(Region, ServesAShardOfTheFencedOnlyAfterTheirLease) {
  tell_rows({.owner = 2});
  const auto before = steady_now();
  tell_rows({.owner = 1, .after_fence = true});
  EXPECT_TRUE(accepted_(answers->of(create())));
  EXPECT_GE(steady_now() - before, 50ms);
}

TEST_F(Region, HandsAShardOverWhenItsHotelsAreGoneAndServesItAgainWhenItComesBack) {
  answers->of(create());
  tell_rows({.owner = 1, .target = 2});
  const auto late = add_type(2);  // given back, and parked until the shard is back
  ASSERT_TRUE(eventually([&] { return shards_gone == static_cast<std::size_t>(shards_count); }));
  EXPECT_EQ(announced, 1u);
  EXPECT_EQ(directory->size(), 0u);
  tell_rows({.owner = 2});  // the hand-over changed the row, too
  tell_rows({.owner = 1});
  EXPECT_TRUE(accepted_(answers->of(late)));
  const std::scoped_lock lock{journal->mutex};
  EXPECT_EQ(journal->events[id].size(), 2u);
  EXPECT_EQ(journal->handed_over.size(), static_cast<std::size_t>(shards_count));
}

TEST_F(Region, LoadsAHotelAheadAndThenOnlyWhatCameAfter) {
  answers->of(create());
  tell_rows({.owner = 2});
  load_ahead(shard_of(id), {id});
  until_asleep();
  EXPECT_EQ(counters.hotel.loaded_ahead.value(), 1u);
  tell_rows({.owner = 1});
  EXPECT_TRUE(accepted_(answers->of(add_type(2))));
  const std::scoped_lock lock{journal->mutex};
  EXPECT_EQ(journal->loads_after, std::vector<std::uint64_t>{1}) << "what was loaded ahead is not used";
}

TEST_F(Region, MovesAShardOfManyHotelsThereAndBack) {
  const auto hotels = hotels_of(3, 500);
  std::uint64_t key = 100;
  for (const auto hotel : hotels) router->send(request_of(hotel, create_command(), ++key, answers, ++last));
  for (std::uint64_t n = 1; n <= last; ++n) ASSERT_TRUE(accepted_(answers->of(n)));
  tell_rows({.owner = 1, .target = 2});
  until_asleep();
  EXPECT_EQ(announced, hotels.size());
  tell_rows({.owner = 2});
  load_ahead(3, hotels);
  tell_rows({.owner = 1});
  EXPECT_TRUE(eventually([&] { return directory->size() == hotels.size(); }))
      << "they wake before anybody asks for them";
  for (const auto hotel : hotels) router->send(request_of(hotel, add_type_command(), ++key, answers, ++last));
  for (std::uint64_t n = 1; n <= last; ++n) ASSERT_TRUE(accepted_(answers->of(n)));
  const std::scoped_lock lock{journal->mutex};
  EXPECT_EQ(journal->loads_after.size(), hotels.size());
}

TEST_F(Region, IsDoneAtOnceWithAShardThatItHas) {
  load_ahead(shard_of(id), {id});
  EXPECT_EQ(counters.hotel.loaded_ahead.value(), 0u);
}

TEST_F(Region, IsDoneWithAHotelThatCannotBeLoadedAheadAndDoesNotCountIt) {
  tell_rows({.owner = 2});
  journal->readable = false;
  load_ahead(shard_of(id), {id});
  EXPECT_EQ(counters.hotel.loaded_ahead.value(), 0u);
}

TEST_F(Region, GoesOnServingAShardWhoseHandOverWasRefused) {
  journal->hands_over = false;
  answers->of(create());
  tell_rows({.owner = 1, .target = 2});
  EXPECT_TRUE(accepted_(answers->of(add_type(2))));
  EXPECT_EQ(shards_gone, 0u);
}

TEST_F(Region, GivesBackWhatAnotherNodeForwardedWhenTheShardIsNotHere) {
  tell_rows({.owner = 2});
  auto e = request_of(id, query{hotel_query{}}, 9, answers, ++last);
  e->forwarded = true;
  router->accept(e, rows_version);
  const auto a = answers->of(last);
  const auto* why = std::get_if<failure>(&a.body);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::moving);
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

// It may have been on its way so long that its sender tried elsewhere, was refused, and told so.
TEST_F(Region, GivesBackWhatWasSentBeforeTheShardCameBack) {
  answers->of(create());
  const auto sent_by = rows_version;
  tell_rows({.owner = 2});
  tell_rows({.owner = 1});
  auto e = request_of(id, add_type_command(), 9, answers, ++last);
  e->forwarded = true;
  router->accept(e, sent_by);
  const auto old = answers->of(last);
  const auto* why = std::get_if<failure>(&old.body);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::moving);
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

TEST_F(Region, HandsEverythingToTheNextIncarnationWhenFenced) {
  answers->of(create());
  caf::anon_send(region, incarnation_fenced{});
  const auto sent = add_type(2);  // to the fenced region, or to nobody
  start({});
  EXPECT_TRUE(accepted_(answers->of(sent)));
}

// It is out of the directory, and its append may never be answered: whoever waits for it is not left to a deadline.
TEST_F(Region, FreesWhoWaitsForAHotelThatRetiresWhenItIsFenced) {
  answers->of(create());
  const auto withhold = [this](bool on) {
    const std::scoped_lock lock{journal->mutex};
    journal->silent = on;
    return journal->withheld.size();
  };
  withhold(true);
  const auto sent = send(add_type_command(), 2, 1h);
  ASSERT_TRUE(eventually([&] { return withhold(true) == 1; }));
  tell_rows({.owner = 1, .target = 2});
  until_asleep();
  withhold(false);
  start({});  // which fences the region before
  EXPECT_TRUE(accepted_(answers->of(sent)));
  const std::scoped_lock lock{journal->mutex};
  EXPECT_EQ(journal->events[id].size(), 2u);
}

}  // namespace
}  // namespace keyrack::cluster
