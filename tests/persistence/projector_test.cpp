// Goal: the projections hold what the journal says, each commit once, whoever projects and whatever breaks meanwhile.
#include "persistence/projections/projection_worker.hpp"
#include "persistence/projections/projector.hpp"
#include "tests/persistence/written_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace keyrack::persistence {
namespace {

using namespace keyrack::testing;
using ::testing::HasSubstr;
using outcome = projection_step::outcome;

class Projector : public ::testing::Test {
protected:
  projection_worker worker(std::int64_t incarnation = 7, int commits_max = 50) {
    return {on.database.settings(), {.batch_commits_max = commits_max}, incarnation};
  }
  /// Steps until there is nothing left, and says how it ended.
  static projection_step drain(projection_worker& w) {
    auto step = w.step();
    while (step.what == outcome::behind) step = w.step();
    return step;
  }
  std::string position() {
    return on.watch.run("SELECT lineage || ' ' || xid || ' ' || hotel_id FROM projection_position");
  }

  journal_database on;
  history_writer journal{on};
};

history lived(std::uint64_t id, int steps) {
  history h{{id}, id};
  h.live(steps);
  return h;
}

TEST_F(Projector, HoldsEveryReservationAsItsLastEventLeftIt) {
  const auto a = lived(1, 300), b = lived(2, 200), c = lived(3, 1);
  for (const auto* h : {&a, &b, &c}) journal.write(*h);

  auto w = worker();
  const auto end = drain(w);
  EXPECT_EQ(end.what, outcome::caught_up) << end.why;
  EXPECT_EQ(found_reservations(on), expected_reservations({&a, &b, &c}));
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM hotels_list WHERE NOT removed"), "3");
  const auto profile = on.watch.run("SELECT encode(profile, 'hex') FROM hotels_list WHERE hotel_id = 1");
  EXPECT_FALSE(profile.empty());
  // Only pending ones have a deadline.
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM guest_reservations WHERE (status = 0) <> (hold_expires_at IS NOT NULL)"),
            "0");
}

TEST_F(Projector, KnowsRemovedHotelsAndTheirLastProfile) {
  history h{{5}, 1};
  ASSERT_TRUE(h.apply(remove_hotel{}));
  const auto last = h.events.size() - 1;
  journal.write(h, 0, last);
  auto w = worker();
  ASSERT_EQ(drain(w).what, outcome::caught_up);
  EXPECT_EQ(on.watch.run("SELECT removed FROM hotels_list"), "f");
  journal.write(h, last, last + 1);  // a batch that knows no profile
  ASSERT_EQ(drain(w).what, outcome::caught_up);
  EXPECT_EQ(on.watch.run("SELECT removed AND length(profile) > 0 AND version = " + std::to_string(last + 1) +
                         " FROM hotels_list"),
            "t");
}

