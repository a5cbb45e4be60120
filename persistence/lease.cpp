#include "persistence/lease.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>

namespace keyrack::persistence {

namespace {

std::int64_t microseconds(steady_instant at) { return at.ns / 1'000; }

}  // namespace

carried_clock::correction carried_clock::correct(steady_instant sent, steady_instant received, instant read) {
  KEYRACK_ASSERT(sent <= received);
  const auto database = read.time_since_epoch().count();
  const auto least = database - microseconds(received);
  const auto most = database - microseconds(sent);
  if (!set_) {
    offset_us_ = least + (most - least) / 2;
    set_ = true;
    return correction::none;
  }
  const auto offset = offset_us_.load();
  const auto possible = std::clamp(offset, least, most);
  last_step_ = possible - offset;
  if (possible == offset) return correction::none;
  if (std::chrono::abs(last_step()) > step_max_) return correction::refused;
  offset_us_ = possible;
  return correction::followed;
}

instant carried_clock::now(steady_instant steady) const {
  KEYRACK_ASSERT(set_);
  const auto here = microseconds(steady) + offset_us_.load();
  auto told = told_us_.load();
  while (told < here && !told_us_.compare_exchange_weak(told, here)) {}
  return instant{std::chrono::microseconds{std::max(told, here)}};
}

}  // namespace keyrack::persistence
