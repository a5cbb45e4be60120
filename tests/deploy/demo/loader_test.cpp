// Goal: a load gets through what a node does when it is busy, restarts or loses an answer, always with the same key, and
// stops with a sentence when it cannot. Against a scripted server on the loopback.
#include "deploy/demo/http_client.hpp"
#include "deploy/demo/loader.hpp"
#include "tests/deploy/demo/demo_support.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace keyrack::demo {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

struct reply {
  unsigned status = 201;
  std::string body = R"({"id":"7k2m9qx4vd1h"})";
  std::map<std::string, std::string> headers{};
  bool drop = false;  ///< close without an answer, though the request was carried out
};

struct seen_request {
  std::string method;
  std::string target;
  std::string key;
};

/// Answers one connection at a time by `script(request, number of requests before it)`.
class scripted_server {
public:
  using script = std::function<reply(const seen_request&, std::size_t)>;

  explicit scripted_server(script answers) : answers_(std::move(answers)), thread_([this] { serve(); }) {}

  ~scripted_server() {
    ended_ = true;
    // Wakes the blocking accept.
    asio::io_context context;
    tcp::socket waker(context);
    waker.connect(acceptor_.local_endpoint());
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

  std::vector<seen_request> seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }

private:
  void serve() {
    while (!ended_) {
      tcp::socket socket(context_);
      acceptor_.accept(socket);
      if (!ended_) converse(socket);
    }
  }

  void converse(tcp::socket& socket) {
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    for (;;) {
      http::request<http::string_body> request;
      http::read(socket, buffer, request, error);
      if (error) return;
      const auto answer = next_answer(request);
      if (answer.drop) return;
      http::response<http::string_body> response;
      response.result(answer.status);
      for (const auto& [name, value] : answer.headers) response.set(name, value);
      response.body() = answer.body;
      response.prepare_payload();
      http::write(socket, response, error);
      if (error) return;
    }
  }

  reply next_answer(const http::request<http::string_body>& request) {
    const std::scoped_lock lock(mutex_);
    const seen_request now{std::string(request.method_string()), std::string(request.target()),
                           std::string(request["Idempotency-Key"])};
    seen_.push_back(now);
    auto answer = answers_(now, seen_.size() - 1);
    if (now.target.ends_with("/room-types") && answer.status == 201) answer.body = R"({"id":1})";
    return answer;
  }

  asio::io_context context_;
  tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
  script answers_;
  mutable std::mutex mutex_;
  std::vector<seen_request> seen_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

class DemoLoad : public testing::Test {
public:
  ~DemoLoad() override { std::fclose(sink_); }

protected:
  std::expected<load_report, std::string> load_one(const scripted_server& server) {
    progress quiet(sink_, false);
    return load(from_,
                {.url = server.url(), .hotels = 1, .connections = 1, .patience = {.total = 5s, .pause_first = 1ms}},
                quiet);
  }

  generator from_ = test::made(profile::demo);
  std::FILE* sink_ = std::fopen("/dev/null", "w");
};

TEST_F(DemoLoad, SendsTheHotelThenItsTypesThenItsCalendarThenItsBookings) {
  const scripted_server server([](const seen_request&, std::size_t) { return reply{}; });
  const auto report = load_one(server);
  ASSERT_TRUE(report) << report.error();
  const auto hotel = from_.hotel(0);
  const auto types = hotel.room_types.size();
  const auto bookings = from_.bookings(hotel).size();
  EXPECT_EQ(report->counts.hotels, 1U);
  EXPECT_EQ(report->counts.room_types, types);
  EXPECT_EQ(report->counts.calendars, 1U);
  EXPECT_EQ(report->counts.bookings, bookings);
  EXPECT_EQ(report->counts.replayed, 0U);

  const auto seen = server.seen();
  ASSERT_EQ(seen.size(), 2 + types + bookings);
  EXPECT_EQ(seen[0].target, "/v1/hotels");
  for (std::size_t n = 1; n <= types; ++n) EXPECT_EQ(seen[n].target, "/v1/hotels/7k2m9qx4vd1h/room-types");
  EXPECT_EQ(seen[types + 1].method, "PATCH");
  EXPECT_EQ(seen[types + 1].target, "/v1/hotels/7k2m9qx4vd1h/calendar");
  EXPECT_EQ(seen.back().target, "/v1/reservations");
}

TEST_F(DemoLoad, SendsABusyNodeTheSameRequestAgain) {
  const scripted_server server([](const seen_request&, std::size_t nth) {
    return nth < 3 ? reply{.status = 503, .body = R"({"code":"overloaded"})", .headers = {{"Retry-After", "0"}}}
                   : reply{};
  });
  const auto report = load_one(server);
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->counts.retries, 3U);
  EXPECT_EQ(report->counts.hotels, 1U);
  const auto seen = server.seen();
  for (int nth = 1; nth <= 3; ++nth) EXPECT_EQ(seen[static_cast<std::size_t>(nth)].key, seen[0].key);
}