// Goal: exactly once. A trigger writes down every move of a hotel; two projectors race while their backends are killed.
TEST_F(Projector, WritesEachCommitOnceWithTwoProjectorsAndCrashesBetween) {
  on.watch.run("CREATE TABLE position_moves (id bigserial, hotel_id bigint, before bigint, after bigint)");
  on.watch.run(R"(CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO position_moves (hotel_id, before, after) VALUES (NEW.hotel_id, coalesce(OLD.last_seq, 0), NEW.last_seq);
    RETURN NEW; END $$)");
  on.watch.run("CREATE TRIGGER t BEFORE UPDATE ON projected_hotels FOR EACH ROW EXECUTE FUNCTION write_down()");
  on.watch.run("CREATE TRIGGER t2 AFTER INSERT ON projected_hotels FOR EACH ROW EXECUTE FUNCTION write_down()");
  const auto a = lived(1, 400), b = lived(2, 400), c = lived(3, 400);

  std::atomic<bool> all_written{false};
  std::atomic<int> projected{0}, failures{0}, poisoned{0};
  const auto work = [&](std::int64_t incarnation) {
    auto w = worker(incarnation, 20);
    for (;;) {
      const bool last_look = all_written;
      const auto step = w.step();
      projected += static_cast<int>(step.commits);
      failures += step.what == outcome::failed ? 1 : 0;
      poisoned += step.what == outcome::poisoned ? 1 : 0;
      if (step.what == outcome::poisoned || (last_look && step.what == outcome::caught_up)) return;
    }
  };
  std::jthread first{[&] { work(1); }}, second{[&] { work(2); }};
  std::size_t longest = std::max({a.events.size(), b.events.size(), c.events.size()});
  for (std::size_t i = 0; i < longest; i += 10) {
    for (const auto* h : {&a, &b, &c}) {
      if (i < h->events.size()) journal.write(*h, i, std::min(i + 10, h->events.size()), 3);
    }
    if (i % 40 == 0) on.end_backends(fmt::format("keyrack/{}/projector", 1 + (i / 40) % 2));
  }
  all_written = true;
  first.join();
  second.join();

  EXPECT_EQ(poisoned, 0);
  EXPECT_GT(failures, 0) << "nothing was killed: the test shows nothing";
  EXPECT_EQ(found_reservations(on), expected_reservations({&a, &b, &c}));
  // Each move begins where the one before it ended.
  EXPECT_EQ(
      on.watch.run(
          "SELECT count(*) FROM (SELECT before <> lag(after, 1, 0::bigint) OVER (PARTITION BY hotel_id ORDER BY id) "
          "AS torn FROM position_moves) m WHERE torn"),
      "0");
}

// Goal: no row is skipped because it became visible late. A has the lower transaction id and commits after B.
TEST_F(Projector, WaitsForTheOldestOpenTransactionAndThenSkipsNothing) {
  const history a{{1}, 1}, b{{2}, 2};
  raw_session late{on.database.settings(), "late"};
  late.run("BEGIN");
  const auto payload = encode_commit(commit_of(a, 0, 1));
  std::string hex;
  for (const unsigned char c : payload) hex += fmt::format("{:02x}", c);
  late.run("INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload) VALUES (1, 1, 1, 0, 1, "
           "clock_timestamp(), '\\x" +
           hex + "')");
  journal.write(b, 0, 1);

  auto w = worker();
  EXPECT_EQ(drain(w).commits, 0u);
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM projected_hotels"), "0");
  const auto lag = w.lag();
  ASSERT_TRUE(lag.has_value());
  EXPECT_EQ(lag->commits, 1);
  EXPECT_EQ(lag->horizon_holder, "late");
  EXPECT_GT(lag->horizon_age.count(), 0);
  EXPECT_GT(lag->now, lag->oldest_at);

  late.run("COMMIT");
  EXPECT_TRUE(eventually([&] {
    return drain(w).what == outcome::caught_up && on.watch.run("SELECT count(*) FROM projected_hotels") == "2";
  }));
  EXPECT_EQ(w.lag()->commits, 0);
}

// Goal: after a promotion or a restore transaction ids say nothing; the hotels' own sequences do.
TEST_F(Projector, ComparesEveryHotelWhenTheLineageHasChanged) {
  const auto lost_tail = lived(1, 100), grown = lived(2, 100), same = lived(3, 50), fresh = lived(4, 50),
             gone = lived(5, 10);
  for (const auto* h : {&lost_tail, &same, &gone}) journal.write(*h, 0, h->events.size(), 1);
  const auto half = grown.events.size() / 2;
  journal.write(grown, 0, half, 1);
  auto w = worker();
  ASSERT_EQ(drain(w).what, outcome::caught_up);
  const auto real = position();

  // The other server has less of two hotels, more of two, and its transaction ids are far behind the position.
  auto shortened = lost_tail;
  shortened.events.resize(shortened.events.size() / 2);
  on.watch.run(fmt::format("DELETE FROM commits WHERE hotel_id = 1 AND first_seq > {}", shortened.events.size()));
  on.watch.run("DELETE FROM commits WHERE hotel_id = 5");
  journal.write(grown, half, grown.events.size(), 4);
  journal.write(fresh);
  on.watch.run("UPDATE projection_position SET lineage = 'another/1', xid = '9000000000'");

  auto other = worker(8);
  const auto end = drain(other);
  EXPECT_EQ(end.what, outcome::caught_up) << end.why;
  EXPECT_EQ(found_reservations(on), expected_reservations({&shortened, &grown, &same, &fresh}));
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM hotels_list"), "4");
  EXPECT_EQ(position().substr(0, real.find(' ')), real.substr(0, real.find(' ')));

  // And it goes on by its position.
  const auto next = lived(6, 20);
  journal.write(next);
  EXPECT_GT(drain(other).commits, 0u);
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM hotels_list"), "5");
}

