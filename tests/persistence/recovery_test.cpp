// Goal: a hotel comes back exactly as its journal says, with and without a snapshot, or not at all.
#include "actors/domain/hotel/evolve.hpp"
#include "persistence/codec.hpp"
#include "persistence/fence.hpp"
#include "persistence/recovery.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gtest/gtest.h>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using namespace keyrack::testing;

hotel_state replayed(std::uint64_t hotel, std::uint64_t up_to) {
  hotel_state state;
  state.id = {hotel};
  for (std::uint64_t seq = 1; seq <= up_to; ++seq) evolve(state, sample_event(seq));
  return state;
}

struct Recovery : ::testing::Test {
  Recovery() { db.enter(1, running_journal::quick()); }

  void append(std::uint64_t hotel, std::uint64_t first, std::uint64_t last) {
    const auto outcome = append_commits(connection, {.incarnation = 1, .slot = 0},
                                        std::vector{queued(sample_commit(hotel, first, last))}, soon());
    ASSERT_TRUE(outcome && outcome->inserted[0]);
  }
  void set_snapshot(std::uint64_t hotel, std::uint64_t seq, const std::string& payload) {
    const auto done =
        connection.run({.name = "set_snapshot",
                        .sql = "INSERT INTO snapshots VALUES ($1, $2, 1, clock_timestamp(), $3) ON CONFLICT "
                               "(hotel_id) DO UPDATE SET seq = excluded.seq, payload = excluded.payload"},
                       pg_params{}.int8(hotel).int8(seq).bytea(payload), soon());
    ASSERT_TRUE(done) << done.error().message;
  }
  std::expected<hotel_state, read_failure> recover(std::uint64_t hotel) {
    auto found = recover_hotel(connection, {hotel}, soon());
    if (!found) return std::unexpected(found.error());
    return std::move(found->state);
  }

  journal_database db;
  pg_connection connection = db.database.connect();
};

TEST_F(Recovery, CatchesUpWithWhatCameAfterAnEarlierLoad) {
  append(1, 1, 3);
  auto state = recover(1);
  ASSERT_TRUE(state) << state.error().why;
  ASSERT_TRUE(catch_up(connection, *state, soon()));
  EXPECT_EQ(encode_snapshot(*state), encode_snapshot(replayed(1, 3))) << "nothing came after";
  append(1, 4, 4);
  append(1, 5, 9);
  ASSERT_TRUE(catch_up(connection, *state, soon()));
  EXPECT_EQ(encode_snapshot(*state), encode_snapshot(replayed(1, 9)));
}

TEST_F(Recovery, CannotCatchUpAcrossAGap) {
  append(1, 1, 3);
  append(1, 4, 4);
  auto state = replayed(1, 2);  // no commit ends there
  const auto done = catch_up(connection, state, soon());
  ASSERT_FALSE(done);
  EXPECT_FALSE(done.error().connection);
}

TEST_F(Recovery, OfAHotelWithoutCommitsIsEmpty) {
  const auto state = recover(7);
  ASSERT_TRUE(state) << state.error().why;
  EXPECT_EQ(state->seq, 0U);
  EXPECT_EQ(state->id, hotel_id{7});
}

TEST_F(Recovery, FoldsAllCommits) {
  append(1, 1, 3);
  append(1, 4, 4);
  append(2, 1, 1);
  const auto state = recover(1);
  ASSERT_TRUE(state) << state.error().why;
  EXPECT_EQ(encode_snapshot(*state), encode_snapshot(replayed(1, 4)));
}

