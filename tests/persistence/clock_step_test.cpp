// Goal: the database's clock is stepped under a node that beats: cluster time follows a small step, and goes on without a
// large one; both are counted, and neither costs the node its place or its lease.
#include "persistence/heartbeat.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

// Steps are far larger than any beat takes, however busy the machine is, so that none is taken for a slow beat.
constexpr auto small_step = 60s;
constexpr auto large_step = 3'600s;
constexpr auto step_max = 120s;
constexpr auto give_or_take = 20s;

/// A node whose sessions find this clock_timestamp() before PostgreSQL's own.
struct SteppedClock : ::testing::Test {
  SteppedClock() {
    db.watch.run("CREATE SCHEMA stepped");
    db.watch.run("CREATE TABLE stepped.by AS SELECT interval '0' AS step");
    db.watch.run("CREATE FUNCTION stepped.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS "
                 "'SELECT pg_catalog.clock_timestamp() + step FROM stepped.by'");
    db.watch.run("ALTER DATABASE " + db.database.name() + " SET search_path = stepped, pg_catalog, public");
    s.node.name = "one";
    s.database = db.database.settings();
    s.heartbeat.period = 20ms;
    s.heartbeat.clock_step_max = step_max;
    s.heartbeat.answer_timeout = 20s;
    auto place = register_node(s, "test", {.actor = "127.0.0.1:2", .http = "http://127.0.0.1:1"});
    if (!place) throw std::runtime_error(place.error());
    beats = std::make_unique<heartbeat>(
        *place, heartbeat::environment{.database = s.database,
                                       .settings = s.heartbeat,
                                       .board = nullptr,
                                       .counters = counted,
                                       .on_fenced = [this](std::string_view) { ++times_fenced; }});
    const auto started = beats->start();
    if (!started) throw std::runtime_error(started.error());
  }

  /// Steps the database's clock to so much more than the true time, and waits until two beats have brought that.
  void step_to(std::chrono::seconds step) {
    db.watch.run(fmt::format("UPDATE stepped.by SET step = interval '{} s'", step.count()));
    // One may have been under way, with a clock of before.
    const auto seen = counted.beats.of({"ok"}).value();
    ASSERT_TRUE(eventually([&] { return counted.beats.of({"ok"}).value() >= seen + 3; }));
  }
  /// Cluster time less the time of an unstepped clock; `db.watch` is older than the stepped one.
  std::chrono::microseconds ahead() {
    const auto truth = std::stod(db.watch.run("SELECT extract(epoch FROM pg_catalog.clock_timestamp())"));
    return beats->now().time_since_epoch() - std::chrono::microseconds{static_cast<std::int64_t>(truth * 1e6)};
  }
  void expect_ahead_by(std::chrono::seconds wanted) {
    EXPECT_GT(ahead(), wanted - give_or_take);
    EXPECT_LT(ahead(), wanted + give_or_take);
  }
  void expect_unharmed() {
    EXPECT_EQ(times_fenced, 0);
    EXPECT_FALSE(beats->ended());
    EXPECT_EQ(counted.beats.of({"failed"}).value(), 0U);
    leased asked;
    asked.loaded_at = asked.decided_at = steady_now();  // covered by a beat from now on
    EXPECT_TRUE(eventually([&] { return beats->covers(asked); }));
  }

  journal_database db;
  settings s;
  metrics counters;
  heartbeat_metrics& counted = counters.heartbeat;
  std::atomic<int> times_fenced{0};
  std::unique_ptr<heartbeat> beats;
};

TEST_F(SteppedClock, FollowsASmallStepAndCountsIt) {
  const auto before = counted.clock_corrections.value();
  expect_ahead_by(0s);
  step_to(small_step);
  EXPECT_GT(counted.clock_corrections.value(), before);
  EXPECT_EQ(counted.clock_steps_refused.value(), 0U);
  expect_ahead_by(small_step);
  expect_unharmed();
}

TEST_F(SteppedClock, FollowsASmallStepBackByStandingStill) {
  step_to(small_step);
  const auto told = beats->now();
  const auto followed = counted.clock_corrections.value();
  step_to(0s);
  EXPECT_GT(counted.clock_corrections.value(), followed);
  EXPECT_EQ(counted.clock_steps_refused.value(), 0U);
  EXPECT_GE(beats->now(), told);
  EXPECT_LT(beats->now(), told + small_step);
  expect_unharmed();
}

TEST_F(SteppedClock, RefusesALargeStepEitherWayAndCountsItAtEveryBeat) {
  for (const auto step : {large_step, -large_step}) {
    const auto refused = counted.clock_steps_refused.value();
    step_to(step);
    EXPECT_GE(counted.clock_steps_refused.value(), refused + 2);
    EXPECT_NEAR(counted.clock_offset_seconds.value(), static_cast<double>(step.count()),
                static_cast<double>(give_or_take.count()));
    expect_ahead_by(0s);
  }
  expect_unharmed();
}

// Set right again by whoever keeps it: nothing of the step is left behind.
TEST_F(SteppedClock, GoesOnWithTheClockThatCameBackFromALargeStep) {
  step_to(large_step);
  step_to(0s);
  const auto refused = counted.clock_steps_refused.value();
  step_to(small_step);
  EXPECT_EQ(counted.clock_steps_refused.value(), refused);
  expect_ahead_by(small_step);
  expect_unharmed();
}

}  // namespace
}  // namespace keyrack::persistence
