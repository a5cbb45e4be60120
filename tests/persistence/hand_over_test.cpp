// Goal: a shard is handed over once, or not at all, whatever meets the statement: a call-off, a fence, an end of its backend or
// of its answer; and until it is, the slot counts as at work.
#include "persistence/cluster_rows.hpp"
#include "persistence/shard_rows.hpp"
#include "tests/persistence/fence_stage.hpp"

#include <gtest/gtest.h>

#include <future>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

/// Shard 7 on its way from incarnation 1 to 2, at version 5; a coordinator at work.
struct HandOver : fence_stage {
  HandOver() {
    db.watch.run("SELECT setval('incarnations', 10)");
    db.enter(1, running_journal::quick());
    db.enter(2, running_journal::quick());
    db.watch.run("UPDATE shards SET owner = 1, target = 2, version = 5 WHERE shard = 7");
    db.watch.run("INSERT INTO moves (shard, from_node, to_node, reason, begun_at, outcome) "
                 "VALUES (7, 'one', 'two', 'test', clock_timestamp(), 'moving')");
  }
  std::string row() {
    return db.watch.run("SELECT concat_ws(' ', owner, coalesce(target, 0), version) FROM shards WHERE shard = 7");
  }
  std::string move() { return db.watch.run("SELECT outcome FROM moves WHERE shard = 7"); }
  std::vector<bool> write(const std::string& name = "giver") {
    auto c = db.database.connect(name);
    const auto done = write_hand_overs(c, {.incarnation = 1, .slot = 0}, {what}, soon());
    if (!done) throw std::runtime_error(done.error().message);
    return *done;
  }

  const hand_over what{.shard = 7, .version = 5, .target = 2};
};

/// The owner writes and the coordinator calls off at once: whoever began first stands still before its commit.
struct HandOverAndCallOff : HandOver {
  HandOverAndCallOff() {
    const auto taken = store->take_role({});
    if (!taken) throw std::runtime_error(taken.error());
    term = *taken;
  }
  std::future<std::vector<bool>> writing() {
    auto later = std::async(std::launch::async, [this] { return write(); });
    EXPECT_TRUE(eventually([&] { return db.waits("giver"); }));
    return later;
  }
  std::future<std::expected<int, std::string>> calling_off() {
    auto later = std::async(std::launch::async, [this] { return store->call_off(term, {{7, 5, "too late"}}); });
    EXPECT_TRUE(eventually([&] { return db.waits(application_name(place.incarnation, "membership")); }));
    return later;
  }

  const settings s = settings_of("three");
  const registration place = enter(s);
  const std::unique_ptr<cluster_store> store = make_cluster_store(s, place.incarnation, place.lineage);
  std::int64_t term = 0;
};

TEST_F(HandOverAndCallOff, IsRefusedWhenTheMoveWasCalledOffAMomentBefore) {
  commit_latch latch{db, "shards"};
  auto called_off = calling_off();
  auto written = writing();
  latch.release();
  EXPECT_EQ(called_off.get(), 1);
  EXPECT_EQ(written.get(), std::vector<bool>{false});
  EXPECT_EQ(row(), "1 0 6");
  EXPECT_EQ(move(), "called off");
}

TEST_F(HandOverAndCallOff, StandsWhenTheMoveIsCalledOffAMomentLater) {
  commit_latch latch{db, "shards"};
  auto written = writing();
  auto called_off = calling_off();
  latch.release();
  EXPECT_EQ(written.get(), std::vector<bool>{true});
  EXPECT_EQ(called_off.get(), 0);
  EXPECT_EQ(row(), "2 0 6");
  EXPECT_EQ(move(), "moved");
}

TEST_F(HandOver, OfAFencedOwnerChangesNothing) {
  ASSERT_TRUE(fence(1));
  EXPECT_EQ(write(), std::vector<bool>{false});
  EXPECT_EQ(row(), "1 2 5");
  running_journal journal{db};
  journal.ask_to_hand_over(what);
  EXPECT_EQ(journal.handed_over(), false);
  EXPECT_EQ(row(), "1 2 5");
}

TEST_F(HandOver, OfAShardThatHasNoOwnerAnyMoreIsOver) {
  db.watch.run("UPDATE shards SET owner = NULL, target = NULL, version = 6 WHERE shard = 7");
  EXPECT_EQ(write(), std::vector<bool>{true});
}

TEST_F(HandOver, IsWrittenAgainWhenItsBackendEndedBeforeTheCommit) {
  running_journal journal{db};
  commit_latch latch{db, "shards"};
  journal.ask_to_hand_over(what);
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0")); }));
  db.end_backends(application_name(1, "slot-0"));
  latch.release();
  EXPECT_EQ(journal.handed_over(), true);
  EXPECT_EQ(row(), "2 0 6");
  EXPECT_EQ(move(), "moved");
}

