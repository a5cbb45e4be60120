#include "gateway/chunked_body.hpp"

#include <algorithm>
#include <charconv>

namespace keyrack::gateway {
namespace {

/// `name: value`. Another request that is taken for trailers must not look like some.
bool is_field_line(std::string_view line) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.find('\0') != std::string_view::npos) return false;
  return std::ranges::all_of(line.substr(0, colon), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::size_t chunked_body::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == state::going_on && taken < bytes.size()) {
    const auto rest = bytes.substr(taken);
    if (expecting_ == expecting::data) {
      const auto n = std::min(left_, rest.size());
      data_.append(rest.substr(0, n));
      left_ -= n;
      taken += n;
      if (left_ == 0) expecting_ = expecting::data_end;
      continue;
    }
    const auto end = rest.find('\n');
    if (std::min(end, rest.size()) > line_bytes_max) state_ = state::bad;
    if (state_ == state::bad || end == std::string_view::npos) break;
    taken += end + 1;
    // A carriage return anywhere else than before the line feed, or none there, is bare.
    const auto line = rest.substr(0, end);
    if (line.empty() || line.find('\r') != line.size() - 1 || !take_line(line.substr(0, line.size() - 1))) {
      if (state_ == state::going_on) state_ = state::bad;
    }
  }
  return taken;
}

bool chunked_body::take_line(std::string_view line) {
  switch (expecting_) {
  case expecting::size_line: return read_size(line);
  case expecting::data_end: expecting_ = expecting::size_line; return line.empty();
  case expecting::trailer_line:
    if (line.empty()) state_ = state::complete;
    // Trailers are skipped: nothing in them may change what the head has said.
    return line.empty() || (++trailers_ <= trailer_lines_max && is_field_line(line));
  case expecting::data: break;
  }
  return false;
}

bool chunked_body::read_size(std::string_view line) {
  const auto digits = line.substr(0, line.find(';'));
  // Eight digits are more than any bound on a body, and cannot overflow.
  if (digits.empty() || digits.size() > 8 || line.find('\0') != std::string_view::npos) return false;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (ec != std::errc{} || end != digits.data() + digits.size()) return false;
  if (left_ > bytes_max_ - data_.size()) {
    state_ = state::too_large;
    return false;
  }
  expecting_ = left_ == 0 ? expecting::trailer_line : expecting::data;
  return true;
}

}  // namespace keyrack::gateway
