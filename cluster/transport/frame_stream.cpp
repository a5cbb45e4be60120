#include "cluster/transport/frame_stream.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace keyrack::cluster {

namespace {

constexpr std::array<char, 4> magic{'K', 'R', 'K', '\x01'};

}  // namespace

void append_frame_head(std::vector<char>& to, std::size_t frame_bytes) {
  KEYRACK_ASSERT(frame_bytes <= std::numeric_limits<std::uint32_t>::max());
  to.insert(to.end(), magic.begin(), magic.end());
  for (unsigned shift = 0; shift < 32; shift += 8) to.push_back(static_cast<char>((frame_bytes >> shift) & 0xff));
}

bool frame_stream::take_head() {
  if (!std::ranges::equal(std::string_view{head_}.substr(0, magic.size()), magic)) return false;
  wanted_ = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    wanted_ |= static_cast<std::size_t>(static_cast<unsigned char>(head_[magic.size() + i])) << (8 * i);
  }
  head_.clear();
  in_frame_ = true;
  return wanted_ <= frame_bytes_max_;
}

bool frame_stream::take(std::span<const char> bytes, std::vector<std::string>& frames) {
  while (!broken_) {
    if (!in_frame_) {
      const auto n = std::min(frame_head_bytes - head_.size(), bytes.size());
      head_.append(bytes.data(), n);
      bytes = bytes.subspan(n);
      if (head_.size() < frame_head_bytes) return true;
      broken_ = !take_head();
    } else {
      const auto n = std::min(wanted_ - frame_.size(), bytes.size());
      frame_.append(bytes.data(), n);
      bytes = bytes.subspan(n);
      if (frame_.size() < wanted_) return true;
      frames.push_back(std::exchange(frame_, {}));
      in_frame_ = false;
    }
  }
  return false;
}

}  // namespace keyrack::cluster