// The answer is lost after the booking was made: only the key keeps it from being made twice.
TEST_F(DemoLoad, RepeatsWithTheSameKeyWhenTheConnectionBreaks) {
  const scripted_server server([](const seen_request&, std::size_t nth) {
    return nth == 4 ? reply{.drop = true} : reply{.headers = {{"Idempotent-Replayed", nth == 5 ? "true" : "false"}}};
  });
  const auto report = load_one(server);
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->counts.retries, 1U);
  EXPECT_EQ(report->counts.replayed, 1U);
  const auto seen = server.seen();
  EXPECT_EQ(seen[4].key, seen[5].key);
}

TEST_F(DemoLoad, CountsBookingsThatOthersWereFasterWith) {
  const scripted_server server([](const seen_request& request, std::size_t) {
    return request.target == "/v1/reservations" ? reply{.status = 409, .body = R"({"code":"sold_out"})"} : reply{};
  });
  const auto report = load_one(server);
  ASSERT_TRUE(report) << report.error();
  EXPECT_GT(report->counts.refused, 0U);
  EXPECT_EQ(report->counts.refused, report->counts.bookings);
}

TEST_F(DemoLoad, StopsWithEveryFaultThatTheNodeNames) {
  const scripted_server server([](const seen_request&, std::size_t) {
    return reply{.status = 422,
                 .body = R"({"code":"body_invalid","detail":"2 faults","errors":[)"
                         R"({"pointer":"/name","detail":"too long"},{"pointer":"/stars","detail":"above 5"}]})"};
  });
  const auto report = load_one(server);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error(), "POST /v1/hotels was refused: 422 body_invalid: 2 faults; /name too long; /stars above 5");
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST_F(DemoLoad, SaysWhatToDoWhenAKeyWasUsedForAnotherHotel) {
  const scripted_server server(
      [](const seen_request&, std::size_t) { return reply{.status = 422, .body = R"({"code":"key_reused"})"}; });
  const auto report = load_one(server);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().find("another --seed"), std::string::npos) << report.error();
}

TEST_F(DemoLoad, SaysAtOnceThatNoNodeAnswers) {
  progress quiet(sink_, false);
  // Port 9 of the loopback: discard, which nobody serves.
  const auto report = load(from_, {.url = "http://127.0.0.1:9", .hotels = 1, .connections = 4, .patience = {}}, quiet);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().find("no node answers at http://127.0.0.1:9"), std::string::npos) << report.error();
}

TEST(DemoUrl, IsReadInAllItsForms) {
  EXPECT_EQ(parse_url("http://127.0.0.1:8080").value().text(), "127.0.0.1:8080");
  EXPECT_EQ(parse_url("http://node.example/").value().text(), "node.example:80");
  EXPECT_EQ(parse_url("http://[::1]:8081").value().text(), "[::1]:8081");
  EXPECT_EQ(parse_url("http://[::1]").value().host, "::1");
  for (const auto* bad : {"", "127.0.0.1:8080", "https://127.0.0.1", "http://", "http://:8080", "http://a:",
                          "http://a:80x", "http://a/v1", "http://[::1", "http://user@a", "http://a:123456"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

TEST(DemoProgress, SaysHowFarItIsAndHowLongItWillTake) {
  const load_counts counts{.hotels = 150, .room_types = 600, .calendars = 150, .bookings = 9'100};
  const auto line = progress_line(counts, 0.5, 300, 2s);
  EXPECT_NE(line.find(" 50 %  150 of 300 hotels, 9,100 bookings, 5,000/s, 2 s left"), std::string::npos) << line;
  EXPECT_EQ(progress_line({}, 0, 300, 0s).find("left"), std::string::npos);
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
}

}  // namespace
}  // namespace keyrack::demo
