// Goal: silent is whose count stands still for the grace under the eyes of one who looked all the while, and nobody else.
#include "cluster/silence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Silence : public testing::Test {
protected:
  /// Looks every 100 ms for so long; `counts(i)` is what the i-th look finds.
  template <typename Counts>
  void watch(std::chrono::milliseconds time, Counts counts) {
    for (int i = 0; i * 100ms < time; ++i) {
      now = now + 100ms;
      s.observe(counts(i), now);
    }
  }
  using list = std::vector<silence::count>;
  steady_instant now{1};
  silence s{2s, 1s};
};

TEST_F(Silence, IsFoundAfterTheGraceAndNotBefore) {
  watch(2s, [](int) { return list{{1, 5}}; });
  EXPECT_THAT(s.silent(), IsEmpty());  // seen first 1.9 s ago
  watch(100ms, [](int) { return list{{1, 5}}; });
  EXPECT_THAT(s.silent(), ElementsAre(1));
}

TEST_F(Silence, IsOfOneAmongMany) {
  watch(3s, [](int i) { return list{{1, i}, {2, 7}, {3, 2 * i}}; });
  EXPECT_THAT(s.silent(), ElementsAre(2));
}

TEST_F(Silence, EndsWithABeat) {
  watch(3s, [](int) { return list{{1, 5}}; });
  watch(100ms, [](int) { return list{{1, 6}}; });
  EXPECT_THAT(s.silent(), IsEmpty());
}

TEST_F(Silence, TakesACountThatJumpsAnywhereForAliveness) {
  watch(4s, [](int i) { return list{{1, i % 15 == 0 ? 1'000'000 : -3}}; });
  EXPECT_THAT(s.silent(), IsEmpty());
}

TEST_F(Silence, BeginsAnewWhenTheObserverHasNotLooked) {
  watch(1900ms, [](int) { return list{{1, 5}, {2, 5}}; });
  now = now + 5s;
  watch(1900ms, [](int) { return list{{1, 5}, {2, 5}}; });
  EXPECT_THAT(s.silent(), IsEmpty());
  watch(300ms, [](int) { return list{{1, 5}, {2, 5}}; });
  EXPECT_THAT(s.silent(), ElementsAre(1, 2));
}

TEST_F(Silence, OutlastsAGapThatIsShort) {
  watch(1s, [](int) { return list{{1, 5}}; });
  now = now + 900ms;
  watch(300ms, [](int) { return list{{1, 5}}; });
  EXPECT_THAT(s.silent(), ElementsAre(1));
}

TEST_F(Silence, ForgetsWhoWasAway) {
  watch(3s, [](int) { return list{{1, 5}}; });
  watch(100ms, [](int) { return list{}; });
  EXPECT_THAT(s.silent(), IsEmpty());
  watch(1s, [](int) { return list{{1, 5}}; });
  EXPECT_THAT(s.silent(), IsEmpty());
}

TEST_F(Silence, IsOfNobodyBeforeAnythingWasSeen) { EXPECT_THAT(s.silent(), IsEmpty()); }

}  // namespace
}  // namespace keyrack::cluster
