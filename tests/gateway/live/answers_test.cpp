// Goal: answers leave when they may, in order, once, and in time, through a real socket: late, never, after the deadline,
// from memory without a lease, twice at once.
#include "tests/gateway/live/live_server.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace keyrack::testing {
namespace {

using namespace std::chrono_literals;

gateway_settings impatient() {
  gateway_settings s;
  s.request_timeout = 1s;
  return s;
}

TEST(LiveAnswers, ALateAnswerIsWaitedForWithinTheDeadline) {
  live_server at;
  const auto hotel = at.make_hotel();
  at.router.hold();
  auto client = at.connect();
  client.write("GET /v1/hotels/" + hotel + " HTTP/1.1\r\nHost: t\r\n\r\n");
  at.router.wait_until_held(1);
  EXPECT_TRUE(client.silent_for(20ms));
  at.router.release();
  EXPECT_EQ(client.read().status, 200);
}

TEST(LiveAnswers, ACommandThatIsNeverAnsweredIsUnknownAtItsDeadline) {
  live_server at{impatient()};
  const auto hotel = at.make_hotel();
  at.router.hold();
  auto client = at.connect();
  const auto begun = std::chrono::steady_clock::now();
  const auto got = client.send("POST", "/v1/reservations", reservation_body(hotel), "Idempotency-Key: k\r\n");
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_EQ(got.status, 504);
  EXPECT_EQ(text_of(got.json(), "code"), "deadline_exceeded");
  EXPECT_EQ(text_of(got.json(), "outcome"), "unknown");
  EXPECT_GE(took, 1s);
  EXPECT_LT(took, 8s);
}

TEST(LiveAnswers, AQueryThatIsNeverAnsweredChangedNothing) {
  live_server at{impatient()};
  const auto hotel = at.make_hotel();
  at.router.hold();
  const auto got = at.connect().send("GET", "/v1/hotels/" + hotel);
  EXPECT_EQ(got.status, 504);
  EXPECT_EQ(text_of(got.json(), "outcome"), "not_applied");
}

TEST(LiveAnswers, AnAnswerAfterTheDeadlineIsDroppedAndTheConnectionGoesOn) {
  live_server at{impatient()};
  const auto hotel = at.make_hotel();
  at.router.hold();
  auto client = at.connect();
  EXPECT_EQ(client.send("POST", "/v1/reservations", reservation_body(hotel), "Idempotency-Key: k\r\n").status, 504);
  at.router.release();
  const auto again = client.send("POST", "/v1/reservations", reservation_body(hotel), "Idempotency-Key: k\r\n");
  EXPECT_EQ(again.status, 201) << "asked again with the same key";
  EXPECT_EQ(again.field("Idempotent-Replayed"), "true") << "it had been applied";
}

TEST(LiveAnswers, RecordsThatStaySilentCostOneRequestItsTime) {
  live_server at{impatient()};
  at.records.silent = true;
  auto client = at.connect();
  EXPECT_EQ(client.send("GET", "/v1/hotels").status, 504);
  EXPECT_EQ(client.send("GET", "/healthz").status, 200);
}

TEST(LiveAnswers, AnAnswerFromMemoryWaitsForABeatWhenTheLeaseDoesNotCoverIt) {
  live_server at;
  const auto hotel = at.make_hotel();
  at.lease.covering = false;
  auto client = at.connect();
  client.write("GET /v1/hotels/" + hotel + " HTTP/1.1\r\nHost: t\r\n\r\n");
  at.lease.wait_until_asked();
  EXPECT_TRUE(client.silent_for(20ms)) << "not one byte before the beat";
  at.lease.beat(true);
  EXPECT_EQ(client.read().status, 200);
}

TEST(LiveAnswers, ARefusalToo) {
  live_server at;
  const auto hotel = at.make_hotel(0);
  at.lease.covering = false;
  auto client = at.connect();
  const auto body = reservation_body(hotel);
  client.write("POST /v1/reservations HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  at.lease.wait_until_asked();
  EXPECT_TRUE(client.silent_for(20ms));
  at.lease.beat(true);
  EXPECT_EQ(text_of(client.read().json(), "code"), "sold_out");
}

TEST(LiveAnswers, WithoutABeatWhatWasSeenIsNotTold) {
  live_server at;
  const auto hotel = at.make_hotel(0);
  at.lease.covering = false;
  auto client = at.connect();
  client.write("GET /v1/hotels/" + hotel + " HTTP/1.1\r\nHost: t\r\n\r\n");
  at.lease.wait_until_asked();
  at.lease.beat(false);
  const auto read = client.read();
  EXPECT_EQ(read.status, 503);
  EXPECT_EQ(text_of(read.json(), "outcome"), "not_applied");
  EXPECT_EQ(read.field("ETag"), "");
  EXPECT_EQ(read.field("Keyrack-Sequence"), "");
  const auto body = reservation_body(hotel);
  client.write("POST /v1/reservations HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  at.lease.wait_until_asked();
  at.lease.beat(false);
  EXPECT_EQ(text_of(client.read().json(), "outcome"), "unknown") << "an attempt before may have been applied elsewhere";
}

TEST(LiveAnswers, AnAcceptedCommandDoesNotAskForTheLease) {
  live_server at;
  const auto hotel = at.make_hotel();
  at.lease.covering = false;
  EXPECT_EQ(at.connect().send("POST", "/v1/reservations", reservation_body(hotel)).status, 201);
}

TEST(LiveAnswers, TwoOfOneKeyInFlightAtOnceHaveOneEffectAndOneAnswer) {
  live_server at;
  const auto hotel = at.make_hotel();
  at.router.hold();
  auto one = at.connect();
  auto two = at.connect();
  const auto body = reservation_body(hotel);
  const auto request = "POST /v1/reservations HTTP/1.1\r\nHost: t\r\nIdempotency-Key: same\r\nContent-Type: "
                       "application/json\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body;
  one.write(request);
  two.write(request);
  at.router.wait_until_held(2);
  at.router.release();
  const auto first = one.read();
  const auto second = two.read();
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(first.body, second.body);
  const auto taken = at.connect().send("GET", "/v1/hotels/" + hotel + "/calendar?from=2027-06-04&to=2027-06-05");
  EXPECT_EQ(text_of(taken.json().at("room_types").at(0).at("nights").at(0), "taken"), "1");
}

TEST(LiveAnswers, PipelinedRequestsAreAnsweredInOrder) {
  live_server at;
  const auto hotel = at.make_hotel();
  auto client = at.connect();
  std::string many;
  for (int i = 0; i < 200; ++i) {
    many += "GET /v1/hotels/" + hotel + " HTTP/1.1\r\nHost: t\r\nRequest-Id: n" + std::to_string(i) + "\r\n\r\n";
    many += "GET /nowhere HTTP/1.1\r\nHost: t\r\nRequest-Id: m" + std::to_string(i) + "\r\n\r\n";
  }
  client.write(many);
  for (int i = 0; i < 200; ++i) {
    const auto found = client.read();
    ASSERT_EQ(found.status, 200);
    EXPECT_EQ(found.field("Request-Id"), "n" + std::to_string(i));
    EXPECT_EQ(client.read().field("Request-Id"), "m" + std::to_string(i));
  }
}

TEST(LiveAnswers, OverItsBoundOnAHotelOthersStillFindRoom) {
  gateway_settings tight;
  tight.in_flight_per_hotel_max = 1;
  live_server at{tight};
  const auto hotel = at.make_hotel();
  const auto other = at.make_hotel();
  at.router.hold();
  auto waiting = at.connect();
  waiting.write("GET /v1/hotels/" + hotel + " HTTP/1.1\r\nHost: t\r\n\r\n");
  at.router.wait_until_held(1);
  const auto over = at.connect().send("GET", "/v1/hotels/" + hotel);
  EXPECT_EQ(over.status, 429);
  EXPECT_EQ(over.field("Retry-After"), "1");
  EXPECT_EQ(text_of(over.json(), "outcome"), "not_applied");
  auto elsewhere = at.connect();
  elsewhere.write("GET /v1/hotels/" + other + " HTTP/1.1\r\nHost: t\r\n\r\n");
  at.router.wait_until_held(2);
  at.router.release();
  EXPECT_EQ(waiting.read().status, 200);
  EXPECT_EQ(elsewhere.read().status, 200);
}

TEST(LiveAnswers, StoppingAnswersWhatWaitsUnknown) {
  auto at = std::make_unique<live_server>();
  const auto hotel = at->make_hotel();
  at->router.hold();
  auto client = at->connect();
  const auto body = reservation_body(hotel);
  client.write("POST /v1/reservations HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  at->router.wait_until_held(1);
  at->server.stop();
  EXPECT_EQ(text_of(client.read().json(), "outcome"), "unknown");
}

TEST(LiveAnswers, DrainingFinishesWhatIsUnderWayAndTakesNothingMore) {
  live_server at;
  const auto hotel = at.make_hotel();
  auto idle = at.connect();
  EXPECT_EQ(idle.send("GET", "/readyz").status, 200);
  at.router.hold();
  auto busy = at.connect();
  busy.write("GET /v1/hotels/" + hotel + " HTTP/1.1\r\nHost: t\r\n\r\n");
  at.router.wait_until_held(1);
  bool drained = false;
  std::thread draining{[&] { drained = at.server.drain(10s); }};
  EXPECT_TRUE(idle.closed()) << "nothing was under way there";
  EXPECT_TRUE(busy.silent_for(20ms));
  at.router.release();
  const auto last = busy.read();
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(last.field("Connection"), "close");
  draining.join();
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace keyrack::testing
