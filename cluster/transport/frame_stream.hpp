// A stream of bytes cut into frames: eight bytes of head (four that are always the same, four of length, little end first),
// then the frame. Owns the bound on what a stranger can make us keep. Pure; knows nothing of what is in a frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace keyrack::cluster {

constexpr std::size_t frame_head_bytes = 8;

/// Appends the head of a frame of so many bytes, which the caller appends behind it. REQUIRES: less than 4 GiB.
void append_frame_head(std::vector<char>& to, std::size_t frame_bytes);

/// Takes what arrives, in pieces of any size, and gives whole frames.
class frame_stream {
public:
  explicit frame_stream(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  /// Appends to `frames` those that are whole now. False: this is not our protocol, or a frame is too large; nothing that
  /// comes after is looked at.
  bool take(std::span<const char> bytes, std::vector<std::string>& frames);

  /// From now on frames may be as large as this.
  void allow(std::size_t frame_bytes_max) { frame_bytes_max_ = frame_bytes_max; }

private:
  bool take_head();

  std::size_t frame_bytes_max_;
  std::string head_;
  std::string frame_;
  std::size_t wanted_ = 0;  // bytes of the frame that is being received; its memory grows with what arrives
  bool in_frame_ = false;
  bool broken_ = false;
};

}  // namespace keyrack::cluster
