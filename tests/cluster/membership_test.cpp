// Goal: a node that looks at the rows does what `plan` says, once each, and in time; and what fails is tried again without
// holding up the rest.
#include "cluster/membership.hpp"
#include "persistence/value_codec.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/hotel_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using keyrack::testing::fake_transport;
using keyrack::testing::hotel_host;

constexpr incarnation_id me = 1;
constexpr incarnation_id other = 2;

/// The rows, in memory, as the database keeps them; and what was done to them.
struct fake_rows {
  std::mutex mutex;
  std::condition_variable changed;
  cluster_rows rows;
  bool readable = true;
  bool fences_succeed = true;
  bool beats = true;  ///< of the other nodes
  int looks = 0;
  int fences_tried = 0;
  std::vector<steady_instant> begun;       ///< moves
  std::vector<steady_instant> called_off;  ///< moves
  std::vector<bool> roles;                 ///< as `on_role` told them

  /// Waits for it, under the lock.
  template <typename Holds>
  bool until(Holds holds) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 20s, holds);
  }
  /// As it is now.
  template <typename What>
  auto see(What what) {
    const std::scoped_lock lock{mutex};
    return what();
  }
  template <typename Change>
  void change(Change what) {
    const std::scoped_lock lock{mutex};
    what(rows);
    changed.notify_all();
  }
  bool all_owned_by(incarnation_id who) const {
    return std::ranges::all_of(rows.shards, [who](const shard_row& s) { return s.owner == who; });
  }
};

class fake_store final : public cluster_store {
public:
  explicit fake_store(std::shared_ptr<fake_rows> rows) : at_(std::move(rows)) {}

  result<cluster_rows> read() override {
    return locked<cluster_rows>([&]() -> result<cluster_rows> {
      ++at_->looks;
      if (!at_->readable) return std::unexpected("the test keeps the rows away");
      for (auto& n : at_->rows.nodes) n.beat += n.incarnation == me || at_->beats ? 1 : 0;
      return result<cluster_rows>(std::in_place, at_->rows);
    });
  }
  result<std::int64_t> take_role(const coordinator_row& seen) override {
    return locked<std::int64_t>([&]() -> result<std::int64_t> {
      if (seen.term != at_->rows.coordinator.term) return 0;
      at_->rows.coordinator = {.holder = me, .term = seen.term + 1, .beat = 1};
      return seen.term + 1;
    });
  }
  result<bool> renew_role(std::int64_t term) override {
    return locked<bool>([&]() -> result<bool> {
      ++at_->rows.coordinator.beat;
      return at_->rows.coordinator.holder == me && at_->rows.coordinator.term == term;
    });
  }
  result<void> fence(incarnation_id who, std::string_view) override {
    return locked<void>([&]() -> result<void> {
      ++at_->fences_tried;
      if (!at_->fences_succeed) return std::unexpected("the test holds its lock");
      std::erase_if(at_->rows.nodes, [who](const node_row& n) { return n.incarnation == who; });
      return {};
    });
  }
  result<int> give(std::int64_t, const std::vector<gift>& gifts) override {
    return locked<int>([&]() -> result<int> {
      for (const auto& g : gifts) row(g.shard) = {.owner = g.to, .version = row(g.shard).version + 1};
      return static_cast<int>(gifts.size());
    });
  }
  result<int> begin_moves(std::int64_t, const std::vector<beginning_move>& moves) override {
    return locked<int>([&]() -> result<int> {
      for (const auto& m : moves) {
        row(m.shard).target = m.to;
        ++row(m.shard).version;
        at_->begun.push_back(steady_now());
      }
      return static_cast<int>(moves.size());
    });
  }
  result<int> call_off(std::int64_t, const std::vector<called_off>& moves) override {
    return locked<int>([&]() -> result<int> {
      for (const auto& m : moves) {
        row(m.shard).target = 0;
        ++row(m.shard).version;
        at_->called_off.push_back(steady_now());
      }
      return static_cast<int>(moves.size());
    });
  }
  result<int> refuse_wishes(std::int64_t, const std::vector<refused_wish>& wishes) override {
    return locked<int>([&]() -> result<int> {
      at_->rows.wishes.clear();
      return static_cast<int>(wishes.size());
    });
  }
  result<void> finish_rebalance(std::int64_t) override {
    return locked<void>([&]() -> result<void> {
      at_->rows.rebalance_asked = false;
      return {};
    });
  }
  result<void> tell_reach(const std::vector<incarnation_id>& reaches) override {
    return locked<void>([&]() -> result<void> {
      for (auto& n : at_->rows.nodes) {
        if (n.incarnation == me) n.reaches = reaches;
      }
      return {};
    });
  }
  result<void> tell_leaving() override {
    return locked<void>([&]() -> result<void> {
      for (auto& n : at_->rows.nodes) n.leaving = n.leaving || n.incarnation == me;
      return {};
    });
  }

private:
  template <typename T, typename Statement>
  result<T> locked(Statement what) {
    const std::scoped_lock lock{at_->mutex};
    auto done = what();
    at_->changed.notify_all();
    return done;
  }
  shard_row& row(shard_id shard) { return at_->rows.shards[static_cast<std::size_t>(shard)]; }

