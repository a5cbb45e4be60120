// Goal: operators see the cluster and steer it over HTTP; what would hurt is refused with a code and a sentence, and changes
// nothing.
#include "tests/gateway/dispatcher.hpp"

#include <gtest/gtest.h>

namespace keyrack::testing {
namespace {

struct wrong {
  std::string method;
  std::string target;
  std::string body;
  unsigned status;
  std::string code;
  std::string says;  ///< a part of the detail
};

class ClusterRoutes : public ::testing::Test {
protected:
  void refuses(const wrong& w) {
    const auto got = at.send(w.method, "/v1/cluster" + w.target, w.body);
    EXPECT_EQ(got.status, w.status) << w.target << got.body;
    EXPECT_EQ(got.code(), w.code) << w.target;
    EXPECT_EQ(got.outcome(), "not_applied");
    EXPECT_NE(text_of(got.json(), "detail").find(w.says), std::string::npos) << got.body;
  }
  dispatcher at;
};

TEST_F(ClusterRoutes, StatusSaysWhoIsThereWhatTheyHaveAndWhatIsWrong) {
  const auto got = at.send("GET", "/v1/cluster");
  ASSERT_EQ(got.status, 200) << got.body;
  const auto all = got.json();
  EXPECT_EQ(text_of(all, "well"), "false");
  EXPECT_EQ(
      text_of(all, "concerns"),
      R"(["node-3 has been gone for 5 min: it fell silent. The others take its shards over. Start it again, or drain node-3 if )"
      R"(it is not to come back."])");
  ASSERT_EQ(all.at("nodes").as_array().size(), 2);
  const auto& first = all.at("nodes").at(0);
  EXPECT_EQ(text_of(first, "name") + text_of(first, "shards"), "node-1512");
  EXPECT_EQ(text_of(all.at("coordinator"), "node"), "node-1");
  EXPECT_EQ(text_of(all.at("shards"), "without_owner"), "0");
  EXPECT_EQ(text_of(all, "routes_version"), "1024");
  EXPECT_EQ(text_of(all.at("absent").at(0), "name"), "node-3");
  at.operators.failing = failure{.code = errc::unavailable, .detail = "the database is away"};
  EXPECT_EQ(at.send("GET", "/v1/cluster").status, 503);
}

TEST_F(ClusterRoutes, AHotelIsFound) {
  const auto got = at.send("GET", "/v1/cluster/hotels/7k2m9qx4vd1h");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(text_of(got.json(), "sequence"), "17");
  EXPECT_EQ(text_of(got.json(), "moving_to"), "null");
  EXPECT_EQ(at.send("GET", "/v1/cluster/hotels/000000000001").code(), "hotel_unknown");
}

TEST_F(ClusterRoutes, ANodeIsDrainedAndResumedAsOftenAsOneLikes) {
  for (int times = 0; times < 2; ++times) {
    const auto drained = at.send("POST", "/v1/cluster/nodes/node-1/drain", "", "Idempotency-Key: k\r\n");
    ASSERT_EQ(drained.status, 200) << drained.body;
    EXPECT_EQ(text_of(drained.json(), "drained"), "true");
    EXPECT_EQ(drained.field("Idempotency-Key"), "k");
    EXPECT_EQ(text_of(drained.json().at("planned").at(0), "shards"), "512");
  }
  EXPECT_EQ(text_of(at.send("POST", "/v1/cluster/nodes/node-1/resume", "{}").json(), "drained"), "false");
  EXPECT_EQ(text_of(at.send("PUT", "/v1/cluster/nodes/node-1/weight", R"({"weight":50})").json(), "weight"), "50");
}

TEST_F(ClusterRoutes, AShardIsPinnedMovedAndUnpinned) {
  const auto pinned = at.send("PUT", "/v1/cluster/shards/7/pin", R"({"node":"node-2"})");
  ASSERT_EQ(pinned.status, 200) << pinned.body;
  EXPECT_EQ(text_of(pinned.json(), "moves"), "true");
  EXPECT_EQ(at.send("DELETE", "/v1/cluster/shards/7/pin").status, 204);
  const auto moved = at.send("POST", "/v1/cluster/shards/7/move", R"({"node":"node-2"})");
  ASSERT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(text_of(moved.json(), "outcome"), "asked");
  const auto again = at.send("POST", "/v1/cluster/shards/7/move", R"({"node":"node-2"})");
  EXPECT_EQ(text_of(again.json(), "id"), text_of(moved.json(), "id")) << "the same wish";
}

