// Goal: an operator's wish begins, waits for what is in its way, or ends refused with its reason; none waits for ever.
#include "cluster/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace keyrack::cluster {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// node-1 and node-2 with half of the shards each; shard 7, which is node-1's, is wished for at node-2.
cluster_rows wished() {
  cluster_rows rows;
  for (int n = 1; n <= 2; ++n) {
    rows.nodes.push_back(
        {.incarnation = n, .name = "node-" + std::to_string(n), .reaches = {3 - n}, .connected = true});
  }
  for (int s = 0; s < shards_count; ++s) rows.shards[static_cast<std::size_t>(s)] = {.owner = s % 2 == 1 ? 1 : 2};
  rows.coordinator = {.holder = 1, .term = 1, .beat = 1};
  rows.wishes = {{.id = 5, .shard = 7, .node = "node-2"}};
  return rows;
}

TEST(PlanWishes, BeginWhenNothingIsInTheWay) {
  const auto actions = plan(wished(), {.me = 1}, {});
  ASSERT_THAT(actions.move, SizeIs(1));
  EXPECT_EQ(actions.move.front().wish, 5);
  EXPECT_THAT(actions.refuse, IsEmpty());
}

TEST(PlanWishes, WaitForAMoveThatIsUnderWay) {
  auto rows = wished();
  rows.shards[7].target = 2;
  const auto actions = plan(rows, {.me = 1}, {});
  EXPECT_THAT(actions.move, IsEmpty());
  EXPECT_THAT(actions.refuse, IsEmpty());
}

TEST(PlanWishes, WaitForANodeThatIsCutOffForTheMoment) {
  const auto actions = plan(wished(), {.me = 1, .cut_off = {2}}, {});
  EXPECT_THAT(actions.refuse, IsEmpty());
}

struct hopeless_wish {
  std::string reason;
  std::function<void(cluster_rows&)> because;
};

TEST(PlanWishes, ThatCannotComeTrueAreRefused) {
  const std::vector<hopeless_wish> all = {
      {"the node is not running", [](auto& rows) { rows.wishes[0].node = "node-9"; }},
      {"the node is stopping", [](auto& rows) { rows.nodes[1].leaving = true; }},
      {"the node is drained", [](auto& rows) { rows.nodes[1].drained = true; }},
      {"the node has weight 0", [](auto& rows) { rows.nodes[1].weight = 0; }},
      {"the shard is pinned to another node", [](auto& rows) { rows.pins[7] = "node-1"; }},
      {"the shard is there already", [](auto& rows) { rows.shards[7].owner = 2; }},
  };
  for (const auto& one : all) {
    auto rows = wished();
    one.because(rows);
    const auto actions = plan(rows, {.me = 1}, {});
    ASSERT_THAT(actions.refuse, SizeIs(1)) << one.reason;
    EXPECT_EQ(actions.refuse.front(), (refused_wish{5, one.reason}));
    EXPECT_FALSE(actions.empty());
    for (const auto& m : actions.move) EXPECT_EQ(m.wish, 0) << one.reason;
  }
}

// Of two lives of one name the wish is for the later.
TEST(PlanWishes, MeanTheLaterLifeOfANode) {
  auto rows = wished();
  rows.nodes.push_back({.incarnation = 3, .name = "node-2", .connected = true});
  rows.nodes[1].leaving = true;
  const auto actions = plan(rows, {.me = 1}, {});
  EXPECT_THAT(actions.refuse, IsEmpty());
}

}  // namespace
}  // namespace keyrack::cluster
