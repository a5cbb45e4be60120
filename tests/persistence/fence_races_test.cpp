// Goal: who has lost a place, a role or a shard has lost it whatever was under way at that moment: slots that come after the fence,
// beats and hand-overs that were executed before and committed after, coordinators that froze with their locks.
#include "persistence/cluster_rows.hpp"
#include "persistence/fence.hpp"
#include "persistence/heartbeat.hpp"
#include "persistence/shard_rows.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gtest/gtest.h>

#include <future>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

/// Who changes a row of `table` stops before its commit, with everything executed, as long as this is held.
class commit_latch {
public:
  commit_latch(journal_database& db, const std::string& table) : holder_(db.database.settings(), "latch") {
    db.watch.run("CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS "
                 "'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NULL; END'");
    db.watch.run("CREATE CONSTRAINT TRIGGER latch AFTER UPDATE ON " + table +
                 " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stop_here()");
    holder_.run("SELECT pg_advisory_lock(77)");
  }
  void release() { holder_.run("SELECT pg_advisory_unlock(77)"); }

private:
  raw_session holder_;
};

struct FenceRaces : ::testing::Test {
  settings settings_of(const std::string& name, std::chrono::milliseconds lock_timeout = 20s) const {
    settings s;
    s.node.name = name;
    s.database = db.database.settings();
    s.database.statement_timeout = 20s;
    s.database.lock_timeout = lock_timeout;
    s.heartbeat.grace = 600ms;
    return s;
  }
  registration enter(const settings& s) {
    auto place = register_node(s, "test", {.actor = "127.0.0.1:2", .http = "http://127.0.0.1:1"});
    if (!place) throw std::runtime_error(place.error());
    return std::move(*place);
  }
  std::expected<void, std::string> fence(std::int64_t incarnation) {
    auto c = db.database.connect("fencer");
    return fence_incarnation(c, incarnation, 10s, soon());
  }
  std::string rows_of_writer(std::int64_t incarnation) {
    return db.watch.run(fmt::format("SELECT count(*) FROM writers WHERE incarnation = {}", incarnation));
  }
  static leased decided_now() {
    leased a;
    a.decided_at = steady_now();
    return a;
  }

  journal_database db;
};

// A fence cannot fence rows that are not there: so nobody makes them afterwards.
TEST_F(FenceRaces, SlotsThatEnlistAfterTheFenceAreFenced) {
  db.enter(1, running_journal::quick());
  ASSERT_TRUE(fence(1));
  const auto rows = rows_of_writer(1);
  running_journal journal{db};
  EXPECT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::fenced);
  EXPECT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::fenced);
  EXPECT_EQ(rows_of_writer(1), rows);
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM writers WHERE fenced_at IS NULL"), "0");
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM commits"), "0");
}

TEST_F(FenceRaces, ASlotWhoseRowIsMissingIsFencedAndMakesNone) {
  db.enter(1, running_journal::quick());
  db.watch.run("DELETE FROM writers WHERE incarnation = 1 AND slot = 1");
  ASSERT_TRUE(fence(1));  // which never saw that slot
  const auto rows = rows_of_writer(1);
  running_journal journal{db};
  EXPECT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::fenced);
  EXPECT_EQ(rows_of_writer(1), rows);
  EXPECT_EQ(db.rows_of(3), "");
}

TEST_F(FenceRaces, ASlotWhoseRowGoesMissingBetweenTwoConnectionsMakesNoneEither) {
  db.enter(1, running_journal::quick());
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::applied);
  db.watch.run("DELETE FROM writers WHERE incarnation = 1 AND slot = 1");
  const auto rows = rows_of_writer(1);
  db.end_backends(application_name(1, "slot-1"));
  EXPECT_EQ(journal.append_and_wait(sample_commit(3, 2, 2)), append_result::fenced);
  EXPECT_EQ(rows_of_writer(1), rows);
}