TEST_F(Recovery, ReadsMoreCommitsThanFitAPiece) {
  std::uint64_t seq = 1;
  for (; seq <= 1'001; ++seq) append(1, seq, seq);
  const auto state = recover(1);
  ASSERT_TRUE(state) << state.error().why;
  EXPECT_EQ(state->seq, 1'001U);
}

TEST_F(Recovery, OfSnapshotAndTailEqualsAReplay) {
  append(1, 1, 3);
  append(1, 4, 6);
  set_snapshot(1, 3, encode_snapshot(replayed(1, 3)));
  const auto state = recover(1);
  ASSERT_TRUE(state) << state.error().why;
  EXPECT_EQ(encode_snapshot(*state), encode_snapshot(replayed(1, 6)));
}

TEST_F(Recovery, UsesTheSnapshot) {
  append(1, 1, 3);
  append(1, 4, 4);
  set_snapshot(1, 3, encode_snapshot(replayed(1, 3)));
  db.watch.run("UPDATE commits SET payload = 'broken' WHERE first_seq = 1");  // would be refused if it were read
  const auto found = recover_hotel(connection, {1}, soon());
  ASSERT_TRUE(found) << found.error().why;
  EXPECT_EQ(found->state.seq, 4U);
  EXPECT_EQ(found->snapshot_seq, 3U);
}

TEST_F(Recovery, PassesOverASnapshotThatCannotBeTrusted) {
  append(1, 1, 3);
  append(1, 4, 6);
  const auto expected = encode_snapshot(replayed(1, 6));
  set_snapshot(1, 3, "rubbish");
  EXPECT_EQ(encode_snapshot(recover(1).value()), expected);
  set_snapshot(1, 5, encode_snapshot(replayed(1, 5)));  // ends within a commit
  EXPECT_EQ(encode_snapshot(recover(1).value()), expected);
  set_snapshot(1, 9, encode_snapshot(replayed(1, 9)));  // is ahead of the journal
  EXPECT_EQ(encode_snapshot(recover(1).value()), expected);
  set_snapshot(1, 6, encode_snapshot(replayed(1, 3)));  // is not what its row says
  EXPECT_EQ(encode_snapshot(recover(1).value()), expected);
}

TEST_F(Recovery, RefusesAGapAnOverlapAndACommitThatIsNotUnderstood) {
  append(1, 1, 2);
  append(1, 4, 4);
  append(2, 1, 2);
  append(2, 2, 3);
  append(3, 1, 1);
  db.watch.run("UPDATE commits SET payload = payload || 'x' WHERE hotel_id = 3");
  for (std::uint64_t hotel = 1; hotel <= 3; ++hotel) {
    const auto state = recover(hotel);
    ASSERT_FALSE(state) << hotel;
    EXPECT_FALSE(state.error().connection);
    EXPECT_NE(state.error().why.find(to_text(hotel_id{hotel})), std::string::npos) << state.error().why;
  }
}

TEST_F(Recovery, FindsASingleEvent) {
  append(1, 1, 3);
  append(1, 4, 6);
  for (const std::uint64_t seq : {1U, 3U, 4U, 5U, 6U})
    EXPECT_EQ(find_event(connection, {1}, seq, soon()), sample_event(seq));
  EXPECT_FALSE(find_event(connection, {1}, 7, soon()));
  EXPECT_FALSE(find_event(connection, {2}, 1, soon()));
}

TEST_F(Recovery, ByTheReaderSurvivesTheLossOfItsConnection) {
  running_journal journal{db};
  ASSERT_EQ(journal.append_and_wait(sample_commit(1, 1, 3)), append_result::applied);
  ASSERT_EQ(journal.load(1).state->seq, 3U);
  db.end_backends(application_name(1, "reader-1"));
  EXPECT_EQ(journal.load(1).state->seq, 3U);
  db.end_backends(application_name(1, "reader-1"));
  const auto read = journal.read(1, 2);
  ASSERT_TRUE(read.what) << read.why;
  EXPECT_EQ(*read.what, sample_event(2));
  EXPECT_FALSE(journal.read(1, 99).what);
}

TEST_F(Recovery, ByTheReaderSaysWhyNot) {
  append(1, 1, 2);
  append(1, 4, 4);
  running_journal journal{db};
  const auto loaded = journal.load(1);
  EXPECT_FALSE(loaded.state);
  EXPECT_NE(loaded.why.find("gap"), std::string::npos) << loaded.why;
}

TEST_F(Recovery, SnapshotsAreReplacedByLaterOnesOnly) {
  running_journal journal{db};
  append(1, 1, 3);
  append(1, 4, 6);
  EXPECT_TRUE(journal.save(replayed(1, 6)));
  EXPECT_FALSE(journal.save(replayed(1, 3)));
  EXPECT_EQ(db.watch.run("SELECT seq FROM snapshots WHERE hotel_id = 1"), "6");
  EXPECT_EQ(encode_snapshot(*journal.load(1).state), encode_snapshot(replayed(1, 6)));
}

TEST_F(Recovery, SnapshotsOfAFencedIncarnationAreNotWritten) {
  running_journal journal{db};
  append(1, 1, 3);
  EXPECT_TRUE(journal.save(replayed(1, 3)));
  append(1, 4, 6);
  ASSERT_TRUE(fence_incarnation(connection, 1, 1s, soon()));
  EXPECT_FALSE(journal.save(replayed(1, 6)));
  EXPECT_EQ(db.watch.run("SELECT seq FROM snapshots WHERE hotel_id = 1"), "3");
}

}  // namespace
}  // namespace keyrack::persistence
