// Goal: a command for another node's hotel is answered once, by whoever owns the hotel; what its node gives back is tried
// again; what may have been applied is never told as if it were not.
#include "cluster/forwarding.hpp"
#include "cluster/wire_codec.hpp"
#include "persistence/value_codec.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/hotel_host.hpp"

#include <cluster/proto/peer.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using keyrack::testing::add_type_command;
using keyrack::testing::collector;
using keyrack::testing::create_command;
using keyrack::testing::fake_transport;
using keyrack::testing::hotel_host;
using keyrack::testing::request_of;
using ::testing::ElementsAre;

constexpr incarnation_id near = 1;
constexpr incarnation_id far = 2;

/// Covers, or has its beats come back without covering.
struct fake_lease : read_lease {
  bool covers(const leased&) const override { return covering; }
  void await_beat(const leased&, steady_instant, std::function<void(bool)> then) override {
    ++beats_awaited;
    then(beat_covers);
  }
  std::atomic<bool> covering{true};
  std::atomic<bool> beat_covers{true};
  std::atomic<int> beats_awaited{0};
};

/// A guest at the near node, a hotel at the far one.
class Forwarding : public ::testing::Test {
protected:
  Forwarding() {
    near_port->use(network);
    network->connect(far, [this](std::string bytes, steady_instant deadline, transport::respond respond) {
      far_port->on_request(near, bytes, deadline, std::move(respond));
    });
    at_near.router->use_peers(near_port);
    at_near.tell_rows({.owner = far});
    at_far.tell_rows({.owner = far});
  }
  ~Forwarding() override {
    at_near.router->use_peers(nullptr);
    near_port->use(nullptr);
  }
  std::shared_ptr<forwarding> port_of(hotel_host& host) {
    return std::make_shared<forwarding>(forwarding::environment{
        .router = host.router,
        .lease = lease,
        .values = persistence::disk_value_codec(),
        .counters = host.counters,
        .on_routes_changed = [this] { ++routes_changed; },
        .on_prepare =
            [this](shard_id shard, const std::vector<hotel_id>& hotels, const std::function<void()>& done) {
              prepared.emplace_back(shard, hotels);
              done();
            }});
  }
  std::uint64_t send(std::variant<command, query> body, std::uint64_t key, std::chrono::nanoseconds time = 10s) {
    at_near.router->send(request_of(id, std::move(body), key, answers, ++last, time));
    return last;
  }
  bool accepted(std::uint64_t correlation) { return std::holds_alternative<done>(answers->of(correlation).body); }
  std::optional<failure> failed(std::uint64_t correlation) {
    const auto a = answers->of(correlation);
    const auto* why = std::get_if<failure>(&a.body);
    return why == nullptr ? std::nullopt : std::optional{*why};
  }
  void ask_far(const std::string& bytes) {
    far_port->on_request(near, bytes, steady_now() + 10s, [this](const std::string& a) { responses.push_back(a); });
  }

  fake_lease lease;
  std::shared_ptr<fake_transport> network = std::make_shared<fake_transport>();
  hotel_host at_near{near};
  hotel_host at_far{far};
  std::atomic<int> routes_changed{0};
  std::vector<std::pair<shard_id, std::vector<hotel_id>>> prepared;
  std::vector<std::string> responses;
  std::shared_ptr<forwarding> near_port = port_of(at_near);
  std::shared_ptr<forwarding> far_port = port_of(at_far);
  std::shared_ptr<collector> answers = std::make_shared<collector>();
  hotel_id id{42};
  std::uint64_t last = 0;
};

TEST_F(Forwarding, HasTheOwnerDecide) {
  EXPECT_TRUE(accepted(send(create_command(), 1)));
  EXPECT_TRUE(accepted(send(add_type_command(), 2)));
  EXPECT_EQ(at_far.journal->events[id].size(), 2u);
  EXPECT_TRUE(at_near.journal->events.empty());
  EXPECT_EQ(network->sent_to(far), 2);
}