TEST_F(ClusterRoutes, ARebalanceIsShownBeforeItIsDoneAndDoneOnce) {
  const auto shown = at.send("POST", "/v1/cluster/rebalance?dry_run=true");
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(text_of(shown.json(), "asked"), "false");
  EXPECT_EQ(text_of(shown.json().at("nodes").at(0), "after"), "511");
  EXPECT_EQ(text_of(shown.json().at("cost"), "each_ms_p50"), "12");
  EXPECT_EQ(text_of(at.send("POST", "/v1/cluster/rebalance").json(), "asked"), "true");
  refuses({"POST", "/rebalance", "", 409, "rebalance_running", "not done yet"});
  EXPECT_EQ(at.send("POST", "/v1/cluster/rebalance?dry_run=true").status, 200);
}

TEST_F(ClusterRoutes, MovesAreListedNewestFirstAndInPages) {
  for (int i = 1; i <= 5; ++i) {
    at.operators.seen.open.push_back(
        {.id = i, .shard = 3, .to = "node-2", .reason = "balance", .outcome = "called off"});
  }
  at.operators.seen.open.back().begun_at = test_now();
  at.operators.seen.open.back().ended_at = test_now() + std::chrono::milliseconds{31};
  std::string seen;
  std::string next = "/v1/cluster/moves?limit=2";
  for (int pages = 0; !next.empty() && pages < 10; ++pages) {
    const auto got = at.send("GET", next);
    ASSERT_EQ(got.status, 200) << got.body;
    const auto all = got.json();
    for (const auto& m : all.at("data").as_array()) seen += text_of(m, "id") + " ";
    if (pages == 0) {
      EXPECT_EQ(text_of(all.at("data").at(0), "took_ms"), "31");
      EXPECT_EQ(text_of(all.at("data").at(0), "outcome"), "called_off");
    }
    const auto link = got.field("Link");
    next = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(seen, "5 4 3 2 1 ");
}

TEST_F(ClusterRoutes, RefuseWhatWouldHurt) {
  refuses({"POST", "/nodes/node-9/drain", "", 404, "node_unknown", "There are: node-1, node-2, node-3 (not running)"});
  refuses({"POST", "/nodes/node-9/resume", "", 404, "node_unknown", "node-9"});
  refuses({"PUT", "/nodes/node-9/weight", R"({"weight":1})", 404, "node_unknown", "node-9"});
  refuses({"PUT", "/shards/7/pin", R"({"node":"node-9"})", 422, "node_unknown", "node-9"});
  refuses({"POST", "/shards/7/move", R"({"node":"node-9"})", 422, "node_unknown", "node-9"});
  refuses({"POST", "/shards/7/move", R"({"node":"node-3"})", 409, "node_unfit", "not running"});
  refuses({"POST", "/shards/7/move", R"({"node":"node-1"})", 409, "already_there", "nothing moves"});

  at.send("POST", "/v1/cluster/nodes/node-2/drain");
  refuses({"POST", "/nodes/node-1/drain", "", 409, "last_node", "No other running node"});
  refuses({"PUT", "/nodes/node-1/weight", R"({"weight":0})", 409, "last_node", "above 0"});
  refuses({"PUT", "/shards/7/pin", R"({"node":"node-2"})", 409, "node_unfit", "resume node-2 first"});
  refuses({"POST", "/shards/7/move", R"({"node":"node-2"})", 409, "node_unfit", "resume node-2 first"});
  at.send("POST", "/v1/cluster/nodes/node-2/resume");

  at.send("PUT", "/v1/cluster/nodes/node-2/weight", R"({"weight":0})");
  refuses({"PUT", "/nodes/node-1/weight", R"({"weight":0})", 409, "last_node", "weight above 0, first"});
  refuses({"PUT", "/shards/7/pin", R"({"node":"node-2"})", 409, "node_unfit", "weight above 0 first"});
  at.send("PUT", "/v1/cluster/nodes/node-2/weight", R"({"weight":100})");

  at.send("PUT", "/v1/cluster/shards/7/pin", R"({"node":"node-1"})");
  refuses({"POST", "/shards/7/move", R"({"node":"node-2"})", 409, "shard_pinned", "unpin it first"});

  at.operators.seen.open.push_back({.id = 1, .shard = 600, .to = "node-3", .outcome = "moving"});
  refuses({"POST", "/shards/600/move", R"({"node":"node-1"})", 409, "move_open", "to node-3 is under way"});
}

}  // namespace
}  // namespace keyrack::testing
