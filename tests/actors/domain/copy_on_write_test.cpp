// Goal: a copy never sees what is written to the other, and values are copied only where both are held.
#include "actors/domain/copy_on_write.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace keyrack {
namespace {

using shared = copy_on_write<std::vector<std::string>>;

TEST(CopyOnWrite, SharesUntilOneIsWritten) {
  shared a;
  a.own().push_back("one");
  const shared b = a;
  EXPECT_EQ(&*a, &*b);
  a.own().push_back("two");
  EXPECT_NE(&*a, &*b);
  EXPECT_EQ(b->size(), 1U);
  EXPECT_EQ(a->size(), 2U);
}

TEST(CopyOnWrite, CopiesNothingForASingleHolder) {
  shared a;
  const auto* value = &*a;
  { const shared b = a; }
  EXPECT_EQ(&a.own(), value);
  shared moved = std::move(a);
  EXPECT_EQ(&moved.own(), value);
  shared assigned;
  assigned = std::move(moved);
  EXPECT_EQ(&assigned.own(), value);
}

TEST(CopyOnWrite, IsReadByOneThreadWhileAnotherWrites) {
  shared a;
  for (int round = 0; round < 200; ++round) {
    a.own().assign(20, std::to_string(round));
    std::jthread reader([copy = a, round] {
      for (const auto& text : *copy) EXPECT_EQ(text, std::to_string(round));
    });
    for (int i = 0; i < 20; ++i) a.own().push_back("more");
  }
}

}  // namespace
}  // namespace keyrack
