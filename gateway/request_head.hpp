// The head of a request: request line and the fields that the gateway knows. Owns the framing rules: where a request ends
// must never be a matter of opinion between us and a proxy. Refuses to know sockets, routes and bodies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack::gateway {

enum class http_method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view method_name(http_method method);

/// Fields that are read; all others are skipped.
enum class http_field : std::uint8_t {
  accept,
  accept_encoding,
  access_control_request_method,
  content_encoding,
  content_length,
  content_type,
  expect,
  forwarded,
  host,
  idempotency_key,
  if_match,
  if_none_match,
  origin,
  request_id,
  traceparent,
  transfer_encoding,
  x_forwarded_for,
};
inline constexpr std::size_t http_fields = static_cast<std::size_t>(http_field::x_forwarded_for) + 1;

struct request_head {
  http_method method = http_method::other;
  std::string_view target;  ///< as sent
  std::string_view path;    ///< of the target, not decoded
  std::string_view query;   ///< of the target, without the question mark
  bool http_1_0 = false;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;

  /// Empty when the field is absent; has() tells.
  std::string_view operator[](http_field field) const { return values_[static_cast<std::size_t>(field)]; }
  bool has(http_field field) const { return values_[static_cast<std::size_t>(field)].data() != nullptr; }

  void set(http_field field, std::string_view value) { values_[static_cast<std::size_t>(field)] = value; }
  /// Adds a further line of a field that is a list.
  void join(http_field field, std::string_view value);
  /// The bytes that the head was read from have moved.
  void moved(const char* from, std::size_t size, const char* to);

private:
  std::array<std::string_view, http_fields> values_{};
  std::deque<std::string> joined_;  // a deque never moves its elements
};

/// How far a buffer holds a head. `bad`: what it holds cannot become one.
struct head_extent {
  enum class kind : std::uint8_t { incomplete, complete, bad } what = kind::incomplete;
  std::size_t size = 0;  ///< complete: bytes up to and with the empty line; incomplete: bytes that need no second look
};
/// Looks for the end of a head in `bytes`, whose first `looked_at` were looked at before. Bare line feeds, bare carriage
/// returns, folded lines and NUL are bad at once.
head_extent find_head(std::string_view bytes, std::size_t looked_at);

/// What is wrong with a head; the connection cannot be used any further.
struct framing_fault {
  unsigned status = 400;
  std::string_view detail;
};

/// Reads a whole head into `out`, whose views point into `bytes`. Refuses, beside what is not HTTP/1.x: any
/// Transfer-Encoding that is not exactly one `chunked`, one with Content-Length or on HTTP/1.0, several lengths, no or
/// several hosts, and repeated fields that may stand only once.
std::optional<framing_fault> parse_head(std::string_view bytes, request_head& out);

}  // namespace keyrack::gateway
