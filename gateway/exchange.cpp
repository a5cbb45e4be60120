#include "gateway/exchange.hpp"

#include "gateway/digest.hpp"
#include "gateway/entity_tag.hpp"
#include "gateway/routing.hpp"

#include <boost/json/value.hpp>

#include <algorithm>

namespace keyrack::gateway {
namespace {

constexpr std::size_t key_bytes_max = 255;

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

void append_number(std::string& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>(number >> shift & 0xFF);
}

}  // namespace

void exchange::fail(const problem& what) {
  code = what.kind.code;
  write_problem(answer, what, request_id, head.path, use.settings.retry_after);
}

void exchange::fail(const fault_list& faults) {
  auto what = problem_of(errc::body_invalid, "Nothing was done. Each fault is in errors.");
  what.faults = faults.all();
  fail(what);
}

void exchange::fail(const failure& why) {
  auto what = problem_of(why.code, why.detail);
  what.applied = why.outcome;
  // Over the bound of one hotel others still find room: that is the client's to slow down, not the node's.
  if (why.code == errc::overloaded && hotel_bound_) what.kind.status = 429;
  fail(what);
}

bool exchange::query_failed() {
  if (query->faults().empty()) return false;
  auto what = problem_of(http_fault::query_invalid, "Nothing was asked. Each fault is in errors.");
  what.faults = query->faults();
  // A cursor alone is the one parameter that the client did not write.
  if (std::ranges::all_of(what.faults, [](const fault& f) { return f.pointer == "?cursor"; })) {
    what.kind = kind_of(errc::cursor_invalid);
  }
  fail(what);
  return true;
}

std::optional<json_document> exchange::json() {
  auto read = json_document::parse(body, use.settings.json_depth_max);
  if (read) return std::move(*read);
  fail(errc::json_invalid, std::move(read.error()));
  return std::nullopt;
}

std::optional<request_key> exchange::read_key(std::optional<request_key> named) {
  if (!head.has(http_field::idempotency_key)) {
    const auto key = named ? *named : random_key();
    answer.field("Idempotency-Key", to_uuid_text(key));
    return key;
  }
  const auto text = head[http_field::idempotency_key];
  if (text.empty() || text.size() > key_bytes_max || !is_visible(text)) {
    const fault wrong{
        .pointer = "Idempotency-Key", .code = "format", .detail = "From 1 to 255 visible ASCII characters."};
    auto what = problem_of(http_fault::request_invalid, "The request key cannot be read.");
    what.faults = {&wrong, 1};
    fail(what);
    return std::nullopt;
  }
  const auto key = key_of_text(text);
  answer.field("Idempotency-Key", text);
  if (named && *named != key) {
    fail(errc::key_reused, "Idempotency-Key and reservation_id name two different requests.");
    return std::nullopt;
  }
  return key;
}

bool exchange::read_if_match(std::optional<std::uint64_t>& version) {
  if (!head.has(http_field::if_match)) return true;
  const auto read = read_if_match_field(head[http_field::if_match]);
  if (!read) {
    const fault wrong{
        .pointer = "If-Match", .code = "format", .detail = "One entity tag as it came in ETag, such as \"17\", or *."};
    auto what = problem_of(http_fault::request_invalid, "The precondition cannot be read.");
    what.faults = {&wrong, 1};
    fail(what);
    return false;
  }
  version = *read;
  return true;
}

std::optional<request> exchange::begin_command(const boost::json::value* of_body, std::string_view without,
                                               std::optional<request_key> named) {
  request made;
  const auto key = read_key(named);
  if (!key || !read_if_match(made.if_match)) return std::nullopt;
  made.key = *key;
  made.key_is_client_reference = named.has_value();
  made.by = "anonymous";

  std::string canonical;
  canonical.reserve(512);
  canonical += matched->operation;
  canonical += '\n';
  append_number(canonical, path.hotel.value);
  append_number(canonical, path.room_type.value);
  append_number(canonical, path.reservation.number.value);
  if (of_body != nullptr) append_canonical(canonical, *of_body, without);
  made.digest = digest_of(canonical);
  return made;
}

envelope exchange::make_envelope(hotel_id to, request by, command what) const {
  envelope e;
  e.hotel = to;
  e.request = std::move(by);
  e.body = std::move(what);
  e.deadline = deadline;
  e.request_id = request_id;
  return e;
}

envelope exchange::make_envelope(hotel_id to, keyrack::query what) const {
  envelope e;
  e.hotel = to;
  e.body = std::move(what);
  e.deadline = deadline;
  e.request_id = request_id;
  return e;
}

bool exchange::accept(const answer_envelope& from) {
  hotel = from.hotel;
  sequence = from.sequence;
  answer.rests_on = from.rests_on;
  if (const auto* failed = std::get_if<failure>(&from.body)) {
    // Nothing was seen, so that there is nothing that could rest on something.
    answer.rests_on = durable{};
    fail(*failed);
    return false;
  }
  answer.field("Keyrack-Sequence", from.sequence);
  if (const auto* refused = std::get_if<refusal>(&from.body)) {
    auto what = problem_of(refused->code, refused->detail);
    what.reasons = refused->reasons;
    fail(what);
    return false;
  }
  if (const auto* accepted = std::get_if<done>(&from.body)) {
    if (accepted->replayed) answer.field("Idempotent-Replayed", "true");
  }
  return true;
}

bool exchange::not_modified(std::uint64_t version) {
  answer.etag(version);
  answer.cache_control = "private, no-cache";
  if (!head.has(http_field::if_none_match) || !matches_version(head[http_field::if_none_match], version)) return false;
  answer.status = 304;
  answer.no_body = true;
  return true;
}

}  // namespace keyrack::gateway
