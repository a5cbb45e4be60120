// Goal: what HTTP promises is kept on the wire, and what slow, silent and greedy clients do to a connection, they do to that
// connection only. Attacks on the framing: framing_test.cpp.
#include "tests/gateway/live/live_server.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <vector>

namespace keyrack::testing {
namespace {

using namespace std::chrono_literals;

std::string gunzipped(const std::string& bytes) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string out(1 << 24, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(LiveWire, AChunkedBodyIsABodyLikeAnyOther) {
  live_server at;
  auto client = at.connect();
  const auto body = hotel_body();
  std::string wire =
      "POST /v1/hotels HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char c : body) wire += std::string{"1\r\n"} + c + "\r\n";
  client.write(wire + "0\r\n\r\n" + "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.read().status, 201);
  EXPECT_EQ(client.read().status, 200) << "the request behind it is found where the body ends";
}

TEST(LiveWire, LargeBodiesArriveInPiecesAndTooLargeOnesAreRefusedReadably) {
  live_server at;
  const auto hotel = at.make_hotel();
  std::string rooms = R"({"rooms":[)";
  for (int i = 0; i < 20'000; ++i)
    rooms += (i > 0 ? "," : "") + std::string{R"({"number":")"} + std::to_string(i) + R"(","room_type_id":1})";
  auto client = at.connect();
  EXPECT_EQ(client.send("PUT", "/v1/hotels/" + hotel + "/rooms", rooms + "]}").status, 200);
  const auto huge = at.connect().send("PUT", "/v1/hotels/" + hotel + "/rooms", std::string(10'000'000, ' '));
  EXPECT_EQ(huge.status, 413);
  EXPECT_EQ(text_of(huge.json(), "code"), "body_too_large");
  const auto booking = at.connect().send("POST", "/v1/reservations", std::string(70'000, ' '));
  EXPECT_EQ(booking.status, 413) << "each route has a bound of its own";
  EXPECT_EQ(client.send("GET", "/healthz").status, 200);
}

TEST(LiveWire, AnExpectationIsMetBeforeTheBody) {
  live_server at;
  auto client = at.connect();
  const auto body = hotel_body();
  client.write("POST /v1/hotels HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nExpect: "
               "100-continue\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.read(true).status, 100);
  client.write(body);
  EXPECT_EQ(client.read().status, 201);
  auto other = at.connect();
  other.write("POST /v1/hotels HTTP/1.1\r\nHost: t\r\nExpect: cake\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(other.read().status, 417);
  auto large = at.connect();
  large.write("POST /v1/hotels HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(large.read().status, 413) << "before it is sent";
}

TEST(LiveWire, HeadsAreBounded) {
  live_server at;
  auto long_line = at.connect();
  long_line.write("GET / HTTP/1.1\r\nHost: t\r\nX: " + std::string(20'000, 'x'));
  EXPECT_EQ(long_line.read().status, 431);
  auto many = at.connect();
  std::string lines;
  for (int i = 0; i < 3'000; ++i) lines += "X: y\r\n";
  many.write("GET / HTTP/1.1\r\nHost: t\r\n" + lines + "\r\n");
  EXPECT_EQ(many.read().status, 431);
}

TEST(LiveWire, HeadAnswersLikeGetWithoutABody) {
  live_server at;
  const auto hotel = at.make_hotel();
  auto client = at.connect();
  const auto got = client.send("GET", "/v1/hotels/" + hotel);
  const auto head = client.send("HEAD", "/v1/hotels/" + hotel);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("Content-Length"), got.field("Content-Length"));
  EXPECT_EQ(head.field("ETag"), got.field("ETag"));
  EXPECT_EQ(client.send("GET", "/healthz").status, 200);
}

TEST(LiveWire, EveryAnswerHasItsIdItsCachingAndTheSafeFields) {
  live_server at;
  auto client = at.connect();
  for (const auto& got :
       {client.send("GET", "/healthz"), client.send("GET", "/nowhere"), client.send("POST", "/v1/hotels", "{")}) {
    EXPECT_NE(got.field("Request-Id"), "");
    EXPECT_NE(got.field("Cache-Control"), "");
    EXPECT_NE(got.field("Date"), "");
    EXPECT_EQ(got.field("X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(client.send("GET", "/healthz", "", "Request-Id: mine-1\r\n").field("Request-Id"), "mine-1");
  for (const auto& insane : std::vector<std::string>{"a b", std::string(65, 'x'), "<script>", "\"", "é"}) {
    const auto id = client.send("GET", "/healthz", "", "Request-Id: " + insane + "\r\n").field("Request-Id");
    EXPECT_NE(id, insane);
    EXPECT_NE(id, "");
  }
}

TEST(LiveWire, LargeAnswersAreCompressedForThoseWhoAsk) {
  live_server at;
  const auto path = "/v1/hotels/" + at.make_hotel() + "/calendar?from=2027-05-01&to=2029-05-01";
  auto client = at.connect();
  const auto plain = client.send("GET", path);
  const auto packed = client.send("GET", path, "", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(plain.field("Content-Encoding"), "");
  EXPECT_EQ(packed.field("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.field("Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.field("Vary"), "Accept-Encoding");
  EXPECT_LT(packed.body.size() * 5, plain.body.size());
  EXPECT_EQ(gunzipped(packed.body), plain.body);
  EXPECT_EQ(packed.field("ETag"), plain.field("ETag").substr(0, plain.field("ETag").size() - 1) + "-gzip\"");
  EXPECT_EQ(client.send("GET", "/healthz", "", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), "")
      << "too small to be worth it";
}

TEST(LiveWire, AnOldClientIsServedAndLeftAlone) {
  live_server at;
  auto old = at.connect();
  old.write("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().field("Connection"), "close");
  EXPECT_TRUE(old.closed());
  auto keeping = at.connect();
  keeping.write("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(keeping.read().field("Connection"), "keep-alive");
  keeping.write("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(keeping.read().status, 200);
}

TEST(LiveWire, OriginsAreLetInWhereTheSettingSaysSo) {
  gateway_settings open;
  open.cors_origins = {"https://site.example"};
  live_server at{open};
  auto client = at.connect();
  EXPECT_EQ(client.send("GET", "/healthz", "", "Origin: https://site.example\r\n").field("Access-Control-Allow-Origin"),
            "https://site.example");
  EXPECT_EQ(client.send("GET", "/healthz", "", "Origin: https://evil.example\r\n").field("Access-Control-Allow-Origin"),
            "");
  EXPECT_EQ(client.send("GET", "/healthz").field("Vary"), "Origin");
  live_server closed;
  EXPECT_EQ(closed.connect()
                .send("GET", "/healthz", "", "Origin: https://site.example\r\n")
                .field("Access-Control-Allow-Origin"),
            "");
}

gateway_settings hasty() {
  gateway_settings s;
  s.head_timeout = 300ms;
  s.body_timeout = 300ms;
  s.idle_timeout = 300ms;
  return s;
}

TEST(LiveWire, WhoIsTooSlowIsToldAndLetGo) {
  live_server at{hasty()};
  auto head = at.connect();
  head.write("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(head.read().status, 408);
  EXPECT_TRUE(head.closed());
  auto body = at.connect();
  body.write("POST /v1/hotels HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
  EXPECT_EQ(body.read().status, 408);
  auto silent = at.connect();
  EXPECT_TRUE(silent.closed()) << "who says nothing is told nothing";
  auto idle = at.connect();
  EXPECT_EQ(idle.send("GET", "/healthz").status, 200);
  EXPECT_TRUE(idle.closed());
}

TEST(LiveWire, ADrippingClientDoesNotGainTime) {
  live_server at{hasty()};
  auto client = at.connect();
  client.write("GET / HTTP/1.1\r\n");
  // Each line alone would be in time; the head as a whole is not.
  const auto begun = std::chrono::steady_clock::now();
  while (client.silent_for(50ms) && std::chrono::steady_clock::now() - begun < 5s) client.write("X: y\r\n");
  EXPECT_EQ(client.read().status, 408);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST(LiveWire, SilentConnectionsMakeRoomForThoseWhoHaveSomethingToSay) {
  gateway_settings few;
  few.connections_max = 8;
  live_server at{few};
  std::vector<live_client> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(at.connect());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(at.connect().send("GET", "/healthz").status, 200);
}

TEST(LiveWire, ThousandsOfSilentConnectionsCostTheOthersNothing) {
  live_server at;
  const auto hotel = at.make_hotel();
  std::vector<live_client> silent;
  for (int i = 0; i < 400; ++i) silent.push_back(at.connect());
  auto client = at.connect();
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(client.send("POST", "/v1/reservations", reservation_body(hotel)).status, i < 40 ? 201 : 409);
}

TEST(LiveWire, APortThatIsTakenGetsOneClearSentence) {
  live_server first;
  gateway_settings same;
  same.port = first.server.port();
  fake_router router;
  fake_lease lease;
  fixed_clock clock;
  fake_records records;
  fake_operations operators;
  metrics counted{"test"};
  gateway::server second{same,
                         {router, lease, clock, records, operators, counted.gateway, [] { return readiness{}; },
                          [] { return std::string{}; }}};
  try {
    second.start();
    FAIL() << "it listened";
  } catch (const std::runtime_error& e) {
    EXPECT_EQ(std::string{e.what()},
              "port " + std::to_string(same.port) +
                  " of 127.0.0.1 is taken: stop what listens there, or choose another with gateway.port.");
  }
}

TEST(LiveWire, AProxyThatIsNoNetworkIsRefusedAtStart) {
  gateway_settings bad;
  bad.trusted_proxies = {"10.0.0.0/99"};
  EXPECT_THROW(live_server{bad}, std::invalid_argument);
}

}  // namespace
}  // namespace keyrack::testing
