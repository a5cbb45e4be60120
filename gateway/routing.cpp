#include "gateway/routing.hpp"

#include "actors/domain/shard.hpp"
#include "config/log.hpp"
#include "gateway/cors.hpp"
#include "gateway/negotiation.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>

namespace keyrack::gateway {
namespace {

constexpr std::size_t segments_max = 8;

struct split_path {
  std::array<std::string_view, segments_max> segments;
  std::size_t count = 0;
};

/// The parts between slashes; nothing when there are too many.
std::optional<split_path> split(std::string_view path) {
  split_path out;
  if (!path.starts_with('/')) return std::nullopt;
  for (path.remove_prefix(1);; path.remove_prefix(1)) {
    if (out.count == segments_max) return std::nullopt;
    const auto end = path.find('/');
    out.segments[out.count++] = path.substr(0, end);
    if (end == std::string_view::npos) return out;
    path.remove_prefix(end);
  }
}

bool is_id(std::string_view segment) { return segment.starts_with('{'); }

bool fits(const split_path& path, const split_path& pattern) {
  if (path.count != pattern.count) return false;
  for (std::size_t i = 0; i < path.count; ++i) {
    if (!is_id(pattern.segments[i]) && path.segments[i] != pattern.segments[i]) return false;
  }
  return true;
}

bool is_node_name(std::string_view text) {
  constexpr std::size_t bytes_max = 63;
  return !text.empty() && text.size() <= bytes_max &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string_view detail_of_bad_id(errc which) {
  if (which == errc::shard_unknown) return "Shards are numbered from 0 to 1023.";
  if (which == errc::node_unknown)
    return "A node's name has lower-case letters, digits and hyphens; GET /v1/cluster has them.";
  return "The id in the path is not one: compare it with the answer that named it.";
}

/// Reads one id of the path; else which one is unknown.
std::optional<errc> read_id(std::string_view name, std::string_view text, path_ids& ids) {
  if (name == "{hotel}") {
    const auto read = parse_hotel_id(text);
    if (!read) return errc::hotel_unknown;
    ids.hotel = *read;
  } else if (name == "{room_type}") {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), ids.room_type.value);
    if (ec != std::errc{} || end != text.data() + text.size()) return errc::room_type_unknown;
  } else if (name == "{reservation}") {
    const auto read = parse_reservation_id(text);
    if (!read) return errc::reservation_unknown;
    ids.reservation = *read;
    ids.hotel = read->hotel;
  } else if (name == "{node}") {
    if (!is_node_name(text)) return errc::node_unknown;
    ids.node = text;
  } else if (name == "{shard}") {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), ids.shard);
    const bool read = ec == std::errc{} && end == text.data() + text.size();
    if (!read || ids.shard < 0 || ids.shard >= shards_count) return errc::shard_unknown;
  } else {
    const auto read = parse_guest_id(text);
    if (!read) return errc::guest_unknown;
    ids.guest = *read;
  }
  return std::nullopt;
}

struct compiled_route {
  const route* of;
  split_path pattern;
};

const std::vector<compiled_route>& compiled_routes() {
  static const auto all = [] {
    std::vector<compiled_route> out;
    for (const auto& r : route_table()) out.push_back({&r, split(r.pattern).value()});
    return out;
  }();
  return all;
}

bool takes(body_kind kind, std::string_view content_type) {
  return kind == body_kind::merge_patch ? is_merge_patch(content_type) : is_json(content_type);
}

/// Whether the body is of a kind that the route takes; else the exchange is failed.
bool body_fits(exchange& x) {
  const auto kind = x.matched->takes;
  if (kind == body_kind::none) {
    if (x.body.empty()) return true;
    x.fail(http_fault::request_invalid, "This request takes no body.");
    return false;
  }
  if (x.body.empty()) {
    if (kind == body_kind::json_if_any) return true;
    x.fail(errc::json_invalid, "The body is missing.");
    return false;
  }
  if (!takes(kind, x.head[http_field::content_type])) {
    x.fail(http_fault::media_type_unsupported, kind == body_kind::merge_patch
                                                   ? "Send application/merge-patch+json or application/json."
                                                   : "Send application/json.");
    return false;
  }
  const auto coding = x.head[http_field::content_encoding];
  if (!coding.empty() && coding != "identity") {
    x.fail(http_fault::media_type_unsupported, "Bodies are taken uncompressed only.");
    return false;
  }
  return true;
}

