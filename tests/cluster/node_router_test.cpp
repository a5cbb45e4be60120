// Goal: a request whose hotel changes hands, has no owner, or is cut off is answered once and truly: by the owner it ends up
// with, or by the router; and what waits is counted and bounded.
#include "cluster/forwarding.hpp"
#include "cluster/node_router.hpp"
#include "cluster/wire_codec.hpp"
#include "persistence/value_codec.hpp"
#include "tests/cluster/transport/nodes.hpp"
#include "tests/support/hotel_host.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace keyrack::cluster {
namespace {

using keyrack::testing::collector;
using keyrack::testing::create_command;
using keyrack::testing::request_of;

constexpr hotel_id hotel{42};
const failure moving{errc::moving, outcome::not_applied, "on its way"};
const failure broke{errc::unavailable, outcome::unknown, "the link broke"};

/// The other nodes. Each keeps what it gets, or does at once what it was told to do.
struct fake_peers : peer_port {
  using doing = std::function<void(const envelope_ptr&)>;
  void forward(incarnation_id to, std::int64_t, envelope_ptr e) override {
    doing act;
    {
      const std::scoped_lock lock{mutex};
      ++sent[to];
      if (const auto found = does.find(to); found != does.end()) act = found->second;
      if (!act) kept[to].push_back(e);
    }
    came.notify_all();
    if (act) act(e);
  }
  void tell(incarnation_id who, doing what) {
    const std::scoped_lock lock{mutex};
    does[who] = std::move(what);
  }
  /// The next that `from` has kept, once there is one.
  envelope_ptr take(incarnation_id from) {
    std::unique_lock lock{mutex};
    if (!came.wait_for(lock, patience, [&] { return !kept[from].empty(); })) {
      ADD_FAILURE() << "nothing came to " << from;
      return nullptr;
    }
    auto e = kept[from].front();
    kept[from].erase(kept[from].begin());
    return e;
  }
  int sent_to(incarnation_id to) {
    const std::scoped_lock lock{mutex};
    return sent[to];
  }
  std::mutex mutex;
  std::condition_variable came;
  std::map<incarnation_id, doing> does;  // in place of keeping it
  std::map<incarnation_id, std::vector<envelope_ptr>> kept;
  std::map<incarnation_id, int> sent;
};

void serve(const envelope_ptr& e) {
  e->reply_to->deliver({{e->correlation, {.hotel = e->hotel, .rests_on = durable{}, .body = done{}}}});
}

class NodeRouter : public ::testing::Test {
protected:
  NodeRouter() { use({.retry_after = 5ms}); }
  ~NodeRouter() override { router->use_peers(nullptr); }
  void use(parking::bounds bounds) {
    router = node_router::start(system, bounds, counters);
    router->use_peers(peers);
  }
  void give_to(incarnation_id owner) { router->use_owners(rows_of(owner)); }
  cluster_rows rows_of(incarnation_id owner) {
    cluster_rows rows;
    std::ranges::fill(rows.shards, shard_row{.owner = owner, .version = ++version});
    return rows;
  }
  std::uint64_t send(std::chrono::nanoseconds time = 20s) {
    const auto n = ++last;
    router->send(request_of(hotel, create_command(), n, answers, n, time));
    return n;
  }
  bool served(std::uint64_t n) { return std::holds_alternative<done>(answers->of(n).body); }
  failure failed(std::uint64_t n) {
    const auto a = answers->of(n);
    const auto* why = std::get_if<failure>(&a.body);
    EXPECT_TRUE(why) << "it was served";
    return why == nullptr ? failure{} : *why;
  }
  double parked() const { return counters.router.parked.value(); }

