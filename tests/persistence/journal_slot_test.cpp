// Goal: whatever becomes of connection, backend or server, a slot's answer is true: applied is there, for ever and by this
// writer; everything else but `unknown` is not.
#include "persistence/fence.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

struct JournalSlot : ::testing::Test {
  JournalSlot() { db.enter(1, running_journal::quick()); }

  static std::string name_of(std::uint64_t hotel) { return application_name(1, hotel % 2 == 0 ? "slot-0" : "slot-1"); }

  journal_database db;
};

TEST_F(JournalSlot, AppendsAndAnswersTheSender) {
  running_journal journal{db};
  EXPECT_EQ(journal.append_and_wait(sample_commit(1, 1, 2)), append_result::applied);
  EXPECT_EQ(journal.append_and_wait(sample_commit(1, 3, 3)), append_result::applied);
  EXPECT_EQ(db.rows_of(1), "1-2 by 1, 3-3 by 1");
}

TEST_F(JournalSlot, TakesAllThatIsQueuedIntoOneStatement) {
  running_journal journal{db};
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 1);
  journal.append(sample_commit(2, 1, 1));
  ASSERT_TRUE(eventually([&] { return db.waits(name_of(2)); }));
  for (std::uint64_t hotel = 4; hotel <= 200; hotel += 2) journal.append(sample_commit(hotel, 1, 1));
  blocker.run("ROLLBACK");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(journal.next_done().value().result, append_result::applied);
  EXPECT_EQ(db.watch.run("SELECT count(DISTINCT xid) FROM commits"), "2");
}

TEST_F(JournalSlot, KeepsNeighboursOfAConflictAndOfAPoisonedCommit) {
  running_journal journal{db};
  journal_database::insert_foreign(db.watch, 4, 1);
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 1);
  journal.append(sample_commit(2, 1, 1));
  ASSERT_TRUE(eventually([&] { return db.waits(name_of(2)); }));
  // From here on they wait for each other's batch: a conflict, a name that PostgreSQL does not take, and healthy ones.
  for (std::uint64_t hotel = 4; hotel <= 40; hotel += 2) {
    auto c = sample_commit(hotel, 1, hotel);  // so that an answer's number says whose it is
    for (auto& e : c.events) e.seq = hotel;
    c.events = {c.events.front()};
    if (hotel == 4) c.events.front().seq = 1;
    if (hotel == 10) {
      c.personal = {sample_person(10, std::string{"\xff not UTF-8", 11})};
      c.notes_of = {reservation_number{1}};
    }
    journal.append(std::move(c));
  }
  blocker.run("ROLLBACK");
  std::map<std::uint64_t, append_result> results;
  EXPECT_EQ(journal.next_done().value().result, append_result::applied);
  for (std::uint64_t hotel = 4; hotel <= 40; hotel += 2) {
    const auto done = journal.next_done().value();
    results[done.first_seq] = done.result;
  }
  for (std::uint64_t hotel = 6; hotel <= 40; hotel += 2) {
    EXPECT_EQ(results[hotel], hotel == 10 ? append_result::refused : append_result::applied) << hotel;
  }
  EXPECT_EQ(results[1], append_result::conflict);
  EXPECT_EQ(db.rows_of(10), "");
  EXPECT_EQ(db.watch.run("SELECT count(*) FROM guests"), "0");
}

TEST_F(JournalSlot, AppendsAgainWhatAnEndedBackendDidNotApply) {
  running_journal journal{db};
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 1);
  journal.append(sample_commit(2, 1, 1));
  ASSERT_TRUE(eventually([&] { return db.waits(name_of(2)); }));
  const auto first_pid = db.watch.run("SELECT backend FROM writers WHERE incarnation = 1 AND slot = 0");
  db.end_backends(name_of(2));
  ASSERT_TRUE(eventually(
      [&] { return db.watch.run("SELECT backend FROM writers WHERE incarnation = 1 AND slot = 0") != first_pid; }));
  ASSERT_TRUE(eventually([&] { return db.waits(name_of(2)); }));
  blocker.run("ROLLBACK");
  EXPECT_EQ(journal.next_done().value().result, append_result::applied);
  EXPECT_EQ(db.rows_of(2), "1-1 by 1");
  EXPECT_EQ(journal.counters.journal.doubts_ended.of({"appended_again"}).value(), 1U);
}

