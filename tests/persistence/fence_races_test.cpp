// Goal: who has lost a place, a role or a shard has lost it whatever was under way at that moment: slots that come after the fence,
// beats that were executed before and committed after, nodes and coordinators that froze with their locks.
#include "persistence/cluster_rows.hpp"
#include "persistence/heartbeat.hpp"
#include "tests/persistence/fence_stage.hpp"

#include <gtest/gtest.h>

#include <future>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

struct FenceRaces : fence_stage {};

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

}  // namespace
}  // namespace keyrack::persistence