  const std::shared_ptr<fake_rows> at_;
};

class Membership : public ::testing::Test {
protected:
  Membership() {
    at->rows.nodes = {{.incarnation = me, .name = "mine", .connected = true}};
    peers->use(network);
  }
  ~Membership() override {
    members.reset();
    peers->use(nullptr);
  }
  void add_other() {
    at->rows.nodes.push_back({.incarnation = other, .name = "other", .actor_address = "other:1", .connected = true});
    network->set_link(other, link_state::linked);
    at->rows.nodes.back().reaches = {me};
    at->rows.nodes.front().reaches = {other};
  }
  void all_owned_by(incarnation_id who) { std::ranges::fill(at->rows.shards, shard_row{.owner = who, .version = 1}); }
  void start() {
    auto begun = membership::start({.me = me,
                                    .store = std::make_unique<fake_store>(at),
                                    .times = {.look_every = 5ms, .grace = 100ms, .move_deadline = 200ms},
                                    .limits = {},
                                    .router = host.router,
                                    .region = host.region,
                                    .network = network,
                                    .peers = peers,
                                    .counters = host.counters.cluster,
                                    .observer = std::make_shared<chronicle>(me, host.counters.cluster),
                                    .on_role = [this](incarnation_id, bool coordinates) {
                                      at->change([&](cluster_rows&) { at->roles.push_back(coordinates); });
                                    }});
    ASSERT_TRUE(begun) << begun.error();
    members = std::move(*begun);
  }

  hotel_host host{me};
  std::shared_ptr<fake_rows> at = std::make_shared<fake_rows>();
  std::shared_ptr<fake_transport> network = std::make_shared<fake_transport>();
  struct no_lease : read_lease {
    bool covers(const leased&) const override { return true; }
    void await_beat(const leased&, steady_instant, std::function<void(bool)> then) override { then(true); }
  } lease;
  std::shared_ptr<forwarding> peers =
      std::make_shared<forwarding>(forwarding::environment{.router = host.router,
                                                           .lease = lease,
                                                           .values = persistence::disk_value_codec(),
                                                           .counters = host.counters,
                                                           .on_routes_changed = [] {},
                                                           .on_prepare = {}});
  std::unique_ptr<membership> members;
};

TEST_F(Membership, DoesNotStartWithoutTheRows) {
  at->readable = false;
  EXPECT_FALSE(membership::start({.me = me,
                                  .store = std::make_unique<fake_store>(at),
                                  .router = host.router,
                                  .region = host.region,
                                  .network = network,
                                  .peers = peers,
                                  .counters = host.counters.cluster,
                                  .observer = std::make_shared<chronicle>(me, host.counters.cluster)}));
}

