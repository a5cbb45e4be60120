// Goal: every hotel with an overdue hold is woken, whichever sleep, and none keeps the others waiting.
#include "persistence/projections/hold_sweep.hpp"
#include "persistence/projections/projection_worker.hpp"
#include "tests/persistence/written_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>

namespace keyrack::persistence {
namespace {

using namespace keyrack::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class standing_clock final : public cluster_clock {
public:
  explicit standing_clock(instant at) : at_(at) {}
  instant now() const override { return at_; }

private:
  instant at_;
};

class HoldSweep : public ::testing::Test {
protected:
  void SetUp() override {
    for (std::uint64_t id = 1; id <= 5; ++id) {
      history h{{id}, id};
      const auto today = h.now().today;
      const hold_rooms hold{.stay = {today, today + 1}, .items = {{.type = {2}}}, .guest = {id, id}};
      ASSERT_TRUE(h.apply(hold));
      ASSERT_TRUE(h.apply(hold));
      if (id == 4) {  // nothing pending there
        for (std::uint64_t number : {1, 2}) ASSERT_TRUE(h.apply(confirm_reservation{{number}}));
      }
      held_at = h.now().at;
      journal.write(h);
    }
    projection_worker w{on.database.settings(), {}, 7};
    ASSERT_EQ(w.step().what, projection_step::outcome::caught_up);
  }
  std::vector<hotel_id> lapsed(instant now, std::optional<hotel_id> above = {}, int limit = 10) {
    auto c = on.database.connect();
    return lapsed_holds(c, now, above, limit, soon()).value();
  }

  journal_database on;
  history_writer journal{on};
  instant held_at{};
};

TEST_F(HoldSweep, NamesHotelsWithOverdueHoldsOnceEach) {
  EXPECT_THAT(lapsed(held_at), IsEmpty());
  EXPECT_THAT(lapsed(held_at + std::chrono::seconds{119}), IsEmpty());
  const auto later = held_at + std::chrono::seconds{120};
  EXPECT_THAT(lapsed(later), ElementsAre(hotel_id{1}, hotel_id{2}, hotel_id{3}, hotel_id{5}));
  EXPECT_THAT(lapsed(later, hotel_id{2}, 1), ElementsAre(hotel_id{3}));
}

// Two at a time, and nobody ever lapses them: still all four are woken, again and again.
TEST_F(HoldSweep, GoesOnBehindHotelsThatDoNotWake) {
  const standing_clock clock{held_at + std::chrono::hours{1}};
  std::mutex mutex;
  std::multiset<std::uint64_t> woken;
  const hotels_settings settings{.sweep_period = std::chrono::milliseconds{1}, .sweep_hotels_max = 2};
  hold_sweep sweep{on.database.settings(), settings, 7, clock, [&](hotel_id h) {
                     const std::scoped_lock lock{mutex};
                     woken.insert(h.value);
                   }};
  EXPECT_TRUE(eventually([&] {
    const std::scoped_lock lock{mutex};
    return woken.count(1) > 2 && woken.count(2) > 2 && woken.count(3) > 2 && woken.count(5) > 2;
  }));
  const std::scoped_lock lock{mutex};
  EXPECT_EQ(woken.count(4), 0u);
}

TEST_F(HoldSweep, ComesBackWhenItsConnectionIsLost) {
  const standing_clock clock{held_at + std::chrono::hours{1}};
  std::atomic<int> woken{0};
  hold_sweep sweep{
      on.database.settings(), {.sweep_period = std::chrono::milliseconds{1}}, 7, clock, [&](hotel_id) { ++woken; }};
  ASSERT_TRUE(eventually([&] { return woken > 0; }));
  on.end_backends("keyrack/7/hold-sweep");
  const int before = woken;
  EXPECT_TRUE(eventually([&] { return woken > before + 8; }));
}

}  // namespace
}  // namespace keyrack::persistence
