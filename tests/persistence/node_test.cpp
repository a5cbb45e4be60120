// Goal: one process runs as a node of a name; who is dead is displaced quickly, who is alive never; and a fenced node learns it.
#include "persistence/fence.hpp"
#include "persistence/heartbeat.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gtest/gtest.h>

#include <future>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

struct Node : ::testing::Test {
  settings settings_of(const std::string& name = "one") const {
    settings s;
    s.node.name = name;
    s.database = db.database.settings();
    s.heartbeat.period = 50ms;
    s.heartbeat.grace = 600ms;
    return s;
  }
  std::expected<registration, std::string> enter(const std::string& name = "one") {
    return register_node(settings_of(name), "test", addresses);
  }
  std::unique_ptr<heartbeat> beating(registration& place, std::shared_ptr<slot_board> board = nullptr) {
    const auto s = settings_of();
    auto beats = std::make_unique<heartbeat>(
        place, heartbeat::environment{.database = s.database,
                                      .settings = s.heartbeat,
                                      .board = std::move(board),
                                      .counters = counters.heartbeat,
                                      .on_fenced = [this](std::string_view) { ++times_fenced; }});
    const auto started = beats->start();
    EXPECT_TRUE(started) << started.error();
    return beats;
  }
  std::int64_t beat_of(std::int64_t incarnation) {
    return std::stoll(db.watch.run(fmt::format("SELECT beat FROM nodes WHERE incarnation = {}", incarnation)));
  }
  void fence(std::int64_t incarnation) {
    auto c = db.database.connect();
    const auto done = fence_incarnation(c, incarnation, 1s, soon());
    ASSERT_TRUE(done) << done.error();
  }
  leased decided_now() const {
    leased a;
    a.loaded_at = steady_instant{};
    a.decided_at = steady_now();
    return a;
  }

  const node_addresses addresses{.actor = "127.0.0.1:2", .http = "http://127.0.0.1:1"};
  journal_database db;
  metrics counters;
  std::atomic<int> times_fenced{0};
};

TEST_F(Node, TakesAnIncarnationAndItsRows) {
  const auto place = enter();
  ASSERT_TRUE(place) << place.error();
  EXPECT_TRUE(place->fenced.empty());
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM writers WHERE fenced_at IS NULL AND node = 'one'"),
            std::to_string(writer_rows_of(journal_settings{}).count()));
  EXPECT_EQ(db.watch.run("SELECT node || ' ' || http_address || ' ' || actor_address || ' ' || version FROM nodes"),
            "one http://127.0.0.1:1 127.0.0.1:2 test");
}

TEST_F(Node, IsRefusedWhereTheSchemaIsNotUpToDate) {
  db.watch.run("DELETE FROM schema_steps WHERE number = (SELECT max(number) FROM schema_steps)");
  const auto place = enter();
  ASSERT_FALSE(place);
  EXPECT_NE(place.error().find("keyrack migrate"), std::string::npos) << place.error();
}

TEST_F(Node, IsRefusedWhileAnotherProcessBeatsUnderItsName) {
  auto first = enter();
  ASSERT_TRUE(first) << first.error();
  const auto beats = beating(*first);
  const auto second = enter();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another process runs as node one"), std::string::npos) << second.error();
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM nodes"), "1");
  EXPECT_EQ(db.watch.run(fmt::format("SELECT count(*) FROM writers WHERE fenced_at IS NULL AND incarnation <> {}",
                                     first->incarnation)),
            "0");
  EXPECT_FALSE(beats->ended());
}

TEST_F(Node, LeavesNodesOfOtherNamesAlone) {
  auto first = enter("one");
  ASSERT_TRUE(first) << first.error();
  const auto beats = beating(*first);
  const auto second = enter("two");
  ASSERT_TRUE(second) << second.error();
  EXPECT_TRUE(second->fenced.empty());
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM nodes"), "2");
  EXPECT_FALSE(beats->ended());
}

// The kernel of a killed process closes its sockets: its heartbeat's backend goes, and that is evidence enough.
TEST_F(Node, DisplacesAtOnceAPredecessorWhoseHeartbeatConnectionIsGone) {
  std::int64_t old = 0;
  {
    const auto first = enter();
    ASSERT_TRUE(first) << first.error();
    old = first->incarnation;
  }
  const auto before = steady_now();
  const auto second = enter();
  ASSERT_TRUE(second) << second.error();
  EXPECT_LT(steady_now() - before, settings_of().heartbeat.grace);
  EXPECT_EQ(second->fenced, std::vector{old});
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM nodes"), "1");
  EXPECT_EQ(db.watch.run(fmt::format("SELECT count(*) FROM writers WHERE incarnation = {} AND fenced_at IS NULL", old)),
            "0");
}

