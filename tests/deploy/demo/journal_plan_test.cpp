// Goal: what goes straight into a journal is what a node would have written: decided, joined, and true to the plan.
#include "actors/domain/hotel/evolve.hpp"
#include "deploy/demo/journal_plan.hpp"
#include "persistence/codec.hpp"
#include "tests/deploy/demo/demo_support.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace keyrack::demo {
namespace {

using test::made;

/// Noon of the day before the first night.
const instant noon{std::chrono::days(test::first_night.days - 1) + std::chrono::hours(12)};

hotel_state replayed(const commit& c) {
  hotel_state state;
  state.id = c.hotel;
  for (const auto& e : c.events) evolve(state, e);
  return state;
}

class JournalPlan : public testing::TestWithParam<profile> {};

TEST_P(JournalPlan, HoldsTheHotelAsPlanned) {
  const auto from = made(GetParam());
  for (std::uint32_t index = 0; index < 5; ++index) {
    const auto plan = from.hotel(index);
    const auto bookings = from.bookings(plan);
    const auto state = replayed(commit_of_hotel(from, index, noon));
    EXPECT_EQ(invariants_broken(state), "");
    EXPECT_EQ(state.profile, plan.profile);
    ASSERT_EQ(state.types.size(), plan.room_types.size());
    EXPECT_EQ(state.reservations.size(), bookings.size());
    std::int64_t taken = 0;
    std::int64_t planned = 0;
    for (const auto& b : bookings) planned += b.rooms * b.stay.nights();
    for (const auto& type : state.types) {
      for (date night = test::first_night; night < test::first_night + 200; ++night)
        taken += type.calendar.taken(night);
    }
    EXPECT_EQ(taken, planned);
  }
}

TEST_P(JournalPlan, IsTheSameAgainAndReadableFromItsBytes) {
  const auto from = made(GetParam());
  const auto one = commit_of_hotel(from, 3, noon);
  const auto bytes = persistence::encode_commit(one);
  EXPECT_EQ(persistence::encode_commit(commit_of_hotel(from, 3, noon)), bytes);
  const auto read = persistence::decode_commit(bytes, one.first_seq(), one.last_seq());
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, one.events);
}

TEST_P(JournalPlan, BringsEveryGuestOnce) {
  const auto from = made(GetParam());
  const auto written = commit_of_hotel(from, 0, noon);
  std::set<guest_id> known;
  for (const auto& person : written.personal) EXPECT_TRUE(known.insert(person.guest).second);
  EXPECT_EQ(written.notes_of.size(), written.personal.size());
  EXPECT_LE(written.personal.size(), static_cast<std::size_t>(guests_per_hotel));
  for (const auto& e : written.events) {
    const auto* step = std::get_if<reservation_event>(&e.body);
    EXPECT_TRUE(step == nullptr || known.contains(step->after.guest));
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, JournalPlan, testing::Values(profile::demo, profile::scale),
                         [](const auto& param) { return std::string(to_text(param.param)); });

TEST(JournalPlanIds, DifferBetweenHotels) {
  const auto from = made(profile::demo);
  std::set<hotel_id> ids;
  for (std::uint32_t index = 0; index < 50; ++index)
    EXPECT_TRUE(ids.insert(commit_of_hotel(from, index, noon).hotel).second);
}

}  // namespace
}  // namespace keyrack::demo
