// Goal: whoever waits is resumed once and in time, answered or not; what comes too late is counted and dropped; bounds hold.
#include "gateway/bridge.hpp"
#include "gateway/task.hpp"
#include "tests/gateway/fakes.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

namespace keyrack::gateway {
namespace {

using testing::fake_router;

class Bridge : public ::testing::Test {
protected:
  struct result {
    bool came = false;
    bool hotel_bound = false;
    answer_envelope answer;
    const failure& why() const { return std::get<failure>(answer.body); }
  };
  void SetUp() override {
    bridge_ = std::make_shared<bridge>(router_, bridge_bounds{3, 2}, [this] { ++woken_; });
    router_.answer_with([](const envelope& e) {
      return answer_envelope{
          .hotel = e.hotel, .sequence = 7, .rests_on = durable{}, .body = refusal{.code = errc::sold_out}};
    });
  }
  void TearDown() override {
    bridge_->close();
    bridge_->fail_all();
  }
  std::shared_ptr<result> ask(std::uint64_t hotel, bool command = true) {
    auto into = std::make_shared<result>();
    start(waiting(bridge_, hotel, command, into), [] {});
    return into;
  }
  static task<> waiting(std::shared_ptr<bridge> over, std::uint64_t hotel, bool command, std::shared_ptr<result> into) {
    envelope e;
    e.hotel = {hotel};
    e.deadline = steady_instant{1'000'000'000};
    if (command) e.body = remove_hotel{};
    if (!command) e.body = query{hotel_query{}};
    into->answer = co_await over->ask(std::move(e), into->hotel_bound);
    into->came = true;
  }
  /// What the gateway's loop does when it is woken, until nobody wakes it.
  void run() {
    while (std::exchange(woken_, 0) > 0) bridge_->drain();
  }
  static constexpr steady_instant past_deadline{1'000'000'000 + 300'000'000};

  fake_router router_;
  int woken_ = 0;
  std::shared_ptr<bridge> bridge_;
};

TEST_F(Bridge, ResumesWithTheAnswer) {
  const auto asked = ask(1);
  bridge_->drain();
  EXPECT_FALSE(asked->came) << "only `drain` resumes, on the gateway's thread";
  bridge_->drain();
  ASSERT_TRUE(asked->came);
  EXPECT_EQ(asked->answer.sequence, 7);
  EXPECT_EQ(bridge_->in_flight(), 0);
}

TEST_F(Bridge, SendsWhatWasAskedTogetherAndWakesOnceForItAndOnceForManyAnswers) {
  router_.hold();
  const auto first = ask(1);
  const auto second = ask(2);
  EXPECT_EQ(woken_, 1);
  EXPECT_TRUE(router_.held().empty()) << "a third may be asked before the loop comes round";
  run();
  EXPECT_EQ(router_.held().size(), 2);
  router_.release();
  EXPECT_EQ(woken_, 1);
  const auto third = ask(3);
  EXPECT_EQ(woken_, 1) << "the loop is awake already";
  bridge_->drain();
  EXPECT_TRUE(first->came && second->came);
  EXPECT_FALSE(third->came);
  EXPECT_EQ(woken_, 2);
  bridge_->drain();
  EXPECT_TRUE(third->came);
}

TEST_F(Bridge, SaysThatACommandWithoutAnswerIsUnknownAndAQueryNotApplied) {
  router_.hold();
  const auto command = ask(1);
  const auto query = ask(1, false);
  run();
  bridge_->expire(steady_instant{1'000'000'000});
  EXPECT_FALSE(command->came) << "the router's own answer gets a moment";
  bridge_->expire(past_deadline);
  ASSERT_TRUE(command->came && query->came);
  EXPECT_EQ(command->why().code, errc::deadline_exceeded);
  EXPECT_EQ(command->why().outcome, outcome::unknown);
  EXPECT_EQ(query->why().outcome, outcome::not_applied);
}

TEST_F(Bridge, DropsAndCountsWhatComesTooLate) {
  router_.hold();
  const auto late = ask(1);
  run();
  bridge_->expire(past_deadline);
  const auto next = ask(1);  // takes the same place
  run();
  router_.release();
  run();
  EXPECT_EQ(late->why().code, errc::deadline_exceeded);
  ASSERT_TRUE(next->came);
  EXPECT_EQ(next->answer.sequence, 7);
  EXPECT_EQ(bridge_->counts().late_answers, 1);
}

TEST_F(Bridge, BoundsAHotelAndTheNode) {
  router_.hold();
  const auto first = ask(1);
  const auto second = ask(1);
  const auto third = ask(1);
  ASSERT_TRUE(third->came);
  EXPECT_TRUE(third->hotel_bound);
  EXPECT_EQ(third->why().code, errc::overloaded);
  EXPECT_EQ(third->why().outcome, outcome::not_applied);
  const auto other = ask(2);
  EXPECT_FALSE(other->came);
  const auto full = ask(3);
  ASSERT_TRUE(full->came);
  EXPECT_FALSE(full->hotel_bound);
  router_.release();
  run();
  EXPECT_TRUE(first->came && second->came && other->came);
  EXPECT_FALSE(ask(1)->came) << "there is room again";
  run();
}

TEST_F(Bridge, FailsAllAtItsEndAndTakesNothingAfterwards) {
  router_.hold();
  const auto waiting = ask(1);
  run();
  bridge_->close();
  bridge_->fail_all();
  ASSERT_TRUE(waiting->came);
  EXPECT_EQ(waiting->why().outcome, outcome::unknown);
  router_.release();
  EXPECT_EQ(woken_, 0) << "nobody wakes a loop that has ended";
  EXPECT_TRUE(ask(1)->came);
}

TEST_F(Bridge, TakesAnswersFromAnyThread) {
  router_.hold();
  const auto asked = ask(1);
  run();
  std::thread other{[this] { router_.release(); }};
  other.join();
  bridge_->drain();
  EXPECT_TRUE(asked->came);
}

task<> look(std::shared_ptr<bridge> over, std::function<void(std::function<void(int)>)> begin,
            std::shared_ptr<std::optional<int>> into, bool& came) {
  *into = co_await over->look_up<int>(steady_instant{5}, std::move(begin));
  came = true;
}

TEST_F(Bridge, AwaitsCallbacksAndGivesUpOnThem) {
  std::function<void(int)> kept;
  const auto into = std::make_shared<std::optional<int>>();
  bool came = false;
  start(look(bridge_, [](std::function<void(int)> then) { then(42); }, into, came), [] {});
  EXPECT_FALSE(came);
  bridge_->drain();
  EXPECT_EQ(*into, 42);

  came = false;
  start(look(bridge_, [&](std::function<void(int)> then) { kept = std::move(then); }, into, came), [] {});
  bridge_->expire(steady_instant{6});
  EXPECT_TRUE(came);
  EXPECT_EQ(*into, std::nullopt);
  kept(1);  // too late: a place for it, but no reader
  bridge_->drain();
  EXPECT_EQ(bridge_->counts().late_answers, 1);
}

}  // namespace
}  // namespace keyrack::gateway
