// Foreign bytes as what a client sends: the head, and the body when it is chunked. It does not matter in which pieces they
// come; where the request ends is no matter of opinion; and what was read, written down again, is read the same.
#include "actors/domain/assert.hpp"
#include "gateway/chunked_body.hpp"
#include "gateway/request_head.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace keyrack;
using namespace keyrack::gateway;

namespace {

constexpr std::size_t body_bytes_max = 4096;
constexpr std::array<std::string_view, http_fields> field_names{"accept",
                                                                "accept-encoding",
                                                                "access-control-request-method",
                                                                "content-encoding",
                                                                "content-length",
                                                                "content-type",
                                                                "expect",
                                                                "forwarded",
                                                                "host",
                                                                "idempotency-key",
                                                                "if-match",
                                                                "if-none-match",
                                                                "origin",
                                                                "request-id",
                                                                "traceparent",
                                                                "transfer-encoding",
                                                                "x-forwarded-for"};

/// The end of the head when it comes in pieces of `step` bytes.
head_extent found_in_pieces(std::string_view stream, std::size_t step) {
  head_extent found;
  for (std::size_t have = 0; found.what == head_extent::kind::incomplete && have < stream.size();) {
    have = std::min(have + step, stream.size());
    const auto looked_at = found.size;
    found = find_head(stream.substr(0, have), looked_at);
    KEYRACK_ASSERT(found.size >= looked_at && found.size <= have);
  }
  return found;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// How many lines of a head a careless reader would take for the field: one that sees through spaces and control characters.
int lines_that_look_like(std::string_view head, std::string_view field) {
  int found = 0;
  for (auto line = head.find('\n'); line != std::string_view::npos; line = head.find('\n', line + 1)) {
    std::string name;
    for (const char c : head.substr(line + 1, head.find_first_of(":\n", line + 1) - line - 1)) {
      if (static_cast<unsigned char>(c) > ' ' && c != 0x7F) name += lower(c);
    }
    if (name == field) ++found;
  }
  return found;
}

void check_framing(std::string_view text, const request_head& head) {
  const auto lengths = lines_that_look_like(text, "content-length");
  const auto codings = lines_that_look_like(text, "transfer-encoding");
  KEYRACK_ASSERT(lengths == (head.content_length ? 1 : 0));
  KEYRACK_ASSERT(codings == (head.chunked ? 1 : 0));
  KEYRACK_ASSERT(!head.chunked ||
                 std::ranges::equal(head[http_field::transfer_encoding], std::string_view{"chunked"}, {}, lower));
  KEYRACK_ASSERT(head[http_field::content_length].find_first_not_of("0123456789") == std::string_view::npos);
  KEYRACK_ASSERT(!(head.chunked && (head.content_length || head.http_1_0)));
  KEYRACK_ASSERT(head.http_1_0 || lines_that_look_like(text, "host") == 1);
}

void check_target(const request_head& head) {
  KEYRACK_ASSERT(head.path.empty() || head.path.starts_with('/') || head.path == "*");
  KEYRACK_ASSERT(head.path.find_first_of("?# \r\n") == std::string_view::npos);
  KEYRACK_ASSERT(head.query.find_first_of("# \r\n") == std::string_view::npos);
}

/// All that was understood, as a head of ours.
std::string written(const request_head& head) {
  auto text = std::string{method_name(head.method)} + ' ' + std::string{head.target} +
              (head.http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (std::size_t i = 0; i < http_fields; ++i) {
    const auto field = static_cast<http_field>(i);
    if (head.has(field)) text += std::string{field_names[i]} + ": " + std::string{head[field]} + "\r\n";
  }
  return text + "\r\n";
}

void check_same(const request_head& a, const request_head& b) {
  KEYRACK_ASSERT(a.method == b.method && a.http_1_0 == b.http_1_0);
  KEYRACK_ASSERT(a.target == b.target && a.path == b.path && a.query == b.query);
  KEYRACK_ASSERT(a.chunked == b.chunked && a.content_length == b.content_length);
  for (std::size_t i = 0; i < http_fields; ++i) {
    const auto field = static_cast<http_field>(i);
    // A list whose last line was empty ends with a space, which is no part of a value.
    KEYRACK_ASSERT(a.has(field) == b.has(field) && a[field].substr(0, a[field].find_last_not_of(' ') + 1) == b[field]);
  }
}

/// As the session feeds it: what is not taken is offered again, with more behind it.
chunked_body read_in_pieces(std::string_view stream, std::size_t step, std::size_t& taken) {
  chunked_body body{body_bytes_max};
  taken = 0;
  for (std::size_t have = 0; body.now() == chunked_body::state::going_on && have < stream.size();) {
    have = std::min(have + step, stream.size());
    taken += body.take(stream.substr(taken, have - taken));
    KEYRACK_ASSERT(taken <= have && body.data().size() <= body_bytes_max);
  }
  return body;
}

void check_body(std::string_view stream, std::size_t step) {
  std::size_t taken_whole = 0, taken = 0;
  auto whole = read_in_pieces(stream, std::max<std::size_t>(stream.size(), 1), taken_whole);
  auto body = read_in_pieces(stream, step, taken);
  KEYRACK_ASSERT(whole.now() == body.now() && whole.data() == body.data());
  if (body.now() != chunked_body::state::complete) return;
  KEYRACK_ASSERT(taken == taken_whole && stream.substr(0, taken).ends_with("\r\n"));
  // A byte less would not have been a body, and a byte more is the next request's.
  KEYRACK_ASSERT(read_in_pieces(stream.substr(0, taken - 1), step, taken_whole).now() == chunked_body::state::going_on);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first byte says in which pieces the rest comes.
  if (size == 0) return 0;
  const std::size_t step = 1 + bytes[0] % 64U;
  const std::string_view stream{reinterpret_cast<const char*>(bytes) + 1, size - 1};
  check_body(stream, step);

  const auto found = find_head(stream, 0);
  const auto in_pieces = found_in_pieces(stream, step);
  KEYRACK_ASSERT(found.what == in_pieces.what);
  if (found.what != head_extent::kind::complete) return 0;
  KEYRACK_ASSERT(found.size == in_pieces.size);

  const auto text = stream.substr(0, found.size);
  request_head head;
  if (const auto wrong = parse_head(text, head)) {
    KEYRACK_ASSERT(wrong->status >= 400 && wrong->status < 500 && !wrong->detail.empty());
    return 0;
  }
  check_framing(text, head);
  check_target(head);
  // The method's name was not kept when it is none of ours.
  const auto again_text = written(head);
  request_head again;
  KEYRACK_ASSERT(find_head(again_text, 0).size == again_text.size() && !parse_head(again_text, again));
  check_same(head, again);
  const std::string elsewhere{again_text};
  again.moved(again_text.data(), again_text.size(), elsewhere.data());
  check_same(head, again);
  if (head.chunked) check_body(stream.substr(found.size), step);
  return 0;
}
