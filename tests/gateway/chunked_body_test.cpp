// Goal: a chunked body is the same however it is cut up, and one that is framed wrongly is never completed.
#include "gateway/chunked_body.hpp"

#include <gtest/gtest.h>

#include <string>

namespace keyrack::gateway {
namespace {

using state = chunked_body::state;

TEST(ChunkedBody, IsTheSameInPiecesOfAnySize) {
  const std::string wire = "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    chunked_body body{100};
    std::string waiting;
    std::size_t from = 0;
    while (body.now() == state::going_on && from < wire.size()) {
      waiting += wire.substr(from, piece);
      from += piece;
      waiting.erase(0, body.take(waiting));
    }
    ASSERT_EQ(body.now(), state::complete) << piece;
    EXPECT_EQ(body.data(), "hello world");
    EXPECT_EQ(waiting + (from < wire.size() ? wire.substr(from) : ""), "NEXT") << piece;
  }
}

TEST(ChunkedBody, RefusesWhatIsNotFramedAsItMustBe) {
  for (const std::string wire :
       {"x\r\n", "\r\n", "5 \r\nhello\r\n", " 5\r\nhello\r\n", "0x5\r\nhello\r\n", "-5\r\n", "+5\r\n", "5\nhello\r\n",
        "5\r\nhelloX\r\n", "5\r\nhello\n", "5\r\nhello\rX", "123456789\r\n", "5\r\r\nhello\r\n",
        "0\r\nTrailer: x\n\r\n", "0\r\nno field\r\n\r\n", "0\r\n folded: x\r\n\r\n", "0\r\nA : b\r\n\r\n"}) {
    chunked_body body{1'000'000'000};
    body.take(wire + "\r\n\r\n");
    EXPECT_EQ(body.now(), state::bad) << wire;
  }
  chunked_body nul{100};
  nul.take(std::string{"5;\0\r\nhello\r\n", 11});
  EXPECT_EQ(nul.now(), state::bad);
}

TEST(ChunkedBody, BoundsDataExtensionsAndTrailers) {
  chunked_body data{4};
  data.take("5\r\nhello");
  EXPECT_EQ(data.now(), state::too_large);
  chunked_body sum{6};
  sum.take("5\r\nhello\r\n2\r\nhi\r\n");
  EXPECT_EQ(sum.now(), state::too_large);
  chunked_body extension{100};
  extension.take("5;" + std::string(1'000, 'x'));
  EXPECT_EQ(extension.now(), state::bad);
  chunked_body trailers{100};
  std::string wire = "0\r\n";
  for (int i = 0; i < 100; ++i) wire += "A: b\r\n";
  trailers.take(wire);
  EXPECT_EQ(trailers.now(), state::bad);
}

}  // namespace
}  // namespace keyrack::gateway