// It vouches for what was decided before it was sent, and for a lease from then on; never from when it came back.
TEST_F(FenceRaces, ABeatThatCommitsAfterTheFenceVouchesForNothingLater) {
  auto s = settings_of("one");
  s.heartbeat.period = 1h;
  s.heartbeat.answer_timeout = 20s;
  s.heartbeat.lease = 200ms;
  auto place = enter(s);
  metrics counters;
  std::atomic<int> times_fenced{0};
  heartbeat beats{place,
                  {.database = s.database,
                   .settings = s.heartbeat,
                   .board = nullptr,
                   .counters = counters.heartbeat,
                   .on_fenced = [&](std::string_view) { ++times_fenced; }}};
  ASSERT_TRUE(beats.start());
  commit_latch latch{db, "nodes"};
  std::promise<bool> answered;
  const auto before = decided_now();
  ASSERT_TRUE(eventually([&] { return !beats.covers(before); }));  // the first beat's lease is over
  beats.await_beat(before, steady_now() + 20s, [&](bool covered) { answered.set_value(covered); });
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(place.incarnation, "heartbeat")); }));
  ASSERT_TRUE(fence(place.incarnation));
  const auto fenced_at = steady_now();
  const auto after = decided_now();
  ASSERT_TRUE(eventually([&] { return steady_now() > fenced_at + s.heartbeat.lease; }));

  latch.release();
  EXPECT_TRUE(answered.get_future().get());  // its snapshot is older than the fence, and the decision than it
  EXPECT_FALSE(beats.covers(after));
  EXPECT_EQ(times_fenced, 0);  // that beat could not know

  std::promise<bool> again;
  beats.await_beat(after, steady_now() + 20s, [&](bool covered) { again.set_value(covered); });
  EXPECT_FALSE(again.get_future().get());
  EXPECT_EQ(times_fenced, 1);
}

// A frozen coordinator: a statement of its was executed, and nobody ends the transaction that holds role and place.
TEST_F(FenceRaces, TheRoleIsTakenFromAFrozenCoordinatorThatHoldsItsLocks) {
  const auto s = settings_of("one", 50ms);
  const auto one = enter(s);
  const auto two = enter(settings_of("two", 50ms));
  const auto first = make_cluster_store(s, one.incarnation, one.lineage);
  const auto second = make_cluster_store(settings_of("two", 50ms), two.incarnation, two.lineage);
  const auto term = first->take_role({});
  ASSERT_TRUE(term) << term.error();
  raw_session frozen{db.database.settings(), application_name(one.incarnation, "membership")};
  frozen.run("BEGIN");
  frozen.run(
      fmt::format("SELECT 1 FROM writers WHERE incarnation = {} AND fenced_at IS NULL FOR SHARE", one.incarnation));
  frozen.run(fmt::format("SELECT term FROM coordinator WHERE holder = {} FOR SHARE", one.incarnation));
  frozen.run("SELECT shard FROM shards WHERE shard < 5 ORDER BY shard FOR UPDATE");

  const auto seen = second->read();
  ASSERT_TRUE(seen) << seen.error();
  const auto next = second->take_role(seen->coordinator);
  ASSERT_TRUE(next) << next.error();
  EXPECT_EQ(*next, *term + 1);
  EXPECT_THROW(frozen.run("COMMIT"), std::runtime_error);
  const std::vector<gift> gifts{
      {.shard = 3, .version = seen->shards[3].version, .to = two.incarnation, .after_fence = true}};
  // Woken, it neither has the role nor gives anything away; its own connection was ended, so it may have to ask twice.
  EXPECT_TRUE(eventually([&] { return first->renew_role(*term) == std::expected<bool, std::string>{false}; }));
  EXPECT_EQ(first->give(*term, gifts), 0);
  EXPECT_EQ(second->give(*next, gifts), 1);
  const auto fenced = second->fence(one.incarnation, "test");
  EXPECT_TRUE(fenced) << fenced.error();
  EXPECT_EQ(first->take_role(second->read()->coordinator), 0);
}

