// Goal: it is a std::vector to everybody who looks, whether its values lie inside or outside, and it loses none.
#include "actors/domain/small_vector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace keyrack {
namespace {

using testing::ElementsAre;
using strings = small_vector<std::string, 2>;

const std::string far = "a text that is too long to lie inside a string";

TEST(SmallVector, IsNoLargerThanAHeaderAndItsValues) {
  EXPECT_EQ(sizeof(small_vector<std::int64_t, 2>), 24U);
  EXPECT_EQ(sizeof(small_vector<std::string, 0>), 16U);
}

TEST(SmallVector, CopiesAndMovesWithItsValuesInsideAndOutside) {
  for (const auto& values : {strings{}, strings{far}, strings{far, "b"}, strings{far, "b", far, "d"}}) {
    strings copy = values;
    EXPECT_EQ(copy, values);
    strings moved = std::move(copy);
    EXPECT_EQ(moved, values);
    EXPECT_TRUE(copy.empty());  // NOLINT: it says so
    strings assigned{"x", "y", "z"};
    assigned = values;
    EXPECT_EQ(assigned, values);
    strings move_assigned{"x"};
    move_assigned = std::move(assigned);
    EXPECT_EQ(move_assigned, values);
    auto& itself = move_assigned;
    move_assigned = itself;
    EXPECT_EQ(move_assigned, values);
  }
}

TEST(SmallVector, HoldsWhatCanOnlyBeMoved) {
  small_vector<std::unique_ptr<int>, 1> owners;
  for (int i = 0; i < 5; ++i) owners.push_back(std::make_unique<int>(i));
  auto moved = std::move(owners);
  ASSERT_EQ(moved.size(), 5U);
  EXPECT_EQ(*moved.back(), 4);
}

TEST(SmallVector, AppendsWhatLiesInItself) {
  strings values{far, "b"};
  values.push_back(values.front());
  values.emplace_back(values[1]);
  EXPECT_THAT(values, ElementsAre(far, "b", far, "b"));
  values.assign(5, values[1]);
  EXPECT_THAT(values, ElementsAre("b", "b", "b", "b", "b"));
}

TEST(SmallVector, CopiesHaveNoSpareRoom) {
  small_vector<std::int64_t, 2> values;
  for (int i = 0; i < 9; ++i) values.push_back(i);
  EXPECT_GT(values.capacity(), 9U);
  const auto copy = values;
  EXPECT_EQ(copy.capacity(), 9U);
}

using SmallVectorDeathTest = testing::Test;
TEST(SmallVectorDeathTest, StopsTheProgramWhenItIsReadPastItsEnd) {
  const strings values{"a"};
  EXPECT_DEATH((void)values[1], "broken invariant");
  EXPECT_DEATH((void)strings{}.back(), "broken invariant");
}

RC_GTEST_PROP(SmallVector, DoesAsAVectorDoes, (const std::vector<std::pair<std::uint8_t, std::string>>& steps)) {
  strings small;
  std::vector<std::string> large;
  for (const auto& [what, value] : steps) {
    switch (what % 6) {
    case 0:
    case 1:
    case 2:
      small.push_back(value);
      large.push_back(value);
      break;
    case 3:
      if (large.empty()) break;
      small.pop_back();
      large.pop_back();
      break;
    case 4:
      small.resize(value.size());
      large.resize(value.size());
      break;
    case 5: small = strings(large.begin(), large.end()); break;
    }
    RC_ASSERT(std::vector<std::string>(small.begin(), small.end()) == large);
  }
}

}  // namespace
}  // namespace keyrack
