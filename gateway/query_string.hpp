// The query string, read strictly: every parameter is one of the route's, stands once, and is well-formed, or it is a fault
// with its name. Owns percent-decoding and the text forms of parameters; refuses to know what they mean.
#pragma once

#include "actors/domain/stay.hpp"
#include "gateway/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyrack::gateway {

/// Decodes `%XX` (and `+` as a space, when asked for); nothing when it is malformed or holds a control character.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);
/// Letters, digits and `-._~` stay, all else becomes `%XX`.
std::string percent_encoded(std::string_view text);

class query_parameters {
public:
  /// `allowed`: names separated by spaces.
  query_parameters(std::string_view query, std::string_view allowed);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The decoded text; empty when absent.
  std::string_view text(std::string_view name) const;

  /// Calls `see(name, value)` for each, in the order of the query.
  template <typename See>
  void for_each(See see) const {
    for (const auto& [name, value] : values_) see(std::string_view{name}, std::string_view{value});
  }

  // Each of these adds a fault and returns nothing when the parameter is there and cannot be read. `need` adds one when it
  // is absent.
  std::optional<date> day(std::string_view name);
  std::optional<std::int32_t> number(std::string_view name, std::int32_t least, std::int32_t most);
  void need(std::string_view name);

  void add_fault(std::string_view name, std::string_view code, std::string detail);
  const std::vector<fault>& faults() const { return faults_; }

private:
  const std::string* find(std::string_view name) const;
  void take(std::string_view pair, std::string_view allowed);

  std::vector<std::pair<std::string, std::string>> values_;
  std::vector<fault> faults_;
};

}  // namespace keyrack::gateway
