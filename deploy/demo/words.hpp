// The words that hotels and streets are named with, by language. All invented or everyday; no brand. Data, no decisions.
#pragma once

#include <span>
#include <string_view>

namespace keyrack::demo {

/// How one language names things. `{}` in a pattern stands for the word; `{street}` and `{number}` for an address's parts.
struct tongue {
  std::string_view code;
  std::string_view address;  ///< "{street} {number}"
  std::span<const std::string_view> streets;
  std::span<const std::string_view> houses;  ///< patterns: "Hotel {}"
  std::span<const std::string_view> words;   ///< what houses are called after
};

/// The words of a language in cities.tsv; English where there are none.
const tongue& tongue_of(std::string_view code);

/// Hotel groups, all invented; a member's name begins with its group's.
std::span<const std::string_view> hotel_groups();

}  // namespace keyrack::demo
