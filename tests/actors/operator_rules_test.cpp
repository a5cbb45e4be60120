// Goal: what an operator may do depends on the rows alone, every refusal says what to do instead, and what is not well is said
// with the most urgent first. (What HTTP makes of refusals is in tests/gateway/cluster_test.cpp.)
#include "actors/domain/shard.hpp"
#include "actors/operator_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace keyrack {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

operators_view two_nodes() {
  operators_view all;
  for (int n = 1; n <= 2; ++n) {
    all.rows.nodes.push_back(
        {.incarnation = n, .name = "node-" + std::to_string(n), .reaches = {3 - n}, .connected = true});
  }
  for (int s = 0; s < shards_count; ++s) all.rows.shards[static_cast<std::size_t>(s)] = {.owner = s < 512 ? 1 : 2};
  all.rows.coordinator = {.holder = 2, .term = 4, .beat = 1};
  return all;
}
std::string code(const std::optional<failure>& no) { return no ? std::string{to_text(no->code)} : "may"; }

TEST(OperatorRules, ALastNodeIsOneBesideWhichNobodyMayHaveShards) {
  const std::vector<std::function<void(node_row&)>> unfit = {
      [](auto& n) { n.drained = true; }, [](auto& n) { n.weight = 0; }, [](auto& n) { n.leaving = true; }};
  EXPECT_EQ(code(refuse_drain(two_nodes(), "node-1")), "may");
  for (const auto& make : unfit) {
    auto all = two_nodes();
    make(all.rows.nodes[1]);
    EXPECT_EQ(code(refuse_drain(all, "node-1")), "last_node");
    EXPECT_EQ(code(refuse_weight(all, "node-1", 0)), "last_node");
    EXPECT_EQ(code(refuse_weight(all, "node-1", 1)), "may");
    EXPECT_EQ(code(refuse_resume(all, "node-2")), "may");
  }
  auto all = two_nodes();
  all.rows.nodes.pop_back();
  all.absent.push_back({.name = "node-2"});
  EXPECT_EQ(code(refuse_drain(all, "node-1")), "last_node") << "who is not there takes no shards";
  all.rows.nodes[0].drained = true;
  EXPECT_EQ(code(refuse_drain(all, "node-1")), "may") << "it is already";
}

TEST(OperatorRules, TwoLivesOfOneNameAreOneNode) {
  auto all = two_nodes();
  all.rows.nodes[1].name = "node-1";
  EXPECT_EQ(code(refuse_drain(all, "node-1")), "last_node");
  EXPECT_EQ(node_named(all.rows, "node-1")->incarnation, 2);
}

