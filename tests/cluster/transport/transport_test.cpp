// Goal: over real sockets and CAF's network, every request is answered once, in time, and truly, whatever the other side is.
#include "nodes.hpp"
#include "raw_peer.hpp"

#include <gmock/gmock.h>

#include <atomic>

namespace keyrack::cluster {
namespace {

using testing::HasSubstr;

// Keeps requests without answering them.
struct keeper {
  std::mutex mutex;
  std::condition_variable came;
  std::vector<transport::respond> kept;
  node::serving serving() {
    return [this](std::int64_t, const std::string&, steady_instant, transport::respond respond) {
      const std::scoped_lock lock{mutex};
      kept.push_back(std::move(respond));
      came.notify_all();
    };
  }
  bool wait(std::size_t count) {
    std::unique_lock lock{mutex};
    return came.wait_for(lock, patience, [&] { return kept.size() >= count; });
  }
};

void link_up(node& a, std::int64_t id, node& b) {
  a.net->use_peers({{.incarnation = id, .address = b.address()}});
  ASSERT_TRUE(a.wait_link(id, link_state::linked));
}

TEST(Transport, AsksAndAnswersInBothDirections) {
  node a{1};
  node b{2};
  link_up(a, 2, b);
  link_up(b, 1, a);
  EXPECT_EQ(*got(a.ask(2, "from a")), "from a");
  EXPECT_EQ(*got(b.ask(1, "from b")), "from b");
  const std::string large(5'000'000, 'x');
  const auto echoed = got(a.ask(2, large));
  EXPECT_TRUE(echoed && *echoed == large);
  EXPECT_GT(a.counters.transport.round_trip_seconds.sum(), 0);
}

TEST(Transport, AnswersTenThousandAtOnceEachOnce) {
  node a{1};
  node b{2};
  link_up(a, 2, b);
  constexpr int count = 10'000;
  std::vector<std::atomic<int>> times(count);
  std::atomic<int> wrong{0};
  std::atomic<int> left{count};
  std::promise<void> all;
  for (int i = 0; i < count; ++i) {
    a.net->send(2, std::to_string(i), steady_now() + 20s, [&, i](const transport::answer& x) {
      ++times[static_cast<std::size_t>(i)];
      if (!x || *x != std::to_string(i)) ++wrong;
      if (--left == 0) all.set_value();
    });
  }
  ASSERT_EQ(all.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(wrong, 0);
  for (const auto& each : times) ASSERT_EQ(each, 1);
  EXPECT_LT(a.counters.transport.frames.of({"out"}).value(), count) << "what waits is sent together";
}

TEST(Transport, APeerThatDiesLeavesPendingRequestsUnknownAndItsPortIsKnownToRefuse) {
  keeper kept;
  node a{1};
  node b{2, kept.serving()};
  link_up(a, 2, b);
  auto pending = a.ask(2, "what?");
  ASSERT_TRUE(kept.wait(1));
  b.die();
  expect_failure(std::move(pending), errc::unavailable, outcome::unknown);
  EXPECT_TRUE(a.wait_link(2, link_state::refused));
  expect_failure(a.ask(2, "again?"), errc::unavailable, outcome::not_applied);
  kept.kept.front()("too late, and harmless");
}

TEST(Transport, APeerThatComesBackIsLinkedAgain) {
  node a{1};
  auto settings = quick_settings();
  std::optional<node> b{std::in_place, 2, node::serving{}, settings};
  const auto port = b->net->port();
  link_up(a, 2, *b);
  b.reset();
  ASSERT_TRUE(a.wait_link(2, link_state::refused));
  settings.port = port;
  b.emplace(3, node::serving{}, settings);
  ASSERT_TRUE(a.wait_link(2, link_state::rejected)) << "another incarnation has the address";
  a.net->use_peers({{.incarnation = 3, .address = b->address()}});
  ASSERT_TRUE(a.wait_link(3, link_state::linked));
  EXPECT_EQ(*got(a.ask(3, "you?")), "you?");
}

TEST(Transport, WhoNobodyNamedIsNotKnown) {
  node a{1};
  expect_failure(a.ask(7, "who?"), errc::unavailable, outcome::not_applied);
}

TEST(Transport, AServerThatAcceptsAndStaysSilentIsLost) {
  node a{1};
  raw_server silent;
  a.net->use_peers({{.incarnation = 2, .address = silent.address()}});
  ASSERT_TRUE(a.wait_link(2, link_state::lost));
  expect_failure(a.ask(2, "what?"), errc::unavailable, outcome::not_applied);
}

TEST(Transport, AServerThatSpeaksGarbageIsLost) {
  node a{1};
  raw_server server;
  a.net->use_peers({{.incarnation = 2, .address = server.address()}});
  auto garbage = server.accept();
  garbage.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_TRUE(a.wait_link(2, link_state::lost));
  EXPECT_TRUE(garbage.wait_closed());
}

TEST(Transport, APeerThatNeverAnswersIsDroppedAfterItsSilence) {
  node a{1};
  raw_server server;
  a.net->use_peers({{.incarnation = 2, .address = server.address()}});
  auto frozen = server.greet();
  ASSERT_TRUE(a.wait_link(2, link_state::linked));
  auto pending = a.ask(2, "what?");
  expect_failure(std::move(pending), errc::unavailable, outcome::unknown);
  EXPECT_TRUE(a.wait_link(2, link_state::lost));
  EXPECT_TRUE(frozen.wait_closed());
}

// The last requests wait behind a full socket: they never left, and say so. And the node can end.
TEST(Transport, APeerThatNeverReadsBoundsWhatIsKeptAndDoesNotKeepTheNodeFromEnding) {
  std::optional<node> a{std::in_place, 1};
  raw_server server;
  a->net->use_peers({{.incarnation = 2, .address = server.address()}});
  const auto frozen = server.greet();
  ASSERT_TRUE(a->wait_link(2, link_state::linked));
  std::vector<std::future<transport::answer>> pending;
  for (int i = 0; i < 60; ++i) pending.push_back(a->ask(2, std::string(1'000'000, 'x')));
  std::map<outcome, int> ended;
  for (auto& each : pending) ++ended[got(std::move(each)).error().outcome];
  EXPECT_GT(ended[outcome::unknown], 0);
  EXPECT_GT(ended[outcome::not_applied], 30);
  a.reset();
}

TEST(Transport, TheNodeCanEndWhileAPeerDoesNotRead) {
  std::optional<node> a{std::in_place, 1};
  raw_server server;
  a->net->use_peers({{.incarnation = 2, .address = server.address()}});
  const auto frozen = server.greet();
  ASSERT_TRUE(a->wait_link(2, link_state::linked));
  std::vector<std::future<transport::answer>> pending;
  for (int i = 0; i < 60; ++i) pending.push_back(a->ask(2, std::string(1'000'000, 'x')));
  a.reset();
  for (auto& each : pending) EXPECT_FALSE(got(std::move(each)));
}

TEST(Transport, StrangersThatSpeakGarbageOrNothingAreClosed) {
  node a{1};
  auto garbage = raw_connect(a.address());
  garbage.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(garbage.wait_closed());
  auto huge = raw_connect(a.address());
  huge.send(std::string{"KRK\x01\xff\xff\xff\x7f", 8});
  EXPECT_TRUE(huge.wait_closed());
  auto silent = raw_connect(a.address());
  EXPECT_TRUE(silent.wait_closed());
}

TEST(Transport, APeerThatAsksAndNeverReadsIsDropped) {
  auto settings = quick_settings();
  settings.in_flight_max = 16;
  node a{1, [](auto, auto, auto, const transport::respond& respond) { respond(std::string(1'000'000, 'x')); },
         settings};
  auto rude = raw_connect(a.address());
  link::Frame frame;
  frame.mutable_hello()->set_version_min(1);
  frame.mutable_hello()->set_version_max(1);
  frame.mutable_hello()->set_from(2);
  frame.mutable_hello()->set_to(1);
  rude.send(frame);
  ASSERT_TRUE(rude.read()->has_welcome());
  frame.Clear();
  for (std::uint64_t i = 0; i < 1'000; ++i) frame.mutable_requests()->add_all()->set_id(i);
  rude.send(frame);
  EXPECT_TRUE(rude.wait_closed());
}

TEST(Transport, ProtocolsWithoutACommonVersionAreNotLinked) {
  node a{1, {}, quick_settings(), {.min = 2, .max = 3}};
  node b{2, {}, quick_settings(), {.min = 4, .max = 4}};
  a.net->use_peers({{.incarnation = 2, .address = b.address()}});
  EXPECT_TRUE(a.wait_link(2, link_state::rejected));
}

TEST(Transport, ARequestWithoutAnAnswerEndsWithItsDeadline) {
  keeper kept;
  node a{1};
  node b{2, kept.serving()};
  link_up(a, 2, b);
  const auto begun = steady_now();
  expect_failure(a.ask(2, "what?", 100ms), errc::deadline_exceeded, outcome::unknown);
  EXPECT_GE(steady_now() - begun, 100ms);
  kept.kept.at(0)("late");
  EXPECT_TRUE(a.wait_link(2, link_state::linked));
}

TEST(Transport, OverItsCreditItRefusesAtOnceAndAnAnswerGivesItBack) {
  auto settings = quick_settings();
  settings.in_flight_max = 3;
  keeper kept;
  node a{1, {}, settings};
  node b{2, kept.serving(), settings};
  link_up(a, 2, b);
  std::vector<std::future<transport::answer>> pending;
  for (int i = 0; i < 3; ++i) pending.push_back(a.ask(2, "what?"));
  auto refused = a.ask(2, "one more");
  ASSERT_EQ(refused.wait_for(0s), std::future_status::ready);
  expect_failure(std::move(refused), errc::overloaded, outcome::not_applied);
  ASSERT_TRUE(kept.wait(3));
  for (auto& each : kept.kept) each("yes");
  for (auto& each : pending) EXPECT_TRUE(got(std::move(each)));
  EXPECT_EQ(a.ask(2, "now?").wait_for(0s), std::future_status::timeout);
}

TEST(Transport, ARequestThatIsNeverAnsweredGivesItsPlaceBack) {
  auto narrow = quick_settings();
  narrow.in_flight_max = 2;
  node a{1};
  node b{2, [](auto, auto, auto, auto) {}, narrow};
  link_up(a, 2, b);
  for (int i = 0; i < 5; ++i) expect_failure(a.ask(2, "what?", 20ms), errc::deadline_exceeded, outcome::unknown);
}

TEST(Transport, ANewIncarnationMakesItsLinksAnewAndPeersOfTheOldOneAreFenced) {
  std::atomic<std::int64_t> last_from{0};
  node a{1};
  node b{2, [&](std::int64_t from, std::string bytes, auto, const transport::respond& respond) {
           last_from = from;
           respond(std::move(bytes));
         }};
  link_up(a, 2, b);
  EXPECT_TRUE(got(a.ask(2, "first")));
  EXPECT_EQ(last_from, 1);
  a.net->use_incarnation(11);
  ASSERT_TRUE(a.wait_link(2, link_state::linked));
  EXPECT_TRUE(got(a.ask(2, "second")));
  EXPECT_EQ(last_from, 11);
  b.net->use_incarnation(0);
  expect_failure(a.ask(2, "third"), errc::fenced, outcome::not_applied);
  EXPECT_TRUE(a.wait_link(2, link_state::rejected));
}

TEST(Transport, StopAnswersAllThatIsPending) {
  keeper kept;
  node a{1};
  node b{2, kept.serving()};
  link_up(a, 2, b);
  std::vector<std::future<transport::answer>> pending;
  for (int i = 0; i < 100; ++i) pending.push_back(a.ask(2, "what?"));
  a.net->stop();
  for (auto& each : pending) {
    ASSERT_EQ(each.wait_for(0s), std::future_status::ready) << "answered before stop has returned";
    EXPECT_EQ(each.get().error().code, errc::unavailable);
  }
  expect_failure(a.ask(2, "after"), errc::unavailable, outcome::not_applied);
  EXPECT_EQ(a.net->links().size(), 0);
}

TEST(Transport, SaysWhyItCannotListen) {
  node a{1};
  auto taken = quick_settings();
  taken.port = a.net->port();
  caf::actor_system_config config;
  ASSERT_TRUE(transport::prepare(config, taken));
  caf::actor_system system{config};
  const auto refused = transport::start(system, {.settings = taken, .counters = &a.counters});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("cannot listen for other nodes on 127.0.0.1:"));
}

}  // namespace
}  // namespace keyrack::cluster