// Frozen: connected, but its count stands still.
TEST_F(Node, DisplacesAFrozenPredecessorAfterTheGrace) {
  const auto frozen = enter();
  ASSERT_TRUE(frozen) << frozen.error();
  const auto before = steady_now();
  const auto second = enter();
  ASSERT_TRUE(second) << second.error();
  EXPECT_GE(steady_now() - before, settings_of().heartbeat.grace);
  EXPECT_EQ(second->fenced, std::vector{frozen->incarnation});
}

// With a statement executed and not ended: nobody gives its row back.
TEST_F(Node, DisplacesAPredecessorWhoseHeartbeatFrozeWithItsRowLocked) {
  const auto place = enter();
  ASSERT_TRUE(place) << place.error();
  raw_session frozen{db.database.settings(), application_name(place->incarnation, "heartbeat")};
  frozen.run("BEGIN");
  frozen.run("UPDATE nodes SET beat = beat + 1");
  const auto second = enter();
  ASSERT_TRUE(second) << second.error();
  EXPECT_EQ(second->fenced, std::vector{place->incarnation});
  EXPECT_EQ(db.watch.run("SELECT string_agg(incarnation::text, ' ') FROM nodes"), std::to_string(second->incarnation));
  EXPECT_THROW(frozen.run("COMMIT"), std::runtime_error);
}

TEST_F(Node, FreesItsShardsWhenItLeaves) {
  std::int64_t old = 0;
  {
    const auto first = enter();
    ASSERT_TRUE(first) << first.error();
    old = first->incarnation;
    db.watch.run(fmt::format("UPDATE shards SET owner = {} WHERE shard < 10", old));
    ASSERT_TRUE(leave_node(db.database.settings(), old));
  }
  const auto second = enter();
  ASSERT_TRUE(second) << second.error();
  EXPECT_TRUE(second->fenced.empty());
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM shards WHERE owner IS NULL AND version = 1"), "10");
  EXPECT_GT(second->incarnation, old);
}

TEST_F(Node, JudgesByEvidence) {
  constexpr auto grace = 2s;
  EXPECT_EQ(judge({.heartbeat_connected = false, .beats_since = 9, .still_for = 0s}, grace), judgement::fence);
  EXPECT_EQ(judge({.heartbeat_connected = true, .beats_since = 1, .still_for = 1s}, grace), judgement::wait);
  EXPECT_EQ(judge({.heartbeat_connected = true, .beats_since = 3, .still_for = 0s}, grace), judgement::alive);
  EXPECT_EQ(judge({.heartbeat_connected = true, .beats_since = 0, .still_for = 2s}, grace), judgement::fence);
}

TEST_F(Node, BeatsAndTellsTheDatabasesTime) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto beats = beating(*place);
  EXPECT_TRUE(beats->covers(decided_now()));
  ASSERT_TRUE(eventually([&] { return beat_of(place->incarnation) >= 3; }));
  auto c = db.database.connect();
  const auto before = beats->now();
  const auto clock = c.run({.name = "clock", .sql = "SELECT clock_timestamp()"}, {}, soon());
  ASSERT_TRUE(clock);
  EXPECT_GE(clock->timestamptz(0, 0), before - 1s);
  EXPECT_LE(clock->timestamptz(0, 0), beats->now() + 1s);
}

TEST_F(Node, LearnsFromItsNextBeatThatItIsFenced) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto beats = beating(*place);
  fence(place->incarnation);
  ASSERT_TRUE(eventually([&] { return times_fenced == 1; }));
  EXPECT_FALSE(beats->covers(decided_now()));
  std::promise<bool> answered;
  beats->await_beat(decided_now(), steady_now() + 10s, [&](bool covered) { answered.set_value(covered); });
  EXPECT_FALSE(answered.get_future().get());
}

TEST_F(Node, LearnsItFromOthersToo) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto beats = beating(*place);
  beats->learn_fenced("a slot said so");
  beats->learn_fenced("and another");
  EXPECT_EQ(times_fenced, 1);
  EXPECT_FALSE(beats->covers(decided_now()));
}