TEST_F(Membership, TakesTheRoleThatNobodyHasAndGivesOutTheShards) {
  start();
  EXPECT_TRUE(at->until([&] { return at->all_owned_by(me); }));
  EXPECT_TRUE(members->coordinates());
  EXPECT_TRUE(at->until([&] { return host.router->way_to({1}).here; })) << "the router is not told";
}

TEST_F(Membership, StepsBackWhenAnotherHasTheRole) {
  add_other();
  all_owned_by(me);
  start();
  ASSERT_TRUE(at->until([&] { return at->roles == std::vector{true}; }));
  at->change([](cluster_rows& rows) { rows.coordinator = {.holder = other, .term = 9, .beat = 1}; });
  EXPECT_TRUE(at->until([&] { return at->roles == std::vector{true, false}; }));
}

TEST_F(Membership, FencesWhoIsSilentAndTakesItsShards) {
  add_other();
  all_owned_by(other);
  at->rows.coordinator = {.holder = other, .term = 4, .beat = 1};
  at->beats = false;
  start();
  EXPECT_TRUE(at->until([&] { return at->all_owned_by(me); }));
  EXPECT_TRUE(at->see([&] { return at->rows.find(other) == nullptr; }));
  EXPECT_EQ(host.counters.cluster.fences.of({"silent"}).value(), 1u);
}

TEST_F(Membership, GoesOnWhenAFenceDoesNotSucceed) {
  add_other();
  all_owned_by(other);
  at->fences_succeed = false;
  at->beats = false;
  start();
  ASSERT_TRUE(at->until([&] { return at->fences_tried > 0; }));
  at->change([](cluster_rows& rows) { rows.shards[7] = {.version = 2}; });
  EXPECT_TRUE(at->until([&] { return at->rows.shards[7].owner == me; }));
  EXPECT_FALSE(at->see([&] { return at->all_owned_by(me); }));
  at->change([&](cluster_rows&) { at->fences_succeed = true; });
  EXPECT_TRUE(at->until([&] { return at->all_owned_by(me); }));
}

TEST_F(Membership, LetsAMoveRestThatItHasCalledOff) {
  add_other();
  all_owned_by(me);
  at->rows.shards[7].owner = other;
  at->rows.nodes.back().drained = true;  // so that this shard moves; its owner never hands it over
  start();
  ASSERT_TRUE(at->until([&] { return at->begun.size() >= 2; }));
  const auto begun = at->see([&] { return at->begun; });
  const auto called_off = at->see([&] { return at->called_off; });
  ASSERT_GE(called_off.size(), 1u);
  EXPECT_GE(called_off[0] - begun[0], 200ms);
  EXPECT_GE(begun[1] - called_off[0], 150ms);  // counted from before the statement
}

TEST_F(Membership, GivesAllAwayBeforeItLeaves) {
  add_other();
  all_owned_by(me);
  at->rows.coordinator = {.holder = other, .term = 4, .beat = 1};
  start();
  auto given = std::async(std::launch::async, [&] { return members->give_all_away(20s); });
  ASSERT_TRUE(at->until([&] { return at->rows.nodes.front().leaving; }));
  at->change([&](cluster_rows& rows) { std::ranges::fill(rows.shards, shard_row{.owner = other, .version = 2}); });
  EXPECT_TRUE(given.get());
}

TEST_F(Membership, DoesNotWaitForATakerWhenThereIsNone) {
  all_owned_by(me);
  start();
  EXPECT_TRUE(members->give_all_away(20s));
}

TEST_F(Membership, DoesNotWaitForRowsThatAreOutOfReach) {
  add_other();
  all_owned_by(me);
  at->rows.coordinator = {.holder = other, .term = 4, .beat = 1};
  start();
  at->change([&](cluster_rows&) { at->readable = false; });
  const auto before = steady_now();
  EXPECT_FALSE(members->give_all_away(60s)) << "the shards are still here";
  EXPECT_LT(steady_now() - before, 30s);
}

}  // namespace
}  // namespace keyrack::cluster