// The call-off comes between the attempt that was lost and the next one, which looks before the owner goes on.
TEST_F(HandOver, IsNotWrittenAgainWhenTheMoveWasCalledOffMeanwhile) {
  running_journal journal{db};
  commit_latch latch{db, "shards"};
  journal.ask_to_hand_over(what);
  const auto slot = application_name(1, "slot-0");
  ASSERT_TRUE(eventually([&] { return db.waits(slot); }));
  raw_session doorman{db.database.settings()};
  doorman.run("BEGIN");
  // The statement holds its share lock; so does this, and the new connection's enlisting waits for it.
  doorman.run("SELECT 1 FROM writers WHERE incarnation = 1 AND slot = 0 FOR SHARE");
  const auto first = db.watch.run("SELECT pid FROM pg_stat_activity WHERE application_name = '" + slot + "'");
  db.end_backends(slot);
  ASSERT_TRUE(eventually([&] {
    return db.watch.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + slot + "' AND pid <> " +
                        first + " AND wait_event_type = 'Lock'") == "1";
  }));
  latch.release();
  db.watch.run("UPDATE shards SET target = NULL, version = version + 1 WHERE shard = 7");
  doorman.run("ROLLBACK");
  EXPECT_EQ(journal.handed_over(), false);
  EXPECT_EQ(row(), "1 0 6");
}

// The heartbeat vouches for a slot that has nothing but a hand-over, too: served by nobody, the shard is somebody's to fence.
TEST_F(HandOver, IsWorkOfItsSlotUntilItIsWritten) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  ASSERT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::applied);
  ASSERT_TRUE(eventually([&] { return !journal.at_work(); }));
  raw_session holder{db.database.settings()};
  holder.run("BEGIN");
  holder.run("SELECT 1 FROM shards WHERE shard = 7 FOR UPDATE");
  journal.ask_to_hand_over(what);
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0")); }));
  EXPECT_EQ(journal.at_work(), 0);
  holder.run("ROLLBACK");
  EXPECT_EQ(journal.handed_over(), true);
  EXPECT_TRUE(eventually([&] { return !journal.at_work(); }));
}

// Until the session's transaction ends it cannot enlist.
void keep_the_other_slot_unsettled(raw_session& holder) {
  holder.run("BEGIN");
  holder.run("SELECT 1 FROM writers WHERE incarnation = 1 AND slot = 1 FOR UPDATE");
}

TEST_F(HandOver, IsWorkOfItsSlotWhileItWaitsForTheOthers) {
  raw_session holder{db.database.settings()};
  keep_the_other_slot_unsettled(holder);
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  journal.ask_to_hand_over(what);
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 2, 2)), append_result::applied);  // the slot gets on with all else
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 3, 3)), append_result::applied);
  EXPECT_EQ(journal.at_work(), 0);
  EXPECT_EQ(journal.handed_over(0ms), std::nullopt);
  EXPECT_EQ(row(), "1 2 5");
  holder.run("ROLLBACK");
  EXPECT_EQ(journal.handed_over(), true);
  EXPECT_EQ(row(), "2 0 6");
}

// Nobody settles those any more: the region is answered when the slot knows that nothing of its own can be written.
TEST_F(HandOver, OfAFencedOwnerWaitsForNoOtherSlot) {
  raw_session holder{db.database.settings()};
  keep_the_other_slot_unsettled(holder);
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  journal.ask_to_hand_over(what);
  db.watch.run("UPDATE writers SET fenced_at = clock_timestamp() WHERE incarnation = 1 AND slot = 0");
  EXPECT_EQ(journal.append_and_wait(sample_commit(2, 2, 2)), append_result::fenced);
  EXPECT_EQ(journal.handed_over(), false);
  EXPECT_EQ(row(), "1 2 5");
  EXPECT_TRUE(eventually([&] { return journal.at_work() == 1; }));  // the other one alone still stands still
  holder.run("ROLLBACK");
}

/// These change the whole server, and so have one of their own.
struct HandOverOnItsServer : ::testing::Test {
  postgres_server server;
  journal_database db{server.url()};

  void expect_standby(const std::string& name) {
    db.watch.run("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
    db.watch.run("SELECT pg_reload_conf()");
    ASSERT_TRUE(eventually([&] {
      raw_session fresh{db.database.settings()};
      return fresh.run("SHOW synchronous_standby_names") == name;
    }));
  }
};

// It was committed and its answer lost: the next attempt finds that out, and gives nothing twice.
TEST_F(HandOverOnItsServer, FindsWhatTheLostAttemptHasDone) {
  db.enter(1, running_journal::quick());
  db.enter(2, running_journal::quick());
  db.watch.run("UPDATE shards SET owner = 1, target = 2, version = 5 WHERE shard = 7");
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  ASSERT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::applied);  // both slots are settled
  expect_standby("nowhere");
  journal.ask_to_hand_over({.shard = 7, .version = 5, .target = 2});
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0"), "SyncRep"); }));
  db.end_backends(application_name(1, "slot-0"));
  constexpr auto row = "SELECT concat_ws(' ', owner, coalesce(target, 0), version) FROM shards WHERE shard = 7";
  ASSERT_TRUE(eventually([&] { return db.watch.run(row) == "2 0 6"; }));  // visible, and not durable
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0"), "SyncRep"); }));  // it asks anew
  EXPECT_EQ(journal.handed_over(0ms), std::nullopt);
  expect_standby("");
  EXPECT_EQ(journal.handed_over(), true);
  EXPECT_EQ(db.watch.run(row), "2 0 6");
}

}  // namespace
}  // namespace keyrack::persistence
