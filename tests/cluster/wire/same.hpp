// Whether two values say the same, field by field, also where the domain has no use for comparing them: a field that the
// codec forgets is found, whoever adds it.
#pragma once

#include <boost/pfr.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>
#include <vector>

namespace keyrack::testing {

template <typename T>
bool same(const T& a, const T& b);

template <typename T>
bool same_values(const std::vector<T>& a, const std::vector<T>& b) {
  bool equal = a.size() == b.size();
  for (std::size_t i = 0; equal && i < a.size(); ++i) equal = same(a[i], b[i]);
  return equal;
}
template <typename T>
bool same_values(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}
template <typename T>
bool same_values(const std::shared_ptr<T>& a, const std::shared_ptr<T>& b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || same(*a, *b));
}
template <typename... T>
bool same_values(const std::variant<T...>& a, const std::variant<T...>& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&](const auto& in_a) { return same(in_a, std::get<std::decay_t<decltype(in_a)>>(b)); }, a);
}

template <typename T>
bool same(const T& a, const T& b) {
  if constexpr (requires { same_values(a, b); }) {
    return same_values(a, b);
  } else if constexpr (std::equality_comparable<T>) {
    return a == b;
  } else {
    bool equal = true;
    const auto fields_of_b = boost::pfr::structure_tie(b);
    boost::pfr::for_each_field(
        a, [&](const auto& field, auto i) { equal = equal && same(field, std::get<decltype(i)::value>(fields_of_b)); });
    return equal;
  }
}

}  // namespace keyrack::testing
