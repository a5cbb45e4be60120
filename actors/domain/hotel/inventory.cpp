#include "actors/domain/hotel/inventory.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <cstdint>

namespace keyrack {

namespace {

std::int32_t out_of_order_on(const room_type_state& type, date night) {
  const auto next = std::ranges::upper_bound(type.out_of_order, night, {}, &out_of_order_step::from);
  return next == type.out_of_order.begin() ? 0 : (next - 1)->rooms;
}

}  // namespace

night_count count_night(const present& hotel, const room_type_state& type, date night) {
  const auto set = type.calendar.rule(night).rooms_to_sell;
  const auto to_sell = set == night_rule::rooms_unset ? type.profile.rooms : set;
  const auto total = std::max(0, to_sell - out_of_order_on(type, night));
  const auto percent = type.profile.overbooking_percent.value_or(hotel.hotel().profile.overbooking_percent);
  return {.total = total,
          .limit = static_cast<std::int32_t>(std::int64_t{total} * (100 + percent) / 100),
          .taken = hotel.taken(type, night)};
}

void add_shortages(const present& hotel, const demand& wanted, std::vector<reason>& reasons) {
  for (const auto& d : wanted.types) {
    for (auto night = wanted.stay.check_in; night < wanted.stay.check_out; ++night) {
      const auto more = wanted.more(d, night);
      if (more <= 0) continue;
      if (d.type->calendar.rule(night).closed)
        reasons.push_back({.code = errc::closed, .night = night, .type = d.type->id});
      const auto unsold = count_night(hotel, *d.type, night).unsold();
      if (unsold < more)
        reasons.push_back({.code = errc::sold_out, .night = night, .type = d.type->id, .free = unsold});
    }
  }
}

}  // namespace keyrack
