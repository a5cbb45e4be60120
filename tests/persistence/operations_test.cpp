// Goal: what operators ask is done once and exactly, or refused with a code and changes nothing; whoever asks at the same time is
// judged by what the first has left; and what they see is what the rows say.
#include "cluster/plan.hpp"
#include "persistence/cluster_rows.hpp"
#include "persistence/operations.hpp"
#include "persistence/operations_questions.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace keyrack::persistence {
namespace {

using namespace keyrack::testing;
using ::testing::HasSubstr;

move_planner planner() {
  return {.upkeep = [](const cluster_rows& rows) { return cluster::plan(rows, {}, {.moves_max = 2'048}).move; },
          .rebalance = cluster::plan_rebalance,
          .at_a_time = 32};
}

class Operations : public ::testing::Test {
protected:
  /// A node as its registration makes it, reaching all that are there.
  void enter(std::int64_t incarnation, const std::string& name) {
    on.enter(incarnation);
    on.watch.run(fmt::format("UPDATE writers SET node = '{}' WHERE incarnation = {}", name, incarnation));
    on.watch.run(fmt::format("UPDATE nodes SET node = '{}' WHERE incarnation = {}", name, incarnation));
    on.watch.run("UPDATE nodes SET reaches = (SELECT array_agg(incarnation) FROM nodes)");
  }
  void leave(std::int64_t incarnation, const std::string& why) {
    on.watch.run(fmt::format("UPDATE writers SET fenced_at = now(), fenced_for = '{}' WHERE incarnation = {}", why,
                             incarnation));
    on.watch.run(fmt::format("DELETE FROM nodes WHERE incarnation = {}", incarnation));
  }
  /// Shards from `first` on, so many, are its.
  void own(std::int64_t incarnation, int first, int shards) {
    on.watch.run(fmt::format("UPDATE shards SET owner = {}, version = version + 1 WHERE shard BETWEEN {} AND {}",
                             incarnation, first, first + shards - 1));
  }
  /// node-1 and node-2 with half each, node-3 gone, node-1 coordinates.
  void SetUp() override {
    enter(11, "node-1");
    enter(12, "node-2");
    enter(13, "node-3");
    leave(13, "silent");
    own(11, 0, 512);
    own(12, 512, 512);
    store = make_cluster_store(settings(), 11, lineage());
    term = store->take_role({}).value();
  }
  keyrack::settings settings() {
    keyrack::settings s;
    s.database = on.database.settings();
    return s;
  }
  server_lineage lineage() {
    auto other = on.database.connect();
    return read_lineage(other, soon()).value();
  }
  /// One look of the coordinator, as the membership carries it out.
  void coordinate() {
    const auto rows = store->read().value();
    const auto actions = cluster::plan(rows, {.me = 11}, {});
    EXPECT_TRUE(actions.move.empty() || store->begin_moves(term, actions.move).has_value());
    EXPECT_TRUE(actions.refuse.empty() || store->refuse_wishes(term, actions.refuse).has_value());
    EXPECT_TRUE(!actions.rebalanced || store->finish_rebalance(term).has_value());
  }
  template <typename T>
  static T done(looked_up<T> found) {
    if (!found) throw std::runtime_error(found.error().message);
    if (const auto* no = std::get_if<failure>(&*found)) throw std::runtime_error(no->detail);
    return std::get<T>(std::move(*found));
  }
  template <typename T>
  static std::string refused(looked_up<T> found) {
    if (!found) return "error: " + found.error().message;
    const auto* no = std::get_if<failure>(&*found);
    return no == nullptr ? "done" : std::string{to_text(no->code)};
  }
  auto drain(const std::string& node) { return set_drained(c, planner(), node, true, soon()); }
  auto weigh(const std::string& node, int weight) { return set_weight(c, planner(), node, weight, soon()); }
  auto status() { return done(read_status(c, planner(), std::chrono::seconds{2}, soon())); }
  std::string wishes() {
    return on.watch.run("SELECT string_agg(node || ' ' || weight || ' ' || drained, ', ' ORDER BY node) FROM wishes");
  }
  std::string last_move() {
    return on.watch.run(
        "SELECT shard || ' ' || from_node || '>' || to_node || ' ' || outcome || ' ' || detail FROM moves ORDER BY id "
        "DESC LIMIT 1");
  }

  journal_database on;
  pg_connection c = on.database.connect("keyrack/0/cluster");
  std::unique_ptr<cluster_store> store;
  std::int64_t term = 0;
};

TEST_F(Operations, StatusSaysWhatTheRowsSay) {
  auto s = status();
  ASSERT_EQ(s.nodes.size(), 2u);
  EXPECT_EQ(s.nodes[0].row.name, "node-1");
  EXPECT_EQ(s.nodes[0].shards, 512);
  EXPECT_EQ(s.coordinator, "node-1");
  EXPECT_EQ(s.term, term);
  EXPECT_EQ(s.without_owner, 0);
  EXPECT_EQ(s.routes_version, 1'024);
  ASSERT_EQ(s.absent.size(), 1u);
  EXPECT_EQ(s.absent[0].name, "node-3");
  ASSERT_EQ(s.concerns.size(), 1u);
  EXPECT_THAT(s.concerns[0], HasSubstr("node-3 has been gone for"));

  on.watch.run("UPDATE nodes SET beat_at = now() - interval '14 seconds' WHERE incarnation = 12");
  leave(11, "gone");
  s = status();
  EXPECT_EQ(s.without_owner, 512);
  ASSERT_GE(s.concerns.size(), 3u);
  EXPECT_THAT(s.concerns[0], HasSubstr("512 of 1024 shards have no owner"));
  EXPECT_THAT(s.concerns[1], HasSubstr("Nobody coordinates"));
  EXPECT_THAT(s.concerns[2], HasSubstr("node-2 has been silent for"));
}

TEST_F(Operations, WithEveryNodeDeadTheStatusStillComes) {
  leave(11, "gone");
  leave(12, "gone");
  const auto s = status();
  EXPECT_TRUE(s.nodes.empty());
  EXPECT_EQ(s.absent.size(), 3u);
  EXPECT_THAT(s.concerns.at(0), HasSubstr("No node is running"));
  EXPECT_EQ(refused(drain("node-1")), "done") << "the others may come back";
  EXPECT_EQ(refused(drain("node-2")), "done");
  EXPECT_EQ(refused(drain("node-3")), "last_node");
}

TEST_F(Operations, ADrainTellsWhatFollowsAndIsTheSameTwice) {
  for (int times = 0; times < 2; ++times) {
    const auto change = done(drain("node-2"));
    EXPECT_TRUE(change.drained);
    EXPECT_EQ(change.shards, 512);
    EXPECT_EQ(change.follows, (std::vector<shard_flow>{{"node-2", "node-1", "drained", 512}}));
    EXPECT_EQ(change.cost.shards, 512);
    EXPECT_EQ(change.cost.each_p50, std::nullopt);
  }
  EXPECT_EQ(wishes(), "node-2 100 true");
  EXPECT_TRUE(done(set_drained(c, planner(), "node-2", false, soon())).follows.empty());
  EXPECT_EQ(done(weigh("node-2", 50)).weight, 50);
  EXPECT_EQ(wishes(), "node-2 50 false");
}

TEST_F(Operations, RefuseWhatWouldHurtAndChangeNothing) {
  EXPECT_EQ(refused(drain("node-9")), "node_unknown");
  EXPECT_EQ(refused(weigh("node-9", 1)), "node_unknown");
  EXPECT_EQ(refused(pin_shard(c, 7, "node-9", soon())), "node_unknown");
  EXPECT_EQ(refused(move_shard(c, 7, "node-9", soon())), "node_unknown");
  EXPECT_EQ(refused(pin_shard(c, 1'024, "node-1", soon())), "shard_unknown");
  EXPECT_EQ(refused(unpin_shard(c, -1, soon())), "shard_unknown");
  EXPECT_EQ(refused(move_shard(c, 7, "node-3", soon())), "node_unfit") << "not running";
  EXPECT_EQ(refused(move_shard(c, 7, "node-1", soon())), "already_there");
  EXPECT_EQ(wishes() + on.watch.run("SELECT count(*) FROM pins") + on.watch.run("SELECT count(*) FROM moves"), "00");

  done(drain("node-2"));
  EXPECT_EQ(refused(drain("node-1")), "last_node");
  EXPECT_EQ(refused(weigh("node-1", 0)), "last_node");
  EXPECT_EQ(refused(pin_shard(c, 7, "node-2", soon())), "node_unfit");
  EXPECT_EQ(refused(move_shard(c, 7, "node-2", soon())), "node_unfit");
  EXPECT_EQ(wishes(), "node-2 100 true");
}

TEST_F(Operations, OfTwoWhoDrainTheLastTwoNodesAtOnceOneIsRefused) {
  for (int round = 0; round < 10; ++round) {
    on.watch.run("DELETE FROM wishes");
    const auto ask = [&](const std::string& node) {
      return std::async(std::launch::async, [this, node] {
        auto mine = on.database.connect("keyrack/0/cluster");
        return refused(set_drained(mine, planner(), node, true, soon()));
      });
    };
    auto one = ask("node-1");
    auto two = ask("node-2");
    const auto said = one.get() + " " + two.get();
    EXPECT_TRUE(said == "done last_node" || said == "last_node done") << said;
  }
}

TEST_F(Operations, PinsAndUnpinsTellWhereTheShardIs) {
  const auto pinned = done(pin_shard(c, 7, "node-2", soon()));
  EXPECT_EQ(pinned.owner + (pinned.moves ? " moves" : " stays"), "node-1 moves");
  EXPECT_FALSE(done(pin_shard(c, 600, "node-2", soon())).moves);
  EXPECT_FALSE(done(pin_shard(c, 8, "node-3", soon())).moves) << "that is not running";
  EXPECT_EQ(status().nodes[1].pinned, 2);
  EXPECT_EQ(refused(move_shard(c, 600, "node-1", soon())), "shard_pinned");
  EXPECT_EQ(done(unpin_shard(c, 600, soon())).pinned_to, "");
  EXPECT_EQ(done(unpin_shard(c, 600, soon())).pinned_to, "") << "again";
  EXPECT_EQ(refused(move_shard(c, 600, "node-1", soon())), "done");
}

TEST_F(Operations, AMoveIsAskedForBegunAndDoneOnce) {
  const auto asked = done(move_shard(c, 7, "node-2", soon()));
  EXPECT_EQ(asked.outcome, "asked");
  EXPECT_EQ(done(move_shard(c, 7, "node-2", soon())).id, asked.id);
  EXPECT_EQ(status().moves_asked, 1);
  coordinate();
  EXPECT_EQ(last_move(), "7 node-1>node-2 moving ");
  EXPECT_EQ(done(move_shard(c, 7, "node-2", soon())).id, asked.id);
  enter(14, "node-4");
  EXPECT_EQ(refused(move_shard(c, 7, "node-4", soon())), "move_open");
  const auto s = status();
  EXPECT_EQ(s.moving, 1);
  EXPECT_EQ(s.moves, (std::vector<shard_flow>{{"node-1", "node-2", "operator", 1}}));
}

// Goal: a status is of one moment: what it counts as under way is what it lists, though a move begins or ends as it reads.
TEST_F(Operations, AStatusDoesNotContradictItselfWhenAMoveBeginsOrEndsWhileItReads) {
  const std::vector<std::string> changes{
      "UPDATE shards SET target = 12, version = version + 1 WHERE shard = 7; INSERT INTO moves (shard, from_node, "
      "to_node, reason, begun_at, outcome) VALUES (7, 'node-1', 'node-2', 'operator', now(), 'moving')",
      "UPDATE shards SET owner = 12, target = NULL, version = version + 1 WHERE shard = 7; UPDATE moves SET "
      "outcome = 'moved', ended_at = now()"};
  int moves = 1;
  for (const auto& change : changes) {
    raw_session doorman{on.database.settings()};
    doorman.run("BEGIN; LOCK TABLE moves IN ACCESS EXCLUSIVE MODE");
    auto reading = std::async(std::launch::async, [this] { return status(); });
    ASSERT_TRUE(eventually([&] { return on.waits("keyrack/0/cluster"); })) << "the shards have been read, moves not";
    doorman.run(change + "; COMMIT");
    const auto s = reading.get();
    const auto listed = s.moves.empty() ? 0 : s.moves.front().shards;
    EXPECT_EQ(s.moving, moves);
    EXPECT_EQ(listed, moves);
    EXPECT_EQ(s.nodes.at(0).shards, moves == 1 ? 512 : 511);
    moves = 0;
  }
}

// Goal: nobody waits for ever for what cannot come true.
TEST_F(Operations, AWishThatCannotComeTrueEndsRefusedWithItsReason) {
  done(move_shard(c, 7, "node-2", soon()));
  done(drain("node-2"));
  coordinate();
  EXPECT_EQ(on.watch.run("SELECT outcome || ': ' || detail FROM moves WHERE shard = 7 AND reason = 'operator'"),
            "refused: the node is drained");
  done(set_drained(c, planner(), "node-2", false, soon()));
  on.watch.run("UPDATE shards SET target = NULL; UPDATE moves SET ended_at = now(), outcome = 'called off' WHERE "
               "ended_at IS NULL");
  done(move_shard(c, 8, "node-2", soon()));
  leave(12, "gone");
  coordinate();
  EXPECT_EQ(on.watch.run("SELECT detail FROM moves WHERE shard = 8 AND reason = 'operator'"),
            "the node is not running");
}

TEST_F(Operations, ARebalanceIsShownAskedForOnceAndEnds) {
  EXPECT_TRUE(done(rebalance(c, planner(), false, soon())).moves.empty()) << "even already";
  EXPECT_EQ(on.watch.run("SELECT rebalance_asked FROM coordinator"), "f");
  own(11, 512, 20);
  const auto shown = done(rebalance(c, planner(), true, soon()));
  EXPECT_EQ(shown.moves.size(), 20u);
  EXPECT_EQ(shown.nodes.at(0).before, 532);
  EXPECT_EQ(shown.nodes.at(0).after, 512);
  EXPECT_FALSE(shown.asked);
  EXPECT_EQ(on.watch.run("SELECT rebalance_asked FROM coordinator"), "f");
  EXPECT_TRUE(done(rebalance(c, planner(), false, soon())).asked);
  EXPECT_EQ(refused(rebalance(c, planner(), false, soon())), "rebalance_running");
  EXPECT_EQ(status().left.shards, 20);
  coordinate();
  EXPECT_EQ(status().moving, 20);
  on.watch.run("UPDATE shards SET owner = target, target = NULL, version = version + 1 WHERE target IS NOT NULL");
  coordinate();
  EXPECT_FALSE(status().rebalance_running);
}

TEST_F(Operations, MovesAreListedNewestFirstAndOldOnesForgotten) {
  on.watch.run("INSERT INTO moves (shard, from_node, to_node, reason, begun_at, ended_at, outcome) SELECT 7, 'node-1', "
               "'node-2', "
               "'balance', now() - interval '40 ms', now(), 'moved' FROM generate_series(1, 10500)");
  const auto first = done(persistence::list_moves(c, std::nullopt, 2, soon()));
  ASSERT_EQ(first.rows.size(), 2u);
  EXPECT_TRUE(first.more);
  const auto second = done(persistence::list_moves(c, first.rows.back().id, 2, soon()));
  EXPECT_EQ(second.rows.front().id, first.rows.front().id - 2);
  EXPECT_EQ(status().left.each_p50, std::chrono::milliseconds{40});
  done(move_shard(c, 7, "node-2", soon()));
  coordinate();
  // The statement that begins one does not see it yet.
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM moves WHERE ended_at IS NOT NULL"), "9999");
}

TEST_F(Operations, AHotelIsFoundWithItsShardAndSequence) {
  const hotel_id hotel{77};
  EXPECT_EQ(refused(find_hotel(c, hotel, soon())), "hotel_unknown");
  journal_database::insert_foreign(on.watch, 77, 1);
  journal_database::insert_foreign(on.watch, 77, 2);
  const auto place = done(find_hotel(c, hotel, soon()));
  EXPECT_EQ(place.shard, shard_of(hotel));
  EXPECT_EQ(place.sequence, 2u);
  EXPECT_EQ(place.owner, place.shard < 512 ? "node-1" : "node-2");
}

TEST_F(Operations, ThePortAnswersThroughItsPool) {
  metrics counted;
  pg_operations port{{.database = on.database.settings(),
                      .planner = planner(),
                      .grace = std::chrono::seconds{2},
                      .counted = counted.records}};
  const auto later = steady_now() + std::chrono::seconds{20};
  std::promise<record_result<node_change>> drained;
  port.set_drained("node-1", true, later, [&](auto r) { drained.set_value(std::move(r)); });
  EXPECT_TRUE(std::get<node_change>(drained.get_future().get()).drained);
  std::promise<record_result<node_change>> wrong;
  port.set_drained("node-2", true, later, [&](auto r) { wrong.set_value(std::move(r)); });
  EXPECT_EQ(std::get<failure>(wrong.get_future().get()).code, errc::last_node);
  std::promise<record_result<cluster_status>> seen;
  port.status(later, [&](auto r) { seen.set_value(std::move(r)); });
  EXPECT_EQ(std::get<cluster_status>(seen.get_future().get()).nodes.size(), 2u);
}

// Goal: a connection that died while nobody used it is no reason to be in doubt.
TEST_F(Operations, ADeadConnectionIsReplacedUnseen) {
  metrics counted;
  pg_operations port{{.database = on.database.settings(),
                      .planner = planner(),
                      .grace = std::chrono::seconds{2},
                      .counted = counted.records}};
  const auto later = steady_now() + std::chrono::seconds{20};
  for (int times = 0; times < 3; ++times) {
    std::promise<record_result<node_change>> drained;
    port.set_drained("node-1", true, later, [&](auto r) { drained.set_value(std::move(r)); });
    EXPECT_TRUE(std::holds_alternative<node_change>(drained.get_future().get()));
    on.end_backends("keyrack/0/records");
  }
}

}  // namespace
}  // namespace keyrack::persistence
