// Entity tags and preconditions (RFC 9110, sections 8.8.3 and 13). A resource's tag is its version in quotes; one that
// came with a compressed answer has `-gzip` behind it, because two codings are two representations.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace keyrack::gateway {

/// What If-Match asks for: a version; 0, which no resource has, for a tag that cannot match (a weak or a foreign one);
/// nothing for `*`. The outer optional is empty when the field is not one entity tag or `*`.
std::optional<std::optional<std::uint64_t>> read_if_match_field(std::string_view field);

/// Whether If-None-Match names this version, by weak comparison, or is `*`.
bool matches_version(std::string_view field, std::uint64_t version);

}  // namespace keyrack::gateway
