// Goal: where a request ends is never a matter of opinion. Bytes that two readers could cut into requests differently get one
// answer and a closed connection, and what was smuggled behind them is nobody's request.
#include "tests/gateway/live/live_server.hpp"
#include "tests/gateway/malformed_requests.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <set>

namespace keyrack::testing {
namespace {

struct attack {
  std::string bytes;
  int status = 400;
  std::string code = "request_invalid";
};

/// A POST to a route that takes a body, with these fields and whatever follows the head.
std::string post(const std::string& fields, const std::string& rest = "") {
  return "POST /v1/hotels HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n" + fields + "\r\n" + rest;
}
std::string get(const std::string& fields) { return "GET /v1/hotels HTTP/1.1\r\nHost: t\r\n" + fields + "\r\n"; }
std::string chunked(const std::string& rest) { return post("Transfer-Encoding: chunked\r\n", rest); }

std::vector<attack> transfer_codings() {
  std::vector<attack> all;
  for (const std::string value : {"chunked, chunked",  "identity, chunked",
                                  "chunked, identity", "gzip",
                                  "gzip, chunked",     "identity",
                                  "xchunked",          "chunkedx",
                                  "\"chunked\"",       "'chunked'",
                                  "chunked;q=1",       "chunked,",
                                  ",chunked",          "",
                                  "\x0b chunked",      "chunked\x0b",
                                  "chun\tked",         "x chunked",
                                  "deflate",           "CHUNKED, chunked"}) {
    all.push_back({post("Transfer-Encoding: " + value + "\r\n", "0\r\n\r\n")});
  }
  for (const std::string fields :
       {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n", " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n", "X: y\r\n\tTransfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n", "X: y\rTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\n",
        "Transfer-Encoding: chunked\r\r\n"}) {
    all.push_back({post(fields, "0\r\n\r\n")});
  }
  for (const std::string fields :
       {"Transfer-Encoding: chunked\r\n", "Host: t\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Transfer-Encoding: identity\r\n"}) {
    all.push_back({"POST /v1/hotels HTTP/1.0\r\n" + fields + "\r\n0\r\n\r\n"});
  }
  return all;
}

std::vector<attack> lengths() {
  std::vector<attack> all;
  for (const std::string value : {"-1",
                                  "-0",
                                  "+5",
                                  "0x10",
                                  "1e1",
                                  "5.0",
                                  "5 5",
                                  "5, 5",
                                  "5,",
                                  ",5",
                                  "5;",
                                  "",
                                  "five",
                                  "\"5\"",
                                  "5\x0b",
                                  "99999999999999999999",
                                  "18446744073709551616",
                                  "18446744073709551615",
                                  "9223372036854775808",
                                  "1000000000000000000",
                                  "4294967296x",
                                  "٥",
                                  "1_000"}) {
    all.push_back({post("Content-Length: " + value + "\r\n")});
  }
  for (const std::string fields :
       {"Content-Length: 0\r\nContent-Length: 36\r\n", "Content-Length: 36\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 0\r\ncontent-length: 0\r\n",
        "Content-Length : 36\r\n", "Content-Length\t: 36\r\n", " Content-Length: 36\r\n",
        "Content-Length: 0\r\n 36\r\n", "X: y\nContent-Length: 36\r\n"}) {
    all.push_back({post(fields)});
  }
  // Plain numbers, and more than any route takes: told before a byte of it is read.
  all.push_back({post("Content-Length: 8388609\r\n"), 413, "body_too_large"});
  all.push_back({post("Content-Length: 4294967296\r\n"), 413, "body_too_large"});
  all.push_back({post("Content-Length: 999999999999999999\r\n"), 413, "body_too_large"});
  return all;
}

std::vector<attack> chunks() {
  std::vector<attack> all;
  for (const std::string rest : {"0x2\r\n{}\r\n0\r\n\r\n",
                                 "2 \r\n{}\r\n0\r\n\r\n",
                                 " 2\r\n{}\r\n0\r\n\r\n",
                                 "2\n{}\r\n0\r\n\r\n",
                                 "2\r\n{}\n0\r\n\r\n",
                                 "2\r\n{}X\r\n0\r\n\r\n",
                                 "2\r\n{}0\r\n\r\n",
                                 "-2\r\n{}\r\n",
                                 "+2\r\n{}\r\n",
                                 "\r\n{}\r\n",
                                 ";x\r\n{}\r\n",
                                 "g\r\n",
                                 "2\r{}\r\n",
                                 "2\r\r\n{}\r\n",
                                 "2\x0b\r\n{}\r\n",
                                 "fffffffffffffffff\r\n",
                                 "10000000000000002\r\n{}\r\n0\r\n\r\n",
                                 "000000002\r\n{}\r\n0\r\n\r\n",
                                 "2;a\n=b\r\n{}\r\n",
                                 "2\r\n{}\r\n0\r\nno field\r\n\r\n",
                                 "2\r\n{}\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n",
                                 "2\r\n{}\r\n0\r\nX: y\n\r\n",
                                 "2\r\n{}\r\n0\r\n folded: y\r\n\r\n",
                                 "2\r\n{}\r\n0\r\nX : y\r\n\r\n"}) {
    all.push_back({chunked(rest)});
  }
  all.push_back({chunked("2;" + std::string(1'000, 'x') + "\r\n{}\r\n")});
  all.push_back({chunked("0\r\nX: " + std::string(1'000, 'x') + "\r\n\r\n")});
  std::string trailers;
  for (int i = 0; i < 100; ++i) trailers += "X: y\r\n";
  all.push_back({chunked("0\r\n" + trailers + "\r\n")});
  all.push_back({chunked("7fffffff\r\n"), 413, "body_too_large"});
  all.push_back({chunked("ffffffff\r\n"), 413, "body_too_large"});
  return all;
}

std::vector<attack> lines() {
  std::vector<attack> all;
  for (const std::string bytes : {"GET / HTTP/1.1\r\nHost: t\nX: y\r\n\r\n",
                                  "GET / HTTP/1.1\nHost: t\n\n",
                                  "GET / HTTP/1.1\nHost: t\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\n\n",
                                  "GET / HTTP/1.1\r\nHost: t\rX: y\r\n\r\n",
                                  "GET /\rX HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nX: a\r\n\tb\r\n\r\n",
                                  "GET / HTTP/1.1\r\n Host: t\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t, u\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t/smuggled\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: user@t\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
                                  "GET / HTTP/1.1\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost : t\r\n\r\n",
                                  "GET / HTTP/1.1\r\nX: y\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nX: \x01\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\n: y\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nX\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nX Y: z\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: t\r\nX(: z\r\n\r\n",
                                  "GET / HTTP/3.0\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/0.9\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/1.10\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/1.1.1\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/11\r\nHost: t\r\n\r\n",
                                  "GET / HTTP/1.1 \r\nHost: t\r\n\r\n",
                                  "GET / http/1.1\r\nHost: t\r\n\r\n",
                                  "GET /\r\n\r\n",
                                  "GET  / HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET\t/\tHTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET /a b HTTP/1.1\r\nHost: t\r\n\r\n",
                                  " GET / HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET nowhere HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET t:80 HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET * HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET ftp://t/ HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET http:///x HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET http://user@t/ HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET /a#b HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET /\xff HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "GET /\x7f HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "G(T / HTTP/1.1\r\nHost: t\r\n\r\n",
                                  "\r\n",
                                  "\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\n\r\n",
                                  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                                  "SSH-2.0-x\r\n\r\n",
                                  "*1\r\n$4\r\nPING\r\n\r\n"}) {
    all.push_back({bytes});
  }
  using namespace std::string_literals;  // which know their length, a NUL within or not
  all.push_back({"GET / HTTP/1.1\r\nHost: t\r\nX: a\0b\r\n\r\n"s});
  all.push_back({"GET /\0 HTTP/1.1\r\nHost: t\r\n\r\n"s});
  for (const std::string field :
       {"Idempotency-Key", "If-Match", "Content-Type", "Expect", "Request-Id", "traceparent"}) {
    all.push_back({get(field + ": a\r\n" + field + ": b\r\n")});
  }
  all.push_back({get("X: " + std::string(20'000, 'x') + "\r\n"), 431, "head_too_large"});
  all.push_back({"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: t\r\n\r\n", 431, "head_too_large"});
  all.push_back({std::string(20'000, 'x'), 431, "head_too_large"});
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "X: y\r\n";
  all.push_back({get(many), 431, "head_too_large"});
  all.push_back({post("Expect: cake\r\nContent-Length: 5\r\n"), 417, "expectation_failed"});
  return all;
}

class LiveFraming : public ::testing::Test {
protected:
  void check(const std::vector<attack>& all) {
    const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n";
    for (const auto& a : all) {
      auto client = at.connect();
      client.write(a.bytes + smuggled);
      const auto got = client.read();
      const auto what = a.bytes.substr(0, 300);
      ASSERT_EQ(got.status, a.status) << what << got.body;
      EXPECT_EQ(text_of(got.json(), "code"), a.code) << what;
      EXPECT_EQ(text_of(got.json(), "outcome"), "not_applied") << what;
      EXPECT_EQ(got.field("Connection"), "close") << what;
      EXPECT_EQ(got.field("Content-Type"), "application/problem+json") << what;
      EXPECT_EQ(client.read().status, 0) << "what follows is nobody's request: " << what;
      EXPECT_TRUE(client.closed()) << what;
    }
    EXPECT_EQ(at.router.sent(), 0) << "a hotel was asked";
    std::cout << all.size() << " attacks\n";
  }
  live_server at;
};

TEST_F(LiveFraming, TransferCodings) { check(transfer_codings()); }
TEST_F(LiveFraming, Lengths) { check(lengths()); }
TEST_F(LiveFraming, Chunks) { check(chunks()); }
TEST_F(LiveFraming, Lines) { check(lines()); }

// What looks like an attack and has one meaning only is served, and so is the request behind it.
TEST_F(LiveFraming, OneMeaningIsServed) {
  const std::string next = "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";
  for (const auto& [bytes, status] : std::vector<std::pair<std::string, int>>{
           {get("Content-Length: 0\r\n"), 200},
           {get("Content-Length: 000000000000000005\r\n") + "GET /", 400},
           {get("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 200},
           {get("Transfer-Encoding: CHUNKED \r\n") + "5;a=\"b\"\r\nGET /\r\n0\r\nContent-Length: 9\r\n\r\n", 400},
           {"GET http://t:80/v1/hotels?limit=1 HTTP/1.1\r\nHost: t\r\n\r\n", 200},
           {"GET HTTPS://t HTTP/1.1\r\nHost: t\r\n\r\n", 404},
           {"GET /v1/hotels HTTP/1.1\r\nHost:\r\n\r\n", 200},
           {"GET /v1/hotels HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200},
           {get("Content_Length: 5\r\nX-Transfer-Encoding: chunked\r\n"), 200},
           {get("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), 200}}) {
    auto client = at.connect();
    client.write(bytes + next);
    EXPECT_EQ(client.read().status, status) << bytes;
    EXPECT_EQ(client.read().status, 200) << "the request behind it is found where this one ends: " << bytes;
  }
}

TEST_F(LiveFraming, NothingFollowsTheLastRequestOfAConnection) {
  auto client = at.connect();
  client.write(get("Connection: close\r\n") + get(""));
  EXPECT_EQ(client.read().field("Connection"), "close");
  EXPECT_EQ(client.read().status, 0);
}

// The same table as without a socket: whatever is wrong with one request, the connection goes on with the next.
TEST_F(LiveFraming, MalformedRequestsAreRefusedOnAConnectionThatGoesOn) {
  auto client = at.connect();
  const auto requests = all_malformed_requests().all();
  for (const auto& m : requests) {
    const auto got = client.send(m.method, m.target, m.body, m.fields);
    const auto what = m.text().substr(0, 300) + "\n" + got.body;
    ASSERT_EQ(got.status, m.status) << what;
    EXPECT_EQ(text_of(got.json(), "code"), m.code) << what;
    EXPECT_EQ(text_of(got.json(), "outcome"), "not_applied") << what;
    EXPECT_EQ(got.field("Connection"), "") << what;
  }
  EXPECT_EQ(client.send("GET", "/healthz").status, 200);
  EXPECT_EQ(at.router.sent(), 0) << "a hotel was asked";
}

}  // namespace
}  // namespace keyrack::testing
