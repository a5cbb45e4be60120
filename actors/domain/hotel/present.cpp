#include "actors/domain/hotel/present.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace keyrack {

present::present(const hotel_state& hotel, instant at) : hotel_(hotel), at_(at) {
  for (const auto& [deadline, number] : hotel.holds) {
    if (deadline > at) break;
    const auto* r = hotel.reservations.find(number);
    KEYRACK_ASSERT(r != nullptr && lapsed(*r));
    lapsed_.push_back(r);
    add_freed(*r);
  }
  if (!freed_.empty()) sum_up_freed();
}

void present::add_freed(const reservation& r) {
  for (const auto& item : r.items) {
    const auto* type = hotel_.find_type(item.type);
    if (type == nullptr) continue;
    // Nights that have left memory are not counted there either.
    for (auto night = std::max(r.stay.check_in, type->calendar.first_night()); night < r.stay.check_out; ++night)
      freed_.push_back({.type = item.type, .night = night, .rooms = item.rooms});
  }
}

void present::sum_up_freed() {
  const auto place = [](const freed_night& f) { return std::pair{f.type, f.night}; };
  std::ranges::sort(freed_, {}, place);
  auto last = freed_.begin();
  for (auto next = last + 1; next != freed_.end(); ++next) {
    if (place(*next) == place(*last)) {
      last->rooms += next->rooms;
    } else {
      *++last = *next;
    }
  }
  freed_.erase(last + 1, freed_.end());
}

std::int32_t present::freed(room_type_id type, date night) const {
  const auto place = [](const freed_night& f) { return std::pair{f.type, f.night}; };
  const auto found = std::ranges::lower_bound(freed_, std::pair{type, night}, {}, place);
  return found != freed_.end() && place(*found) == std::pair{type, night} ? found->rooms : 0;
}

}  // namespace keyrack
