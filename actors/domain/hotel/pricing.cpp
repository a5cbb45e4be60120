#include "actors/domain/hotel/pricing.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <cstddef>

namespace keyrack {

namespace {

// The item of `before` that `items[index]` goes on from; null when it is new.
const reserved_item* counterpart(const std::vector<requested_item>& items, std::size_t index,
                                 const reservation* before) {
  if (before == nullptr) return nullptr;
  const auto type = items[index].type;
  auto earlier = std::ranges::count(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(index), type,
                                    &requested_item::type);
  for (const auto& item : before->items) {
    if (item.type == type && earlier-- == 0) return &item;
  }
  return nullptr;
}

}  // namespace

std::int64_t price_of(const room_type_state& type, date night) {
  const auto set = type.calendar.rule(night).price;
  return set == night_rule::price_unset ? type.profile.price : set;
}

small_vector<reserved_item, 1> priced(const hotel_state& hotel, const std::vector<requested_item>& items,
                                      const stay& nights, const reservation* before) {
  small_vector<reserved_item, 1> result;
  result.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto* type = hotel.find_type(items[i].type);
    KEYRACK_ASSERT(type != nullptr);
    const auto* kept = counterpart(items, i, before);
    auto& item = result.emplace_back();
    item.type = items[i].type;
    item.rooms = items[i].rooms;
    item.guests = items[i].guests;
    item.night_prices.reserve(static_cast<std::size_t>(nights.nights()));
    for (auto night = nights.check_in; night < nights.check_out; ++night) {
      const bool keeps = kept != nullptr && before->stay.sleeps(night);
      item.night_prices.push_back(keeps ? kept->night_prices[static_cast<std::size_t>(night - before->stay.check_in)]
                                        : price_of(*type, night));
    }
  }
  return result;
}

}  // namespace keyrack
