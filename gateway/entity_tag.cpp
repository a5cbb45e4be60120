#include "gateway/entity_tag.hpp"

#include <charconv>

namespace keyrack::gateway {
namespace {

struct tag {
  bool weak = false;
  std::string_view opaque;
};

/// Takes one tag from the front of a list, with the comma behind it.
std::optional<tag> take_tag(std::string_view& list) {
  const auto skip = [&list](std::string_view what) {
    const auto from = list.find_first_not_of(what);
    list.remove_prefix(from == std::string_view::npos ? list.size() : from);
  };
  skip(" \t,");
  tag read;
  if (list.starts_with("W/")) {
    read.weak = true;
    list.remove_prefix(2);
  }
  if (!list.starts_with('"')) return std::nullopt;
  const auto end = list.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  read.opaque = list.substr(1, end - 1);
  list.remove_prefix(end + 1);
  skip(" \t");
  if (!list.empty() && !list.starts_with(',')) return std::nullopt;
  skip(" \t,");
  return read;
}

/// 0 for what is not a version of ours.
std::uint64_t version_of(std::string_view opaque) {
  constexpr std::string_view compressed = "-gzip";
  if (opaque.ends_with(compressed)) opaque.remove_suffix(compressed.size());
  // Tags are compared letter by letter: 017 is not a spelling of 17.
  if (opaque.starts_with('0')) return 0;
  std::uint64_t version = 0;
  const auto [end, ec] = std::from_chars(opaque.data(), opaque.data() + opaque.size(), version);
  return ec == std::errc{} && end == opaque.data() + opaque.size() ? version : 0;
}

}  // namespace

std::optional<std::optional<std::uint64_t>> read_if_match_field(std::string_view field) {
  if (field == "*") return std::optional<std::uint64_t>{};
  const auto read = take_tag(field);
  if (!read || !field.empty()) return std::nullopt;
  return std::optional<std::uint64_t>{read->weak ? 0 : version_of(read->opaque)};
}

bool matches_version(std::string_view field, std::uint64_t version) {
  if (field == "*") return true;
  while (!field.empty()) {
    const auto read = take_tag(field);
    if (!read) return false;
    if (version != 0 && version_of(read->opaque) == version) return true;
  }
  return false;
}

}  // namespace keyrack::gateway