TEST(OperatorRules, AMoveIsToANodeThatCanTakeIt) {
  auto all = two_nodes();
  EXPECT_EQ(code(refuse_move(all, 7, "node-2")), "may");
  EXPECT_EQ(code(refuse_move(all, 1'024, "node-2")), "shard_unknown");
  EXPECT_EQ(code(refuse_move(all, 7, "node-1")), "already_there");
  all.rows.shards[7].target = 2;
  all.open = {{.id = 1, .shard = 7, .to = "node-2", .outcome = "moving"}};
  EXPECT_EQ(code(refuse_move(all, 7, "node-2")), "may") << "it is that move";
  EXPECT_EQ(code(refuse_move(all, 7, "node-1")), "move_open");
  all.rows.nodes[1].leaving = true;
  EXPECT_EQ(code(refuse_move(all, 7, "node-2")), "node_unfit");
}

TEST(OperatorRules, APinToItselfIsNoReasonAgainstAMoveThere) {
  auto all = two_nodes();
  all.rows.pins[7] = "node-2";
  EXPECT_EQ(code(refuse_move(all, 7, "node-2")), "may");
  all.rows.pins[7] = "node-1";
  EXPECT_EQ(code(refuse_move(all, 7, "node-2")), "shard_pinned");
}

TEST(OperatorRules, BalanceCountsWhatIsUnderWayAsArrived) {
  auto all = two_nodes();
  all.rows.shards[0].target = 2;
  const auto balance = balance_of(all.rows, {{.shard = 1, .from = 1, .to = 2}});
  ASSERT_EQ(balance.size(), 2u);
  EXPECT_EQ(balance[0].before, 512);
  EXPECT_EQ(balance[0].after, 510);
  EXPECT_EQ(balance[1].after, 514);
}

class Concerns : public ::testing::Test {
protected:
  cluster_status now() {
    auto s = status_of(all);
    s.at = instant{1'800'000'000s};
    for (auto& n : s.nodes) n.started_at = s.at - 1h;
    return s;
  }
  operators_view all = two_nodes();
};

TEST_F(Concerns, AreNoneWhenAllIsWell) { EXPECT_THAT(concerns_of(now(), 2s), IsEmpty()); }

TEST_F(Concerns, SilenceIsSaidAndNotTakenForABrokenLink) {
  all.rows.nodes[0].reaches.clear();
  auto s = now();
  s.nodes[1].beat_age = 3s;
  EXPECT_THAT(concerns_of(s, 2s), ElementsAre(HasSubstr("node-2 has been silent for 3 s: it is frozen")));
  s.nodes[1].row.connected = false;
  EXPECT_THAT(concerns_of(s, 2s), ElementsAre(HasSubstr("its process is gone")));
  s.nodes[1].beat_age = 100ms;
  EXPECT_THAT(concerns_of(s, 2s), ElementsAre(HasSubstr("node-1 () and node-2 () do not reach each other")));
  s.nodes[1].row.version = "0.3.0";
  EXPECT_THAT(concerns_of(s, 2s), ElementsAre(HasSubstr("They run versions  and 0.3.0: their logs say")));
  s.nodes[1].started_at = s.at - 1s;
  EXPECT_THAT(concerns_of(s, 2s), IsEmpty()) << "it has just started";
}

TEST_F(Concerns, ShardsWithoutAnOwnerComeFirst) {
  all.rows.nodes.pop_back();
  all.absent.push_back({.name = "node-2", .gone_at = instant{1'800'000'000s} - 5s, .gone_for = "gone"});
  EXPECT_THAT(concerns_of(now(), 2s),
              ElementsAre(HasSubstr("512 of 1024 shards have no owner"), HasSubstr("Nobody coordinates"),
                          HasSubstr("node-2 has been gone for 5 s: its process ended")));
  all.rows.nodes.clear();
  EXPECT_THAT(concerns_of(now(), 2s).front(), HasSubstr("No node is running"));
}

TEST_F(Concerns, WhoLeftOrIsDrainedOrLongForgottenIsNotMissed) {
  all.absent = {{.name = "a", .gone_at = instant{1'800'000'000s}},
                {.name = "b", .drained = true, .gone_at = instant{1'800'000'000s}, .gone_for = "silent"},
                {.name = "c", .gone_at = instant{1'800'000'000s} - 25h, .gone_for = "silent"}};
  EXPECT_THAT(concerns_of(now(), 2s), IsEmpty());
  all.absent[0].pinned = 3;
  EXPECT_THAT(concerns_of(now(), 2s), ElementsAre(HasSubstr("3 shards are pinned to a")));
}

TEST_F(Concerns, NamesAreForgottenWhenNothingIsWishedOfThem) {
  const auto at = instant{1'800'000'000s};
  const absent_node gone{.name = "a", .gone_at = at - 25h};
  EXPECT_TRUE(is_forgotten(gone, at));
  EXPECT_FALSE(is_forgotten(gone, at - 2h));
  for (auto change : {+[](absent_node& n) { n.drained = true; }, +[](absent_node& n) { n.weight = 50; },
                      +[](absent_node& n) { n.pinned = 1; }, +[](absent_node& n) { n.gone_at.reset(); }}) {
    auto kept = gone;
    change(kept);
    EXPECT_FALSE(is_forgotten(kept, at));
  }
}

TEST_F(Concerns, NobodyWhoMayHaveShardsIsSaid) {
  for (auto& n : all.rows.nodes) n.drained = true;
  EXPECT_THAT(concerns_of(now(), 2s), ElementsAre(HasSubstr("Every running node is drained")));
}

}  // namespace
}  // namespace keyrack
