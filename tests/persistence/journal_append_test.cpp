// Goal: one statement appends for many hotels, each by itself, and never for a writer that has been fenced, whatever the
// order in which fence and append meet.
#include "actors/domain/shard.hpp"
#include "persistence/fence.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gtest/gtest.h>

#include <future>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

constexpr writer_id slot_0{.incarnation = 1, .slot = 0};

struct Append : ::testing::Test {
  Append() { db.enter(1); }

  std::expected<append_outcome, pg_error> append(pg_connection& c, const std::vector<queued_commit>& batch,
                                                 writer_id me = slot_0) {
    return append_commits(c, me, batch, soon());
  }
  std::expected<void, std::string> fence(std::int64_t incarnation, std::chrono::milliseconds lock_timeout = 10s) {
    auto c = db.database.connect("fencer");
    return fence_incarnation(c, incarnation, lock_timeout, soon());
  }

  journal_database db;
};

TEST_F(Append, WritesManyHotelsInOneStatement) {
  auto c = db.database.connect();
  std::vector<queued_commit> batch;
  for (std::uint64_t hotel = 1; hotel <= 100; ++hotel) batch.push_back(queued(sample_commit(hotel, 1, 1 + hotel % 3)));
  const auto outcome = append(c, batch);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(outcome->fenced);
  EXPECT_EQ(outcome->inserted, std::vector<bool>(100, true));
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM commits WHERE writer = 1"), "100");
  EXPECT_EQ(db.watch.run("SELECT count(DISTINCT xid) FROM commits"), "1");
  EXPECT_EQ(db.watch.run("SELECT shard FROM commits WHERE hotel_id = 7"), std::to_string(shard_of({7})));
  EXPECT_EQ(db.rows_of(5), "1-3 by 1");
}

TEST_F(Append, TellsAConflictFromItsNeighbours) {
  journal_database::insert_foreign(db.watch, 2, 1);
  auto c = db.database.connect();
  const auto outcome =
      append(c, {queued(sample_commit(1, 1, 1)), queued(sample_commit(2, 1, 1)), queued(sample_commit(3, 1, 1))});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->inserted, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(db.rows_of(2), "1-1 by 999");
}

TEST_F(Append, IsNotFencedWhenAllItsRowsConflict) {
  journal_database::insert_foreign(db.watch, 1, 1);
  auto c = db.database.connect();
  const auto outcome = append(c, {queued(sample_commit(1, 1, 1))});
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->fenced);
  EXPECT_EQ(outcome->inserted, std::vector<bool>{false});
}

TEST_F(Append, WritesPeopleAndNotesOnlyForCommitsThatWentIn) {
  journal_database::insert_foreign(db.watch, 2, 1);
  const auto with_people = [](std::uint64_t hotel) {
    auto c = sample_commit(hotel, 1, 1);
    c.personal = {sample_person(hotel, "Ada")};
    c.personal[0].notes = "late arrival";
    c.notes_of = {reservation_number{1}};
    return queued(std::move(c));
  };
  auto c = db.database.connect();
  const auto outcome = append(c, {with_people(1), with_people(2), queued(sample_commit(3, 1, 1))});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->inserted, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(db.watch.run("SELECT string_agg(hotel_id || ' ' || name, ', ') FROM guests"), "1 Ada");
  EXPECT_EQ(db.watch.run("SELECT string_agg(hotel_id || ' ' || number || ' ' || notes, ', ') FROM reservation_notes"),
            "1 1 late arrival");
}

TEST_F(Append, OfAFencedWriterInsertsNothing) {
  ASSERT_TRUE(fence(1));
  auto c = db.database.connect();
  const auto outcome = append(c, {queued(sample_commit(1, 1, 1))});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->fenced);
  EXPECT_EQ(db.rows_of(1), "");
}

// The append stands still behind another session's row, with its share lock taken.
TEST_F(Append, UnderWayIsWaitedForByTheFence) {
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 1, 1);
  auto appending = std::async(std::launch::async, [&] {
    auto c = db.database.connect("appender");
    return append(c, {queued(sample_commit(1, 1, 1)), queued(sample_commit(2, 1, 1))});
  });
  ASSERT_TRUE(eventually([&] { return db.waits("appender"); }));
  auto fencing = std::async(std::launch::async, [&] { return fence(1); });
  ASSERT_TRUE(eventually([&] { return db.waits("fencer"); }));
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM writers WHERE fenced_at IS NOT NULL"), "0");

  blocker.run("ROLLBACK");
  const auto outcome = appending.get();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->inserted, (std::vector<bool>{true, true}));
  EXPECT_TRUE(fencing.get());
  EXPECT_EQ(db.rows_of(2), "1-1 by 1");
}

TEST_F(Append, BehindAFenceThatIsNotCommittedYetInsertsNothing) {
  raw_session fencer{db.database.settings()};
  fencer.run("BEGIN");
  fencer.run("UPDATE writers SET fenced_at = clock_timestamp() WHERE incarnation = 1");
  auto appending = std::async(std::launch::async, [&] {
    auto c = db.database.connect("appender");
    return append(c, {queued(sample_commit(1, 1, 1))});
  });
  ASSERT_TRUE(eventually([&] { return db.waits("appender"); }));
  fencer.run("COMMIT");
  const auto outcome = appending.get();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->fenced);
  EXPECT_EQ(db.rows_of(1), "");
}

