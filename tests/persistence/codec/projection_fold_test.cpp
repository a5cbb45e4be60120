// Goal: a batch leaves one row per reservation and hotel, in whatever commits it came, and only commits that join; and the
// projector's rest leaves bookings their share.
#include "history.hpp"
#include "persistence/codec.hpp"
#include "persistence/projections/fold.hpp"
#include "persistence/projections/pace.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace keyrack::persistence {
namespace {

using namespace std::chrono_literals;
using keyrack::testing::commit_of;
using keyrack::testing::history;
using outcome = projection_step::outcome;

RC_GTEST_PROP(ProjectionFold, LeavesOneRowForEachReservationAsItStandsAtTheEnd, ()) {
  history h{{1}, *rc::gen::arbitrary<std::uint64_t>()};
  h.live(*rc::gen::inRange(0, 200));
  known_sequences known{{h.hotel.id, 0}};
  projection_fold fold{known};
  for (std::size_t from = 0; from < h.events.size();) {
    const auto to = std::min(h.events.size(), from + *rc::gen::inRange<std::size_t>(1, 9));
    const auto c = commit_of(h, from, to);
    RC_ASSERT(fold.add(c.hotel, c.first_seq(), c.last_seq(), encode_commit(c)).has_value());
    from = to;
  }
  std::map<reservation_number, reservation> last;
  for (const auto& e : h.events) {
    if (const auto* body = std::get_if<reservation_event>(&e.body)) last[body->after.number] = body->after;
  }
  RC_ASSERT(fold.reservations().size() == last.size());
  for (const auto& row : fold.reservations()) {
    const auto& r = last.at(row.number);
    RC_ASSERT(row.body == encode_reservation(r));
    RC_ASSERT(row.last_seq == r.version);
    RC_ASSERT(row.hold_expires_at.has_value() == (r.status == reservation_status::pending));
  }
  RC_ASSERT(fold.hotels().size() == 1u);
  RC_ASSERT(fold.touched().size() == 1u);
  RC_ASSERT(fold.last_seq(h.hotel.id) == h.events.size());
}

TEST(ProjectionFold, PassesOverWhatItKnowsAndRefusesWhatDoesNotJoin) {
  history h{{1}, 1};
  known_sequences known{{h.hotel.id, 2}};
  projection_fold fold{known};
  const auto add = [&](std::size_t from, std::size_t to) {
    const auto c = commit_of(h, from, to);
    return fold.add(c.hotel, c.first_seq(), c.last_seq(), encode_commit(c));
  };
  EXPECT_TRUE(add(0, 2).has_value());
  EXPECT_TRUE(fold.empty());
  EXPECT_EQ(add(3, 4).error().what, not_folded::reason::gap);
  EXPECT_EQ(add(1, 3).error().what, not_folded::reason::broken);
  EXPECT_EQ(fold.add({1}, 3, 3, "nonsense").error().what, not_folded::reason::broken);
  EXPECT_EQ(fold.last_seq({1}), 2u) << "nothing of what was refused was taken in";
  EXPECT_TRUE(add(2, 3).has_value());
}

TEST(ProjectorPace, WorksItsShareOfTheTimeWhileSomebodyBooks) {
  const projector_settings s{.period = 50ms, .duty_percent_max = 20};
  EXPECT_EQ(rest_after(outcome::behind, 100ms, false, 0, s).at_least, 400ms);
  EXPECT_EQ(rest_after(outcome::caught_up, 100ms, false, 0, s).at_least, 400ms) << "a nudge does not shorten it";
  EXPECT_EQ(rest_after(outcome::caught_up, 1ms, false, 0, s).at_most, 50ms);
}

TEST(ProjectorPace, CatchesUpWithoutRestWhenNobodyBooks) {
  const projector_settings s{.period = 50ms, .duty_percent_max = 20};
  EXPECT_EQ(rest_after(outcome::behind, 100ms, true, 0, s).at_most, 0ms);
  EXPECT_EQ(rest_after(outcome::caught_up, 100ms, true, 0, s).at_most, 50ms);
}

TEST(ProjectorPace, RestsLongerWithEachFailureUpToABound) {
  const projector_settings s;
  auto before = 0ns;
  for (int failures = 1; failures <= 6; ++failures) {
    const auto r = rest_after(outcome::failed, 1ms, true, failures, s);
    EXPECT_GT(r.at_least, before);
    before = r.at_least;
  }
  EXPECT_EQ(rest_after(outcome::failed, 1ms, true, 1'000'000, s).at_most, failed_rest_max);
}

TEST(JournalRush, IsOverWhenNothingHasMovedForAWhile) {
  journal_rush rush;
  const steady_instant t{1'000'000'000};
  rush.see(7, t);
  EXPECT_FALSE(rush.quiet(t + 99ms));
  rush.see(7, t + 99ms);
  EXPECT_TRUE(rush.quiet(t + 100ms));
  rush.see(8, t + 100ms);
  EXPECT_FALSE(rush.quiet(t + 150ms));
}

}  // namespace
}  // namespace keyrack::persistence