TEST_F(Forwarding, TriesAgainWhatTheOwnerGaveBack) {
  at_far.tell_rows({.owner = near});  // it has lost the hotel, and the near node has not heard of it
  const auto sent = send(create_command(), 1);
  at_near.tell_rows({.owner = near});
  EXPECT_TRUE(accepted(sent));
  EXPECT_EQ(at_near.journal->events[id].size(), 1u);
  EXPECT_TRUE(at_far.journal->events.empty());
}

TEST_F(Forwarding, TriesAgainWhenTheLinkIsBack) {
  network->fail_with(failure{errc::unavailable, outcome::not_applied, "no link"});
  const auto sent = send(create_command(), 1);
  network->fail_with(std::nullopt);
  EXPECT_TRUE(accepted(sent));
}

TEST_F(Forwarding, StaysInDoubtOnceALinkBrokeUnderACommand) {
  network->fail_with(failure{errc::unavailable, outcome::unknown, "the link broke"});
  const auto sent = send(create_command(), 1, 300ms);
  network->fail_with(failure{errc::unavailable, outcome::not_applied, "no link"});
  const auto why = failed(sent);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->outcome, outcome::unknown) << "the last attempt was not applied, the first may have been";
}

TEST_F(Forwarding, KnowsThatAQuestionHasNoEffect) {
  network->fail_with(failure{errc::unavailable, outcome::unknown, "the link broke"});
  const auto why = failed(send(query{hotel_query{}}, 1, 100ms));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

TEST_F(Forwarding, TakesAnAnswerThatItCannotReadForADoubt) {
  network->connect(far, [](const std::string&, steady_instant, const transport::respond& respond) { respond("?"); });
  const auto why = failed(send(create_command(), 1, 100ms));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->outcome, outcome::unknown);
}

TEST_F(Forwarding, LetsAnAnswerFromMemoryLeaveOnlyUnderTheOwnersLease) {
  ASSERT_TRUE(accepted(send(create_command(), 1)));
  lease.covering = false;
  EXPECT_FALSE(failed(send(query{hotel_query{}}, 2)));
  EXPECT_EQ(lease.beats_awaited, 1);
  lease.beat_covers = false;
  const auto why = failed(send(query{hotel_query{}}, 3, 200ms));
  ASSERT_TRUE(why) << "an answer left without a lease";
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

TEST_F(Forwarding, DoesNotAnswerWhatItCannotRead) {
  ask_far("\xff\xff");
  EXPECT_TRUE(responses.empty());
}

TEST_F(Forwarding, RefusesACommandThatItDoesNotKnow) {
  wire::PeerRequest message;
  message.set_hotel_request("not an envelope");
  ask_far(message.SerializeAsString());
  ASSERT_EQ(responses.size(), 1u);
  const auto answer = decode_answer(responses[0], persistence::disk_value_codec());
  ASSERT_TRUE(answer) << answer.error();
  const auto* why = std::get_if<failure>(&answer->body);
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->outcome, outcome::not_applied);
}

TEST_F(Forwarding, PassesHintsOn) {
  near_port->tell_routes_changed({far});
  EXPECT_EQ(routes_changed, 1);
}

TEST_F(Forwarding, HasTheNextOwnerPrepare) {
  int done = 0;
  near_port->ask_to_prepare(far, 7, {{1}, {2}}, steady_now() + 1s, [&] { ++done; });
  EXPECT_THAT(prepared, ElementsAre(std::pair{shard_id{7}, std::vector<hotel_id>{{1}, {2}}}));
  EXPECT_EQ(done, 1);
  network->fail_with(failure{errc::unavailable, outcome::not_applied, "no link"});
  near_port->ask_to_prepare(far, 7, {{1}}, steady_now() + 1s, [&] { ++done; });
  EXPECT_EQ(done, 2) << "a move must not wait for who cannot be asked";
}

TEST_F(Forwarding, AnswersEmptilyWhatALaterVersionAsks) {
  wire::PeerRequest message;
  message.mutable_prepare()->set_shard(shards_count);
  ask_far(message.SerializeAsString());
  ask_far(std::string{});  // no body that is known
  EXPECT_THAT(responses, ElementsAre("", ""));
  EXPECT_TRUE(prepared.empty());
}

}  // namespace
}  // namespace keyrack::cluster