  keyrack::testing::actor_config config;
  metrics counters;
  caf::actor_system system{config};
  std::shared_ptr<fake_peers> peers = std::make_shared<fake_peers>();
  std::shared_ptr<node_router> router;
  std::shared_ptr<collector> answers = std::make_shared<collector>();
  std::int64_t version = 0;
  std::uint64_t last = 0;
};

TEST_F(NodeRouter, FollowsAHotelThatMovesTwiceWhileItsRequestWaits) {
  use({.retry_after = 10s});  // long: what is tried before is tried because routes have changed
  give_to(2);
  const auto n = send();
  router->bounce({peers->take(2)}, moving);
  EXPECT_EQ(parked(), 1);
  // Whoever tries again is held up with the first, so that both changes come while the second waits.
  std::promise<void> held_up;
  std::promise<void> go_on;
  peers->tell(3, [&](const envelope_ptr& e) {
    if (e->correlation == n) {
      held_up.set_value();
      go_on.get_future().wait_for(patience);
    }
    router->bounce({e}, moving);
  });
  give_to(3);
  ASSERT_EQ(held_up.get_future().wait_for(patience), std::future_status::ready);
  const auto second = send();  // given back at once
  EXPECT_EQ(parked(), 1);
  give_to(2);
  give_to(4);
  peers->tell(4, serve);
  go_on.set_value();
  EXPECT_TRUE(served(n));
  EXPECT_TRUE(served(second));
  EXPECT_EQ(peers->sent_to(2), 1) << "it went to an owner between";
  EXPECT_EQ(peers->sent_to(4), 2);
  EXPECT_EQ(parked(), 0);
}

TEST_F(NodeRouter, TellsWhatItKnowsWhenTheDeadlinePassesWhileARequestWaits) {
  const auto why = failed(send(60ms));  // nobody owns anything
  EXPECT_EQ(why.code, errc::unavailable);
  EXPECT_EQ(why.outcome, outcome::not_applied);
  EXPECT_EQ(counters.router.deadlines.value(), 1u);
  EXPECT_GE(counters.router.retries.of({"unavailable"}).value(), 1u);
  EXPECT_EQ(counters.router.given_up.of({"unavailable"}).value(), 1u);
  EXPECT_EQ(parked(), 0);
}

TEST_F(NodeRouter, StaysInDoubtUntilTheDeadlinePasses) {
  give_to(2);
  const auto n = send(300ms);
  const auto e = peers->take(2);
  give_to(0);
  router->bounce({e}, broke);
  const auto why = failed(n);
  EXPECT_EQ(why.code, errc::unavailable);
  EXPECT_EQ(why.outcome, outcome::unknown);
  EXPECT_EQ(parked(), 0);
}

TEST_F(NodeRouter, TurnsAwayWhatIsOverItsBound) {
  use({.retry_after = 10s, .parked_max = 1});
  give_to(2);
  for (int n = 0; n < 3; ++n) send();
  router->bounce({peers->take(2)}, moving);
  router->bounce({peers->take(2)}, moving);
  router->bounce({peers->take(2)}, broke);
  const auto refused = failed(2);
  EXPECT_EQ(refused.code, errc::overloaded);
  EXPECT_EQ(refused.outcome, outcome::not_applied);
  EXPECT_EQ(failed(3).outcome, outcome::unknown) << "it may have been applied before it came back";
  EXPECT_EQ(parked(), 1);
  peers->tell(2, serve);
  give_to(2);
  EXPECT_TRUE(served(1));
  EXPECT_EQ(parked(), 0);
}

TEST_F(NodeRouter, LosesNobodyAndAnswersNobodyTwice) {
  constexpr std::uint64_t each = 400;
  constexpr std::uint64_t threads = 4;
  peers->tell(2, [this](const envelope_ptr& e) { router->bounce({e}, moving); });
  peers->tell(3, serve);
  peers->tell(4, [this](const envelope_ptr& e) { router->bounce({e}, broke); });
  {
    std::vector<std::jthread> clients;
    for (std::uint64_t t = 0; t < threads; ++t) {
      clients.emplace_back([this, t] {
        for (std::uint64_t n = t * each + 1; n <= (t + 1) * each; ++n) {
          router->send(request_of(hotel, create_command(), n, answers, n, 20s));
        }
      });
    }
    for (const incarnation_id owner : {2, 0, 4, 2, 3, 2, 4, 0, 2}) {
      give_to(owner);
      std::this_thread::yield();
    }
  }
  give_to(3);
  for (std::uint64_t n = 1; n <= threads * each; ++n) ASSERT_TRUE(served(n)) << n;
  EXPECT_EQ(parked(), 0);
}

/// A guest at a node that is linked with another over real sockets.
class NodeRouterLinked : public NodeRouter {
protected:
  struct no_lease : read_lease {
    bool covers(const leased&) const override { return false; }
    void await_beat(const leased&, steady_instant, std::function<void(bool)> then) override { then(false); }
  };
  no_lease lease;
};

TEST_F(NodeRouterLinked, DropsAReplyThatComesAfterItsRetryWasAnswered) {
  std::promise<transport::respond> asked;
  std::promise<transport::respond> asked_again;
  std::atomic<int> asked_old{0};
  node old_owner{2, [&](auto, auto, auto, transport::respond r) {
                   if (asked_old++ > 0) return r("here");
                   asked.set_value(std::move(r));
                 }};
  node new_owner{3, [&](auto, auto, auto, transport::respond r) { asked_again.set_value(std::move(r)); }};
  node near{1};
  const auto port = std::make_shared<forwarding>(forwarding::environment{.router = router,
                                                                         .lease = lease,
                                                                         .values = persistence::disk_value_codec(),
                                                                         .counters = counters,
                                                                         .on_routes_changed = [] {},
                                                                         .on_prepare = {}});
  port->use(near.net);
  router->use_peers(port);
  const transport::peer both[]{{.incarnation = 2, .address = old_owner.address()},
                               {.incarnation = 3, .address = new_owner.address()}};
  near.net->use_peers({both[0], both[1]});
  ASSERT_TRUE(near.wait_link(2, link_state::linked));
  ASSERT_TRUE(near.wait_link(3, link_state::linked));

  give_to(2);
  const auto n = send();
  auto first = asked.get_future();
  ASSERT_EQ(first.wait_for(patience), std::future_status::ready);
  give_to(3);
  near.net->use_peers({both[1]});  // the link to the old owner is closed under the request
  auto second = asked_again.get_future();
  ASSERT_EQ(second.wait_for(patience), std::future_status::ready) << "it is not tried again";
  const auto answer_of = [](errc code) {
    return encode_answer({.hotel = hotel, .rests_on = durable{}, .body = refusal{.code = code}},
                         persistence::disk_value_codec());
  };
  second.get()(answer_of(errc::sold_out));
  const auto a = answers->of(n);
  near.net->use_peers({both[0], both[1]});
  ASSERT_TRUE(near.wait_link(2, link_state::linked));
  first.get()(answer_of(errc::room_type_unknown));  // `answers` takes none twice
  EXPECT_TRUE(got(near.ask(2, "whatever was sent before has come")));
  const auto* told = std::get_if<refusal>(&a.body);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, errc::sold_out);
  EXPECT_EQ(parked(), 0);
  router->use_peers(nullptr);
  port->use(nullptr);
}

}  // namespace
}  // namespace keyrack::cluster
