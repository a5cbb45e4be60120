#include "gateway/list_page.hpp"

#include "gateway/digest.hpp"
#include "gateway/routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace keyrack::gateway {
namespace {

constexpr int limit_default = 20;
constexpr int limit_max = 100;
constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t mark_size = 8;

std::string base64url(std::string_view bytes) {
  std::string out;
  unsigned held = 0;
  int bits = 0;
  for (const char c : bytes) {
    held = (held << 8 | static_cast<unsigned char>(c)) & 0xFFFF;
    for (bits += 8; bits >= 6; bits -= 6) out += digits[held >> (bits - 6) & 0x3F];
  }
  if (bits > 0) out += digits[held << (6 - bits) & 0x3F];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  unsigned held = 0;
  int bits = 0;
  for (const char c : text) {
    const auto value = digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    held = (held << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(held >> bits & 0xFF);
  }
  return out;
}

std::string mark_of(std::string_view scope, std::string_view position) {
  return fmt::format("{:08x}", digest_of(fmt::format("{}\n{}", scope, position)) >> 32);
}

bool is_filter(std::string_view parameter) { return parameter != "limit" && parameter != "cursor"; }

/// The list and its filters: what a cursor is bound to.
std::string scope_of(const exchange& x) {
  auto scope = fmt::format("{} {} {} {}", x.matched->operation, x.path.hotel.value, x.path.reservation.number.value,
                           x.path.guest.low);
  std::vector<std::string> filters;
  x.query->for_each([&](std::string_view name, std::string_view value) {
    if (is_filter(name)) filters.push_back(fmt::format("\n{}={}", name, value));
  });
  // The order of parameters does not matter.
  std::ranges::sort(filters);
  for (const auto& filter : filters) scope += filter;
  return scope;
}

}  // namespace

std::string make_cursor(std::string_view scope, std::string_view position) {
  return base64url(mark_of(scope, position) + std::string{position});
}

std::optional<std::string> read_cursor(std::string_view scope, std::string_view cursor) {
  auto bytes = from_base64url(cursor);
  if (!bytes || bytes->size() < mark_size) return std::nullopt;
  auto position = bytes->substr(mark_size);
  // The last bits of a text that is not a whole number of bytes are nobody's: the same cursor has one spelling.
  if (mark_of(scope, position) != bytes->substr(0, mark_size) || make_cursor(scope, position) != cursor) {
    return std::nullopt;
  }
  return position;
}

std::optional<list_request> read_list(exchange& x) {
  list_request out;
  out.limit = x.query->number("limit", 1, limit_max).value_or(limit_default);
  if (x.query->has("cursor")) {
    out.position = read_cursor(scope_of(x), x.query->text("cursor"));
    if (!out.position) x.query->add_fault("cursor", "cursor", "Not a cursor of this list with these filters.");
  }
  if (x.query_failed()) return std::nullopt;
  return out;
}

void fail_cursor(exchange& x) {
  x.query->add_fault("cursor", "cursor", "The list has changed so that it has no such place any more: begin anew.");
  x.query_failed();
}

void finish_list(exchange& x, json_writer& json, const std::optional<std::string>& next_position) {
  json.name("next_cursor");
  if (!next_position) {
    json.null();
    return;
  }
  const auto cursor = make_cursor(scope_of(x), *next_position);
  json.value(cursor);
  auto target = fmt::format("{}?cursor={}", x.head.path, cursor);
  x.query->for_each([&](std::string_view name, std::string_view value) {
    if (name != "cursor") target += fmt::format("&{}={}", name, percent_encoded(value));
  });
  x.answer.field("Link", fmt::format("<{}>; rel=\"next\"", target));
}

std::optional<std::uint64_t> number_of(std::string_view position) {
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(position.data(), position.data() + position.size(), number);
  if (ec != std::errc{} || end != position.data() + position.size()) return std::nullopt;
  return number;
}

}  // namespace keyrack::gateway
