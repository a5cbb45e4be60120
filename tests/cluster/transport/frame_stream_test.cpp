// Goal: frames come out whole however the bytes were cut, and a stranger's bytes make nobody keep more than was allowed.
#include "cluster/transport/frame_stream.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace keyrack::cluster {
namespace {

std::vector<char> stream_of(const std::vector<std::string>& frames) {
  std::vector<char> bytes;
  for (const auto& each : frames) {
    append_frame_head(bytes, each.size());
    bytes.insert(bytes.end(), each.begin(), each.end());
  }
  return bytes;
}

RC_GTEST_PROP(FrameStream, GivesTheFramesBackHoweverTheStreamIsCut, (const std::vector<std::string>& frames)) {
  const auto bytes = stream_of(frames);
  frame_stream stream{1'000'000};
  std::vector<std::string> got;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = std::min<std::size_t>(*rc::gen::inRange(1, 40), bytes.size() - at);
    RC_ASSERT(stream.take({bytes.data() + at, n}, got));
    at += n;
  }
  RC_ASSERT(got == frames);
}

TEST(FrameStream, RefusesAFrameThatClaimsTooMuchBeforeItComes) {
  frame_stream stream{100};
  std::vector<std::string> got;
  std::vector<char> head;
  append_frame_head(head, 101);
  EXPECT_FALSE(stream.take(head, got));
  EXPECT_FALSE(stream.take(stream_of({"later"}), got)) << "a broken stream stays broken";
  EXPECT_TRUE(got.empty());
}

TEST(FrameStream, TakesAFrameOfTheLargestSizeAndMoreOnceItIsAllowed) {
  frame_stream stream{100};
  std::vector<std::string> got;
  EXPECT_TRUE(stream.take(stream_of({std::string(100, 'a')}), got));
  stream.allow(200);
  EXPECT_TRUE(stream.take(stream_of({std::string(200, 'b')}), got));
  EXPECT_EQ(got.size(), 2);
}

TEST(FrameStream, RefusesWhatIsNotOurProtocol) {
  frame_stream stream{100};
  std::vector<std::string> got;
  const std::string http = "GET / HTTP/1.1\r\n\r\n";
  EXPECT_FALSE(stream.take(http, got));
}

}  // namespace
}  // namespace keyrack::cluster