// No answer within append_timeout: the backend still waits, and would insert its row one day if nobody ended it.
TEST_F(JournalSlot, EndsItsOwnOldBackendBeforeItLooks) {
  auto settings = running_journal::quick();
  settings.append_timeout = 200ms;
  running_journal journal{db, 1, settings};
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 1);
  journal.append(sample_commit(2, 1, 1));
  ASSERT_TRUE(eventually([&] { return journal.counters.journal.in_doubt.value() >= 1; }));
  EXPECT_LE(db.watch.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + name_of(2) + "'"), "2");
  blocker.run("ROLLBACK");
  const auto done = journal.next_done();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->result, append_result::applied);
  EXPECT_EQ(db.rows_of(2), "1-1 by 1");
}

TEST_F(JournalSlot, DoesNotTakeSomebodyElsesRowForItsOwn) {
  running_journal journal{db};
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 1);
  journal.append(sample_commit(2, 1, 1));
  ASSERT_TRUE(eventually([&] { return db.waits(name_of(2)); }));
  db.end_backends(name_of(2));
  blocker.run("COMMIT");
  EXPECT_EQ(journal.next_done().value().result, append_result::conflict);
  EXPECT_EQ(db.rows_of(2), "1-1 by 999");
}

TEST_F(JournalSlot, AnswersFencedAndTellsTheNode) {
  auto settings = running_journal::quick();
  settings.slots = 1;  // another would tell it, too
  running_journal journal{db, 1, settings};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  auto c = db.database.connect();
  ASSERT_TRUE(fence_incarnation(c, 1, 1s, soon()));
  EXPECT_EQ(journal.append_and_wait(sample_commit(2, 2, 2)), append_result::fenced);
  EXPECT_EQ(journal.append_and_wait(sample_commit(4, 1, 1)), append_result::fenced);
  EXPECT_EQ(journal.times_fenced, 1);
  EXPECT_EQ(db.rows_of(2), "1-1 by 1");
}

// The doubt is settled even for a fenced slot: what is there was applied, what is not never will be.
TEST_F(JournalSlot, FindsItselfFencedWhenItComesBackFromADoubt) {
  running_journal journal{db};
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 1);
  journal.append(sample_commit(2, 1, 1));
  ASSERT_TRUE(eventually([&] { return db.waits(name_of(2)); }));
  auto c = db.database.connect();
  ASSERT_TRUE(fence_incarnation(c, 1, 50ms, soon()));  // which ends the slot's backend
  EXPECT_EQ(journal.next_done().value().result, append_result::fenced);
  blocker.run("ROLLBACK");
  EXPECT_EQ(db.rows_of(2), "");
  EXPECT_EQ(journal.times_fenced, 1);
}

