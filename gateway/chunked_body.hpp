// Decodes a chunked body, strictly. Owns the framing of chunks and trailers and a bound on what surrounds the data;
// refuses chunk sizes that are not plain hexadecimal, bare line ends, and extensions without end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace keyrack::gateway {

class chunked_body {
public:
  enum class state : std::uint8_t { going_on, complete, bad, too_large };

  explicit chunked_body(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Takes what it can of `bytes` and returns how much that was. Goes no further than the end of the body.
  std::size_t take(std::string_view bytes);

  state now() const { return state_; }
  std::string& data() { return data_; }

private:
  enum class expecting : std::uint8_t { size_line, data, data_end, trailer_line };
  bool take_line(std::string_view line);
  bool read_size(std::string_view line);

  // Sizes, extensions and trailers carry nothing that is used: a little is tolerated, more is an attack.
  static constexpr std::size_t line_bytes_max = 256;
  static constexpr std::size_t trailer_lines_max = 32;

  const std::size_t bytes_max_;
  expecting expecting_ = expecting::size_line;
  state state_ = state::going_on;
  std::size_t left_ = 0;
  std::size_t trailers_ = 0;
  std::string data_;
};

}  // namespace keyrack::gateway