bool is_acceptable(exchange& x) {
  if (x.matched->public_page || accepts_json(x.head[http_field::accept], x.head.has(http_field::accept))) return true;
  x.fail(http_fault::not_acceptable, "Answers are application/json.");
  return false;
}

/// No handler for what was asked: the path is unknown, has other methods, or OPTIONS asks for them.
void answer_without_route(exchange& x, const std::string& methods) {
  if (methods.empty() && x.head.path != "*") {
    x.fail(http_fault::not_found, "See /docs for what there is.");
    return;
  }
  const auto allow =
      methods.empty() ? std::string{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"} : methods + ", OPTIONS";
  if (x.head.method == http_method::options) {
    answer_options(x.answer, x.head, x.use.settings, allow);
    return;
  }
  x.answer.field("Allow", allow);
  x.fail(http_fault::method_not_allowed, "The Allow field says what this path has.");
}

/// Checks all that does not depend on the resource. False: the exchange has its answer.
bool find_handler(exchange& x) {
  const auto match = match_route(x.head.method, x.head.path, x.path);
  x.matched = match.found;
  x.hotel = x.path.hotel;
  if (match.found == nullptr) {
    answer_without_route(x, match.allow);
    return false;
  }
  if (match.bad_id) {
    auto what = problem_of(match.malformed, std::string{detail_of_bad_id(match.malformed)});
    what.kind.status = 404;
    x.fail(what);
    return false;
  }
  x.query.emplace(x.head.query, x.matched->parameters);
  return is_acceptable(x) && body_fits(x) && !x.query_failed();
}

}  // namespace

std::string route_label(const route* of) {
  return of == nullptr ? "none" : std::string{method_name(of->method)} + ' ' + std::string{of->pattern};
}

route_match match_route(http_method method, std::string_view path, path_ids& ids) {
  route_match match;
  const auto wanted = method == http_method::head ? http_method::get : method;
  const auto asked = split(path);
  if (!asked) return match;
  const compiled_route* found = nullptr;
  for (const auto& candidate : compiled_routes()) {
    if (!fits(*asked, candidate.pattern)) continue;
    if (candidate.of->method == wanted) {
      found = &candidate;
      break;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += method_name(candidate.of->method);
    if (candidate.of->method == http_method::get) match.allow += ", HEAD";
  }
  if (found == nullptr) return match;
  match.allow.clear();
  match.found = found->of;
  for (std::size_t i = 0; i < asked->count && !match.bad_id; ++i) {
    if (!is_id(found->pattern.segments[i])) continue;
    if (const auto unknown = read_id(found->pattern.segments[i], asked->segments[i], ids)) {
      match.bad_id = true;
      match.malformed = *unknown;
    }
  }
  return match;
}

std::size_t body_bytes_max_of(const request_head& head) {
  constexpr std::size_t of_none = 65'536;
  path_ids unused;
  const auto match = match_route(head.method, head.path, unused);
  return match.found == nullptr ? of_none : match.found->body_bytes_max;
}

task<> dispatch(exchange& x) {
  try {
    if (find_handler(x)) co_await x.matched->handle(x);
  } catch (const std::exception& e) {
    log_error("request failed", {{"request_id", x.request_id}, {"detail", e.what()}});
    x.answer = reply{};
    auto what =
        problem_of(http_fault::internal_error, "The fault is ours, and has been logged with this request's id.");
    what.applied = x.command_sent ? outcome::unknown : outcome::not_applied;
    x.fail(what);
  }
}

}  // namespace keyrack::gateway
