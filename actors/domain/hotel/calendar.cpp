#include "actors/domain/hotel/calendar.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace keyrack {

namespace {

const night_rule unset_rule;

template <typename T>
void apply(T& field, const setting<T>& s, T unset) {
  if (s.what == setting<T>::kind::set) field = s.value;
  if (s.what == setting<T>::kind::clear) field = unset;
}

// Bit-fields cannot be referred to.
bool applied(bool field, const setting<bool>& s) {
  if (s.what == setting<bool>::kind::keep) return field;
  return s.what == setting<bool>::kind::set && s.value;
}

template <typename T>
void drop_front(std::vector<T>& values, std::size_t count) {
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(std::min(count, values.size())));
}

template <typename T>
void drop_trailing(std::vector<T>& values, const T& nothing) {
  while (!values.empty() && values.back() == nothing) values.pop_back();
}

}  // namespace

night_rule changed(night_rule rule, const night_change& change) {
  apply(rule.price, change.price, night_rule::price_unset);
  apply(rule.rooms_to_sell, change.rooms_to_sell, night_rule::rooms_unset);
  apply(rule.min_stay, change.min_stay, std::uint8_t{0});
  apply(rule.max_stay, change.max_stay, std::uint8_t{0});
  rule.closed = applied(rule.closed, change.closed);
  rule.closed_to_arrival = applied(rule.closed_to_arrival, change.closed_to_arrival);
  rule.closed_to_departure = applied(rule.closed_to_departure, change.closed_to_departure);
  return rule;
}

const night_rule& calendar::rule(date night) const {
  if (night < first_ || night >= rules_end()) return unset_rule;
  return rules_[static_cast<std::size_t>(night - first_)];
}

void calendar::set_rule(date night, const night_rule& rule) {
  if (night < first_) return;
  const auto index = static_cast<std::size_t>(night - first_);
  if (index >= rules_.size()) {
    if (rule == unset_rule) return;
    rules_.resize(index + 1);
  }
  rules_[index] = rule;
  drop_trailing(rules_, unset_rule);
}

std::int32_t calendar::taken(date night) const {
  if (night < first_ || night >= taken_end()) return 0;
  return taken_[static_cast<std::size_t>(night - first_)];
}

void calendar::take(const stay& nights, std::int32_t rooms) {
  const auto from = std::max(nights.check_in, first_);
  if (from >= nights.check_out) return;
  if (nights.check_out > taken_end()) taken_.resize(static_cast<std::size_t>(nights.check_out - first_));
  for (auto night = from; night < nights.check_out; ++night) {
    auto& taken = taken_[static_cast<std::size_t>(night - first_)];
    taken += rooms;
    KEYRACK_ASSERT(taken >= 0);
  }
  drop_trailing(taken_, 0);
}

void calendar::forget_before(date first) {
  if (first <= first_) return;
  const auto nights = static_cast<std::size_t>(first - first_);
  drop_front(rules_, nights);
  drop_front(taken_, nights);
  first_ = first;
}

}  // namespace keyrack