TEST_F(JournalSlot, RefusesToWorkAtAnotherServer) {
  running_journal right{db};
  ASSERT_EQ(right.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  db.enter(2, running_journal::quick());
  running_journal journal{db, 2};
  ASSERT_EQ(journal.append_and_wait(sample_commit(6, 1, 1)), append_result::applied);
  ASSERT_EQ(journal.append_and_wait(sample_commit(7, 1, 1)), append_result::applied);  // the other slot is enlisted too
  journal.environment->lineage.timeline += 1;  // as if the server had been promoted behind its back
  db.end_backends(application_name(2, "slot-0"));
  EXPECT_THAT(journal.append_and_wait(sample_commit(4, 1, 1)), append_result::fenced);
  EXPECT_EQ(journal.times_fenced, 1);
  EXPECT_EQ(db.rows_of(4), "");
}

TEST_F(JournalSlot, AnswersWhatItHasWhenItEnds) {
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  blocker.run("UPDATE writers SET backend = 0");  // nobody can enlist meanwhile
  std::optional<append_done> done;
  {
    running_journal journal{db};
    journal.append(sample_commit(2, 1, 1));
    journal.end_slots();
    done = journal.next_done();
  }
  ASSERT_TRUE(done);
  EXPECT_EQ(done->result, append_result::refused);
}

/// These change or end the whole server, and so have one of their own.
struct JournalSlotOnItsServer : ::testing::Test {
  static void SetUpTestSuite() { server = std::make_unique<postgres_server>(); }
  static void TearDownTestSuite() { server.reset(); }
  static inline std::unique_ptr<postgres_server> server;

  JournalSlotOnItsServer() { db.enter(1, running_journal::quick()); }

  void expect_standby(const std::string& name) {
    db.watch.run("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
    db.watch.run("SELECT pg_reload_conf()");
    ASSERT_TRUE(eventually([&] {
      raw_session fresh{db.database.settings()};
      return fresh.run("SHOW synchronous_standby_names") == name;
    }));
  }
  std::uint64_t in_doubt(running_journal& j) { return j.counters.journal.in_doubt.value(); }

  journal_database db{server->url()};
};

// Someone cancels the wait for a standby: the row is there, the commit comes back with a warning, and it is not durable.
TEST_F(JournalSlotOnItsServer, DoesNotBelieveACommitWhoseWaitForAStandbyWasCancelled) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  expect_standby("nowhere");
  journal.append(sample_commit(2, 2, 2));
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0"), "SyncRep"); }));
  db.watch.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  ASSERT_TRUE(eventually([&] { return in_doubt(journal) == 1; }));
  EXPECT_EQ(db.rows_of(2), "1-1 by 1, 2-2 by 1");  // visible
  EXPECT_FALSE(journal.next_done(300ms));          // and not believed
  expect_standby("");
  EXPECT_EQ(journal.next_done().value().result, append_result::applied);
  EXPECT_EQ(journal.counters.journal.doubts_ended.of({"applied"}).value(), 1U);
}

// The row that waited for a standby becomes visible when its backend dies; only a later synchronous commit makes it certain.
TEST_F(JournalSlotOnItsServer, DoesNotBelieveARowThatIsMerelyVisible) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  expect_standby("nowhere");
  journal.append(sample_commit(2, 2, 2));
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0"), "SyncRep"); }));
  db.end_backends(application_name(1, "slot-0"));
  ASSERT_TRUE(eventually([&] { return db.rows_of(2) == "1-1 by 1, 2-2 by 1"; }));
  EXPECT_FALSE(journal.next_done(300ms));
  journal.ask_to_load(2);  // nor is the hotel loaded from it
  EXPECT_FALSE(journal.next_loaded(300ms));
  expect_standby("");
  EXPECT_EQ(journal.next_done().value().result, append_result::applied);
  EXPECT_EQ(journal.next_loaded().value().state->seq, 2U);
}

TEST_F(JournalSlotOnItsServer, SurvivesACrashOfTheServerWithAnAppendUnderWay) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 2);
  journal.append(sample_commit(2, 2, 2));
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0")); }));
  server->crash();
  journal.append(sample_commit(4, 1, 1));
  ASSERT_TRUE(eventually([&] { return in_doubt(journal) == 1; }));
  server->start();
  const auto back = steady_now();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(journal.next_done().value().result, append_result::applied);
  EXPECT_LT(steady_now() - back, 2s);
  db.watch = raw_session{db.database.settings()};
  EXPECT_EQ(db.rows_of(2), "1-1 by 1, 2-2 by 1");
  EXPECT_EQ(db.rows_of(4), "1-1 by 1");
  EXPECT_EQ(journal.load(2).state->seq, 2U);
}

TEST_F(JournalSlotOnItsServer, SaysUnknownOrRefusedWhenTheServerStaysAway) {
  auto settings = running_journal::quick();
  settings.doubt_deadline = 500ms;
  running_journal journal{db, 1, settings};
  ASSERT_EQ(journal.append_and_wait(sample_commit(2, 1, 1)), append_result::applied);
  raw_session blocker{db.database.settings()};
  blocker.run("BEGIN");
  journal_database::insert_foreign(blocker, 2, 2);
  journal.append(sample_commit(2, 2, 2));
  ASSERT_TRUE(eventually([&] { return db.waits(application_name(1, "slot-0")); }));
  server->crash();
  ASSERT_TRUE(eventually([&] { return in_doubt(journal) == 1; }));
  journal.append(sample_commit(4, 1, 2));
  EXPECT_EQ(journal.next_done().value().result, append_result::unknown);
  EXPECT_EQ(journal.next_done().value().result, append_result::refused);
  EXPECT_EQ(journal.append_and_wait(sample_commit(6, 1, 1)), append_result::refused);  // at once
  EXPECT_FALSE(journal.load(6).state);

  server->start();
  ASSERT_TRUE(eventually([&] { return journal.append_and_wait(sample_commit(8, 1, 1)) == append_result::applied; }));
  EXPECT_EQ(journal.load(8).state->seq, 1U);
  db.watch = raw_session{db.database.settings()};
}

}  // namespace
}  // namespace keyrack::persistence