TEST_F(Node, BeatsAtOnceForWhoWaitsForIt) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  auto s = settings_of();
  s.heartbeat.period = 10s;
  heartbeat beats{*place,
                  {.database = s.database,
                   .settings = s.heartbeat,
                   .board = nullptr,
                   .counters = counters.heartbeat,
                   .on_fenced = {}}};
  ASSERT_TRUE(beats.start());
  for (int i = 0; i < 20; ++i) {
    leased fresh = decided_now();
    fresh.loaded_at = fresh.decided_at;  // loaded just now: no beat before covers it
    EXPECT_FALSE(beats.covers(fresh));
    std::promise<bool> answered;
    beats.await_beat(fresh, steady_now() + 10s, [&](bool covered) { answered.set_value(covered); });
    EXPECT_TRUE(answered.get_future().get());
    EXPECT_TRUE(beats.covers(fresh));
  }
}

TEST_F(Node, LetsNobodyWaitPastTheDeadlineOrItsEnd) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  auto beats = beating(*place);
  // Its row is locked: beats do not come back.
  raw_session holder{db.database.settings()};
  holder.run("BEGIN");
  holder.run("SELECT 1 FROM nodes FOR UPDATE");
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(place->incarnation, "heartbeat")); }));
  leased fresh = decided_now();
  fresh.loaded_at = fresh.decided_at;
  std::promise<bool> late;
  const auto asked = steady_now();
  beats->await_beat(fresh, asked + 100ms, [&](bool covered) { late.set_value(covered); });
  EXPECT_FALSE(late.get_future().get());
  EXPECT_LT(steady_now() - asked, 1s);

  std::promise<bool> ended;
  beats->await_beat(fresh, asked + 1h, [&](bool covered) { ended.set_value(covered); });
  beats.reset();
  EXPECT_FALSE(ended.get_future().get());
  EXPECT_EQ(times_fenced, 0);
}

TEST_F(Node, GoesOnBeatingWhenItsConnectionIsLost) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto beats = beating(*place);
  db.end_backends(application_name(place->incarnation, "heartbeat"));
  const auto seen = beat_of(place->incarnation);
  EXPECT_TRUE(eventually([&] { return beat_of(place->incarnation) >= seen + 3; }));
  EXPECT_EQ(times_fenced, 0);
}

// A beat vouches for all the node's writers.
TEST_F(Node, StopsBeatingWhileASlotMakesNoProgress) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto board = std::make_shared<slot_board>(2);
  const auto beats = beating(*place, board);
  board->set_working(1, steady_instant{0});
  auto& held_back = counters.heartbeat.beats.of({"held_back"});
  ASSERT_TRUE(eventually([&] { return held_back.value() >= 2; }));
  const auto stood_at = beat_of(place->incarnation);
  ASSERT_TRUE(eventually([&] { return held_back.value() >= 4; }));
  EXPECT_EQ(beat_of(place->incarnation), stood_at);
  board->set_idle(1);
  EXPECT_TRUE(eventually([&] { return beat_of(place->incarnation) > stood_at; }));
}

// After an outage every slot has had no progress for as long as it lasted. The heartbeat is back first, perhaps seconds before a
// slot: would it wait for that one, others who are back would fence the node.
TEST_F(Node, BeatsAgainAfterAnOutageBeforeItsSlotsHaveMadeProgress) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto board = std::make_shared<slot_board>(2);
  const auto beats = beating(*place, board);
  board->set_working(1, steady_instant{0});
  ASSERT_TRUE(eventually([&] { return counters.heartbeat.beats.of({"held_back"}).value() >= 1; }));
  const auto stood_at = beat_of(place->incarnation);
  db.end_backends(application_name(place->incarnation, "heartbeat"));
  EXPECT_TRUE(eventually([&] { return beat_of(place->incarnation) >= stood_at + 3; }));
  EXPECT_EQ(times_fenced, 0);
}

// No beat of its own can tell it, and others fence who does not beat.
TEST_F(Node, HearsOfItsFenceWhileASlotThatStandsStillHoldsItsBeatsBack) {
  auto place = enter();
  ASSERT_TRUE(place) << place.error();
  const auto board = std::make_shared<slot_board>(2);
  const auto beats = beating(*place, board);
  board->set_working(1, steady_instant{0});
  ASSERT_TRUE(eventually([&] { return counters.heartbeat.beats.of({"held_back"}).value() >= 1; }));
  EXPECT_FALSE(beats->ended());
  const auto stood_at = beat_of(place->incarnation);
  fence(place->incarnation);
  EXPECT_TRUE(eventually([&] { return times_fenced == 1; }));
  EXPECT_TRUE(beats->ended());
  EXPECT_EQ(beat_of(place->incarnation), stood_at);
}

}  // namespace
}  // namespace keyrack::persistence