// Its heartbeat froze with a beat executed and not ended: that holds no row of `writers`, so its fence does not meet it.
TEST_F(FenceRaces, ANodeIsRemovedWhoseFrozenHeartbeatHoldsItsRow) {
  const auto one = enter(settings_of("one"));
  const auto s = settings_of("two", 50ms);
  const auto two = enter(s);
  const auto store = make_cluster_store(s, two.incarnation, two.lineage);
  raw_session frozen{db.database.settings(), application_name(one.incarnation, "heartbeat")};
  frozen.run("BEGIN");
  frozen.run(fmt::format("UPDATE nodes SET beat = beat + 1 WHERE incarnation = {}", one.incarnation));
  const auto fenced = store->fence(one.incarnation, "silence");
  ASSERT_TRUE(fenced) << fenced.error();
  EXPECT_EQ(db.watch.run("SELECT string_agg(node, ' ') FROM nodes"), "two");
  EXPECT_EQ(db.watch.run("SELECT string_agg(DISTINCT fenced_for, ' ') FROM writers WHERE fenced_at IS NOT NULL"),
            "silence");
  EXPECT_THROW(frozen.run("COMMIT"), std::runtime_error);
}

/// Shard 7 on its way from incarnation 1 to 2, at version 5; a coordinator at work.
struct HandOver : FenceRaces {
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

TEST_F(HandOver, IsRefusedWhenTheMoveWasCalledOffAMomentBefore) {
  const auto s = settings_of("three");
  const auto place = enter(s);
  const auto store = make_cluster_store(s, place.incarnation, place.lineage);
  const auto term = store->take_role({});
  ASSERT_TRUE(term) << term.error();
  commit_latch latch{db, "shards"};
  auto calling_off = std::async(std::launch::async, [&] { return store->call_off(*term, {{7, 5, "too late"}}); });
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(place.incarnation, "membership")); }));
  auto writing = std::async(std::launch::async, [&] { return write(); });
  ASSERT_TRUE(eventually([&] { return db.waits("giver"); }));
  latch.release();
  EXPECT_EQ(calling_off.get(), 1);
  EXPECT_EQ(writing.get(), std::vector<bool>{false});
  EXPECT_EQ(row(), "1 0 6");
  EXPECT_EQ(move(), "called off");
}

TEST_F(HandOver, StandsWhenTheMoveIsCalledOffAMomentLater) {
  const auto s = settings_of("three");
  const auto place = enter(s);
  const auto store = make_cluster_store(s, place.incarnation, place.lineage);
  const auto term = store->take_role({});
  ASSERT_TRUE(term) << term.error();
  commit_latch latch{db, "shards"};
  auto writing = std::async(std::launch::async, [&] { return write(); });
  ASSERT_TRUE(eventually([&] { return db.waits("giver"); }));
  auto calling_off = std::async(std::launch::async, [&] { return store->call_off(*term, {{7, 5, "too late"}}); });
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(place.incarnation, "membership")); }));
  latch.release();
  EXPECT_EQ(writing.get(), std::vector<bool>{true});
  EXPECT_EQ(calling_off.get(), 0);
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

TEST_F(HandOver, IsWorkOfItsSlotWhileItWaitsForTheOthers) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  ASSERT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::applied);
  journal.environment->board->set_settled(1, false);  // as with a commit in doubt
  journal.ask_to_hand_over(what);
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 2, 2)), append_result::applied);  // the slot gets on with all else
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 3, 3)), append_result::applied);
  EXPECT_EQ(journal.at_work(), 0);
  EXPECT_EQ(journal.handed_over(0ms), std::nullopt);
  EXPECT_EQ(row(), "1 2 5");
  journal.environment->board->set_settled(1, true);
  EXPECT_EQ(journal.handed_over(), true);
  EXPECT_EQ(row(), "2 0 6");
}

// Nobody settles those any more: the region is answered when the slot knows that nothing of its own can be written.
TEST_F(HandOver, OfAFencedOwnerWaitsForNoOtherSlot) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  ASSERT_EQ(journal.append_and_wait(sample_commit(3, 1, 1)), append_result::applied);
  journal.environment->board->set_settled(1, false);
  journal.ask_to_hand_over(what);
  ASSERT_TRUE(fence(1));
  EXPECT_EQ(journal.append_and_wait(sample_commit(2, 2, 2)), append_result::fenced);
  EXPECT_EQ(journal.handed_over(), false);
  EXPECT_EQ(row(), "1 2 5");
  EXPECT_TRUE(eventually([&] { return !journal.at_work(); }));
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
