#include "gateway/negotiation.hpp"

#include <algorithm>

namespace keyrack::gateway {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}
std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}
/// The part of `text` before the first `separator`, which is taken from it.
std::string_view take(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return trimmed(part);
}
/// Whether the parameters behind a list's element say `q=0`.
bool refused(std::string_view parameters) {
  while (!parameters.empty()) {
    auto parameter = take(parameters, ';');
    if (parameter.size() > 2 && same(parameter.substr(0, 2), "q=")) {
      return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
    }
  }
  return false;
}

/// How closely a list names something: the most specific element decides (RFC 9110, 12.5.1).
struct verdict {
  int closeness = -1;
  bool refused = false;
};
template <typename Closeness>
verdict judge(std::string_view list, Closeness closeness_of) {
  verdict closest;
  while (!list.empty()) {
    auto element = take(list, ',');
    const auto name = take(element, ';');
    const int closeness = closeness_of(name);
    if (closeness > closest.closeness) closest = {closeness, refused(element)};
  }
  return closest;
}

}  // namespace

bool accepts_json(std::string_view accept, bool present) {
  if (!present || accept == "*/*" || accept == "application/json") return true;
  const auto closest = judge(accept, [](std::string_view range) {
    if (same(range, "application/json")) return 2;
    if (same(range, "application/*")) return 1;
    return same(range, "*/*") ? 0 : -1;
  });
  return closest.closeness >= 0 && !closest.refused;
}

bool accepts_gzip(std::string_view accept_encoding) {
  if (accept_encoding.empty()) return false;
  const auto closest = judge(accept_encoding, [](std::string_view coding) {
    if (same(coding, "gzip") || same(coding, "x-gzip")) return 1;
    return coding == "*" ? 0 : -1;
  });
  return closest.closeness >= 0 && !closest.refused;
}

std::string_view media_type(std::string_view content_type) { return take(content_type, ';'); }

bool is_json(std::string_view content_type) { return same(media_type(content_type), "application/json"); }
bool is_merge_patch(std::string_view content_type) {
  return same(media_type(content_type), "application/merge-patch+json") || is_json(content_type);
}

}  // namespace keyrack::gateway
