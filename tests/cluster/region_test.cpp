// Goal: a command reaches its hotel whatever the hotel is doing: asleep, loading, awake, falling asleep, failing, fenced.
#include "cluster/node_router.hpp"
#include "cluster/region_actor.hpp"
#include "tests/support/fake_journal.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using keyrack::testing::fake_journal;

constexpr currency chf{{'C', 'H', 'F'}};
const instant t0 = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1};

struct fixed_clock : cluster_clock {
  instant now() const override { return t0; }
};

/// Collects answers; `of(n)` waits for the one of correlation n.
struct collector : reply_port {
  void deliver(std::vector<reply> replies) override {
    const std::scoped_lock lock{mutex};
    for (auto& r : replies) {
      EXPECT_FALSE(answers.contains(r.correlation)) << "answered twice: " << r.correlation;
      answers.emplace(r.correlation, std::move(r.answer));
    }
    changed.notify_all();
  }
  answer_envelope of(std::uint64_t correlation) {
    std::unique_lock lock{mutex};
    const bool came = changed.wait_for(lock, 20s, [&] { return answers.contains(correlation); });
    EXPECT_TRUE(came) << "no answer to " << correlation;
    return came ? answers.at(correlation) : answer_envelope{};
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, answer_envelope> answers;
};

class Region : public ::testing::Test {
protected:
  void SetUp() override { start({}); }
  void TearDown() override {
    router->use_local(nullptr);
    caf::anon_send(region, incarnation_fenced{});
    region = nullptr;
  }
  void start(const hotels_settings& settings) {
    if (region)
      caf::anon_send(region, incarnation_fenced{});  // else it would tick, and the actor system wait, for ever
    directory = std::make_shared<hotel_directory>(settings.waiting_max);
    if (!router) router = node_router::start(system, {}, counters);
    auto environment =
        std::make_shared<const hotel_environment>(hotel_environment{1,
                                                                    keyrack::testing::handles_of(system, journal),
                                                                    std::make_shared<fixed_clock>(),
                                                                    router,
                                                                    std::make_shared<hotel_observer>(counters),
                                                                    {},
                                                                    counters});
    region =
        spawn_region(system, {.hotels = settings,
                              .wait_after_fence = 50ms,
                              .directory = directory,
                              .of_hotels = environment,
                              .on_gone = [this](const std::vector<hand_over>& gone) { shards_gone += gone.size(); },
                              .on_admits_more = [r = router] { r->retry_parked(); }});
    router->use_local(std::make_shared<const local_hotels>(local_hotels{1, directory, region}));
    tell_rows({.owner = 1, .version = 0});
  }
  /// All shards have this row now, but for its version, which is a later one.
  void tell_rows(shard_row row) {
    auto rows = std::make_shared<cluster_rows>();
    row.version = ++rows_version;
    std::ranges::fill(rows->shards, row);
    caf::anon_send(region, rows_read{rows});
    router->use_owners(*rows);
  }
  std::uint64_t send(command c, std::uint64_t key, std::chrono::nanoseconds time = 10s) {
    auto e = std::make_shared<envelope>();
    e->hotel = id;
    e->request = {.key = {2, key}, .digest = key, .by = "test"};
    e->body = std::move(c);
    e->deadline = steady_now() + time;
    e->reply_to = answers;
    e->correlation = ++last;
    router->send(e);
    return last;
  }
  std::uint64_t create() {
    return send(
        create_hotel{{.name = "A", .city = "B", .country = "CH", .time_zone = "Europe/Zurich", .currency = chf}}, 1);
  }
  std::uint64_t add_type(std::uint64_t key) {
    return send(add_room_type{{.name = "Double", .rooms = 5, .max_guests = 2, .price = 100, .currency = chf}}, key);
  }
  static bool accepted_(const answer_envelope& a) { return std::holds_alternative<done>(a.body); }
  /// Waits until nobody is awake: the directory is polled, for it tells nobody.
  void until_asleep() {
    const auto give_up = steady_now() + 20s;
    while (directory->size() != 0 && steady_now() < give_up) std::this_thread::yield();
    ASSERT_EQ(directory->size(), 0u);
  }

  keyrack::testing::actor_config config;
  metrics counters;  // outlives the actors, for whose end the system waits
  caf::actor_system system{config};
  std::shared_ptr<fake_journal> journal = std::make_shared<fake_journal>();
  std::shared_ptr<collector> answers = std::make_shared<collector>();
  std::shared_ptr<hotel_directory> directory;
  std::shared_ptr<node_router> router;
  region_handle region;
  hotel_id id{42};
  std::uint64_t last = 0;
  std::int64_t rows_version = 0;
  std::atomic<std::size_t> shards_gone{0};
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
  const auto stopped = [&] { return counters.hotel.stops.of({"conflict"}).value() > 0; };
  const auto give_up = steady_now() + 20s;
  while (!stopped() && steady_now() < give_up) std::this_thread::yield();
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
  const auto a =
      answers->of(send(add_room_type{{.name = "D", .rooms = 1, .max_guests = 1, .currency = chf}}, 2, 300ms));
  const auto* why = std::get_if<failure>(&a.body);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->outcome, outcome::unknown);
}

TEST_F(Region, SaysUnavailableAndNotAppliedWhenTheHotelCannotBeLoaded) {
  journal->readable = false;
  const auto a = answers->of(send(create_hotel{{.currency = chf}}, 1, 300ms));
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
  const auto give_up = steady_now() + 20s;
  while (shards_gone != shards_count && steady_now() < give_up) std::this_thread::yield();
  ASSERT_EQ(shards_gone, static_cast<std::size_t>(shards_count));
  EXPECT_EQ(directory->size(), 0u);
  tell_rows({.owner = 1});
  EXPECT_TRUE(accepted_(answers->of(late)));
  const std::scoped_lock lock{journal->mutex};
  EXPECT_EQ(journal->events[id].size(), 2u);
  EXPECT_EQ(journal->handed_over.size(), static_cast<std::size_t>(shards_count));
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
  auto e = std::make_shared<envelope>();
  e->hotel = id;
  e->body = query{hotel_query{}};
  e->deadline = steady_now() + 10s;
  e->reply_to = answers;
  e->correlation = ++last;
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
  auto e = std::make_shared<envelope>();
  e->hotel = id;
  e->request = {.key = {2, 9}, .digest = 9, .by = "test"};
  e->body = command{add_room_type{{.name = "Double", .rooms = 5, .max_guests = 2, .price = 100, .currency = chf}}};
  e->deadline = steady_now() + 10s;
  e->reply_to = answers;
  e->correlation = ++last;
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

}  // namespace
}  // namespace keyrack::cluster