TEST_F(Projector, ReadsAHotelFromItsOwnCommitsWhenOneDoesNotJoin) {
  const auto h = lived(1, 60);
  const auto cut = h.events.size() - 2;
  journal.write(h, 0, cut, 1);
  auto w = worker(7, 10);
  ASSERT_EQ(drain(w).what, outcome::caught_up);
  // As if it had missed most of them: the position is behind them, the hotel before them.
  on.watch.run("UPDATE projected_hotels SET last_seq = 4");
  on.watch.run("DELETE FROM guest_reservations");
  journal.write(h, cut, h.events.size(), 1);
  auto other = worker(8, 10);
  EXPECT_EQ(drain(other).what, outcome::caught_up);
  EXPECT_EQ(found_reservations(on), expected_reservations({&h}));
}

TEST_F(Projector, StopsAtACommitThatItCannotReadAndGoesOnWhenItIsMended) {
  const auto a = lived(1, 30), b = lived(2, 30);
  journal.write(a);
  journal.write({9}, 1, 1, "no commit at all");
  journal.write(b);

  auto w = worker();
  for (int i = 0; i < 2; ++i) {
    const auto end = drain(w);
    EXPECT_EQ(end.what, outcome::poisoned);
    EXPECT_THAT(end.why, HasSubstr("format that is not known"));
    EXPECT_EQ(found_reservations(on), expected_reservations({&a}))
        << "what stands before it is there, nothing behind it";
  }
  on.watch.run("DELETE FROM commits WHERE hotel_id = 9");
  EXPECT_EQ(drain(w).what, outcome::caught_up);
  EXPECT_EQ(found_reservations(on), expected_reservations({&a, &b}));
}

TEST_F(Projector, StopsAtAGapThatTheJournalHas) {
  const auto h = lived(1, 30);
  journal.write(h, 0, 3);
  journal.write(h, 5, 8);
  auto w = worker();
  const auto end = drain(w);
  EXPECT_EQ(end.what, outcome::poisoned);
  EXPECT_THAT(end.why, HasSubstr("commit 6 follows 3"));
}

TEST_F(Projector, ComesBackWhenItsConnectionIsLost) {
  const auto h = lived(1, 30);
  auto w = worker();
  ASSERT_EQ(drain(w).what, outcome::caught_up);
  on.end_backends("keyrack/7/projector");
  journal.write(h);
  EXPECT_TRUE(eventually([&] { return w.step().commits > 0; }));
  EXPECT_EQ(found_reservations(on), expected_reservations({&h}));
}

// Goal: a nudge is followed at once. The period is a minute, so that nothing else can have woken it.
TEST_F(Projector, FollowsNudges) {
  metrics counted;
  projector p{on.database.settings(), {.period = std::chrono::minutes{1}}, counted.projector, 7};
  ASSERT_TRUE(eventually([&] { return on.watch.run("SELECT lineage <> '' FROM projection_position") == "t"; }));
  const auto h = lived(1, 30);
  journal.write(h);
  EXPECT_TRUE(eventually([&] {
    p.nudge();
    return found_reservations(on) == expected_reservations({&h});
  }));
  EXPECT_GT(counted.projector.commits.value(), 0u);
  EXPECT_EQ(counted.projector.stopped.value(), 0);
}

}  // namespace
}  // namespace keyrack::persistence