TEST_F(Append, BehindAFenceThatIsTakenBackGoesIn) {
  raw_session fencer{db.database.settings()};
  fencer.run("BEGIN");
  fencer.run("UPDATE writers SET fenced_at = clock_timestamp() WHERE incarnation = 1");
  auto appending = std::async(std::launch::async, [&] {
    auto c = db.database.connect("appender");
    return append(c, {queued(sample_commit(1, 1, 1))});
  });
  ASSERT_TRUE(eventually([&] { return db.waits("appender"); }));
  fencer.run("ROLLBACK");
  const auto outcome = appending.get();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->inserted, std::vector<bool>{true});
}

TEST_F(Append, OfASlotThatEnlistsAfterTheFenceInsertsNothing) {
  ASSERT_TRUE(fence(1));
  auto c = db.database.connect();
  const auto enlisted = enlist_writer(c, slot_0, soon());
  ASSERT_TRUE(enlisted) << enlisted.error().message;
  EXPECT_FALSE(*enlisted);
  const auto outcome = append(c, {queued(sample_commit(1, 1, 1))});
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->fenced);
}

TEST_F(Append, OfASlotWithoutARowInsertsNothingAndMakesNone) {
  auto c = db.database.connect();
  constexpr writer_id stranger{.incarnation = 77, .slot = 0};
  const auto enlisted = enlist_writer(c, stranger, soon());
  ASSERT_TRUE(enlisted);
  EXPECT_FALSE(*enlisted);
  const auto outcome = append(c, {queued(sample_commit(1, 1, 1))}, stranger);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->fenced);
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM writers WHERE incarnation = 77"), "0");
}

TEST_F(Append, WaitsForDurabilityWhateverTheRolesDefaultBecomes) {
  auto c = db.database.connect();
  run_sql(c, "SET synchronous_commit = off");
  ASSERT_TRUE(enlist_writer(c, slot_0, soon()));
  const auto now = c.run({.name = "sc", .sql = "SELECT current_setting('synchronous_commit')"}, {}, soon());
  ASSERT_TRUE(now);
  EXPECT_EQ(now->bytes(0, 0), "on");
}

TEST_F(Append, IsLookedForByWriterNumbersAndBytes) {
  auto c = db.database.connect();
  ASSERT_TRUE(append(c, {queued(sample_commit(1, 1, 2)), queued(sample_commit(2, 1, 1))}));
  journal_database::insert_foreign(db.watch, 3, 1);
  journal_database::insert_foreign(db.watch, 4, 1, 1);  // this incarnation's, with other bytes
  const std::vector<queued_commit> batch{queued(sample_commit(1, 1, 2)), queued(sample_commit(2, 1, 2)),
                                         queued(sample_commit(3, 1, 1)), queued(sample_commit(4, 1, 1)),
                                         queued(sample_commit(5, 1, 1))};
  const auto found = look_for(c, slot_0, batch, soon());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, (std::vector{found_commit::mine, found_commit::foreign, found_commit::foreign,
                                 found_commit::foreign, found_commit::absent}));
}

TEST_F(Append, FenceOfAnIncarnationWithoutRowsIsAnError) {
  const auto fenced = fence(4711);
  ASSERT_FALSE(fenced);
  EXPECT_NE(fenced.error().find("no row"), std::string::npos) << fenced.error();
}

TEST_F(Append, FenceAgainChangesNothing) {
  constexpr auto when = "SELECT string_agg(fenced_at::text, ', ' ORDER BY slot) FROM writers WHERE incarnation = 1";
  ASSERT_TRUE(fence(1));
  const auto first = db.watch.run(when);
  ASSERT_TRUE(fence(1));
  EXPECT_EQ(db.watch.run(when), first);
}

// A frozen process: its statement has taken the share lock, and nobody will ever end its transaction.
TEST_F(Append, FenceEndsAFrozenWriterThatHoldsTheLock) {
  raw_session frozen{db.database.settings(), application_name(1, "slot-1")};
  frozen.run("BEGIN");
  frozen.run("SELECT 1 FROM writers WHERE incarnation = 1 AND slot = 1 AND fenced_at IS NULL FOR SHARE");
  const auto fenced = fence(1, 50ms);
  ASSERT_TRUE(fenced) << fenced.error();
  EXPECT_THROW(frozen.run("COMMIT"), std::runtime_error);
}

TEST_F(Append, FenceSparesTheBackendsOfOtherIncarnations) {
  db.enter(12);
  raw_session other{db.database.settings(), application_name(12, "slot-1")};
  raw_session frozen{db.database.settings(), application_name(1, "slot-1")};
  frozen.run("BEGIN");
  frozen.run("SELECT 1 FROM writers WHERE incarnation = 1 AND slot = 1 FOR SHARE");
  ASSERT_TRUE(fence(1, 50ms));
  EXPECT_EQ(other.run("SELECT 1"), "1");
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM writers WHERE incarnation = 12 AND fenced_at IS NOT NULL"), "0");
}

}  // namespace
}  // namespace keyrack::persistence
