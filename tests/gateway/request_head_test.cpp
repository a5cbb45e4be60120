// Goal: where a request ends is never a matter of opinion, and what is read from a head is what was sent.
#include "gateway/request_head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace keyrack::gateway {
namespace {

using kind = head_extent::kind;

std::optional<framing_fault> parse(const std::string& text, request_head& head) { return parse_head(text, head); }

std::string with(const std::string& fields, const std::string& line = "POST /v1/hotels HTTP/1.1") {
  return line + "\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(RequestHead, IsFoundWhereItEndsHoweverItArrives) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";
  std::size_t looked_at = 0;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const auto found = find_head(std::string_view{text}.substr(0, n), looked_at);
    if (n < text.size() - 3) {
      ASSERT_EQ(found.what, kind::incomplete) << n;
      looked_at = found.size;
    } else {
      ASSERT_EQ(found.what, kind::complete) << n;
      EXPECT_EQ(found.size, text.size() - 3);
    }
  }
}

TEST(RequestHead, HasNoBareLineEndsNoFoldsAndNoNul) {
  for (const std::string text : {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
                                 "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", "\n", "GET / HTTP/1.1\r\r\n"}) {
    EXPECT_EQ(find_head(text, 0).what, kind::bad) << text;
  }
  EXPECT_EQ(find_head(std::string{"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 27}, 0).what, kind::bad);
}

TEST(RequestHead, RefusesEveryFramingThatTwoReadersCouldReadDifferently) {
  for (const std::string fields : {"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                                   "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                                   "Transfer-Encoding: gzip\r\n",
                                   "Transfer-Encoding: gzip, chunked\r\n",
                                   "Transfer-Encoding: chunked, identity\r\n",
                                   "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                   "Transfer-Encoding: xchunked\r\n",
                                   "Transfer-Encoding: \"chunked\"\r\n",
                                   "Transfer-Encoding:\r\n",
                                   "Transfer-Encoding: chunked;q=1\r\n",
                                   "Content-Length: 3\r\nContent-Length: 3\r\n",
                                   "Content-Length: 3\r\nContent-Length: 4\r\n",
                                   "Content-Length: 3, 3\r\n",
                                   "Content-Length: +3\r\n",
                                   "Content-Length: -3\r\n",
                                   "Content-Length: 0x3\r\n",
                                   "Content-Length: 3 4\r\n",
                                   "Content-Length:\r\n",
                                   "Content-Length: 99999999999999999999\r\n",
                                   "Content-Length : 3\r\n",
                                   "Host: b\r\n",
                                   "X: \x01\r\n",
                                   "No colon\r\n",
                                   ": empty name\r\n",
                                   "Bad(name: x\r\n",
                                   "Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
                                   "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n"}) {
    request_head head;
    const auto fault = parse(with(fields), head);
    ASSERT_TRUE(fault.has_value()) << fields;
    EXPECT_EQ(fault->status, 400) << fields;
  }
}

TEST(RequestHead, RefusesWhatIsNotHttpOneAndTransferEncodingBeforeOneOne) {
  for (const std::string text : {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                                 "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                                 "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
                                 "GET / http/1.1\r\nHost: a\r\n\r\n",
                                 "GET /\r\n\r\n",
                                 "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                                 "GET / HTTP/1.1\r\n\r\n",
                                 " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "\r\n",
                                 "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
                                 "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                                 "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    request_head head;
    EXPECT_TRUE(parse(text, head).has_value()) << text;
  }
}

TEST(RequestHead, ReadsMethodPathQueryAndTheFieldsThatMatter) {
  request_head head;
  const auto text = with("Content-Length: 17\r\nIdempotency-KEY: key-1\r\nX-Other: y\r\nif-match: \"3\"\r\n",
                         "PATCH /v1/hotels/x?a=1&b=2 HTTP/1.1");
  ASSERT_FALSE(parse(text, head).has_value());
  EXPECT_EQ(head.method, http_method::patch);
  EXPECT_EQ(head.path, "/v1/hotels/x");
  EXPECT_EQ(head.query, "a=1&b=2");
  EXPECT_EQ(head.content_length, 17);
  EXPECT_EQ(head[http_field::idempotency_key], "key-1");
  EXPECT_EQ(head[http_field::if_match], "\"3\"");
  EXPECT_FALSE(head.has(http_field::origin));
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHead, TakesTheAbsoluteFormThatProxiesSend) {
  const auto text = with("", "GET http://a:80/v1/hotels?limit=1 HTTP/1.1");
  request_head head;
  ASSERT_FALSE(parse(text, head).has_value());
  EXPECT_EQ(head.path, "/v1/hotels");
  EXPECT_EQ(head.query, "limit=1");
  const auto bare_text = with("", "GET http://a HTTP/1.1");
  request_head bare;
  ASSERT_FALSE(parse(bare_text, bare).has_value());
  EXPECT_EQ(bare.path, "/");
}

TEST(RequestHead, JoinsLinesOfListsInTheirOrder) {
  const auto text = with("X-Forwarded-For: a\r\nX-Forwarded-For: b\r\nX-Forwarded-For: c\r\n");
  request_head head;
  ASSERT_FALSE(parse(text, head).has_value());
  EXPECT_EQ(head[http_field::x_forwarded_for], "a, b, c");
}

TEST(RequestHead, FollowsItsBytesWhenTheyMove) {
  auto text = with("Request-Id: r-1\r\nAccept: a\r\nAccept: b\r\n", "GET /v1/hotels?limit=2 HTTP/1.1");
  request_head head;
  ASSERT_FALSE(parse(text, head).has_value());
  const std::string moved = text;
  head.moved(text.data(), text.size(), moved.data());
  text.assign(text.size(), 'x');
  EXPECT_EQ(head.path, "/v1/hotels");
  EXPECT_EQ(head.query, "limit=2");
  EXPECT_EQ(head[http_field::request_id], "r-1");
  EXPECT_EQ(head[http_field::accept], "a, b");
}

TEST(RequestHead, KnowsWhoKeepsTheConnection) {
  const auto keeps = [](const std::string& text) {
    request_head head;
    EXPECT_FALSE(parse(text, head).has_value()) << text;
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps(with("")));
  EXPECT_FALSE(keeps(with("Connection: close\r\n")));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

}  // namespace
}  // namespace keyrack::gateway
