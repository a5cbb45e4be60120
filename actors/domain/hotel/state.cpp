#include "actors/domain/hotel/state.hpp"

#include "actors/domain/limits.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace keyrack {

const room_type_state* hotel_state::find_type(room_type_id type) const {
  const auto place = std::ranges::lower_bound(types, type, {}, &room_type_state::id);
  return place != types.end() && place->id == type ? &*place : nullptr;
}

room_type_state* hotel_state::find_type(room_type_id type) {
  return const_cast<room_type_state*>(std::as_const(*this).find_type(type));
}

namespace {

using changes_by_night = std::map<date, std::int32_t>;

// A room is out of order once, however many of its ranges meet.
void add_ranges(changes_by_night& changes, std::vector<out_of_order> ranges) {
  std::ranges::sort(ranges, {}, &out_of_order::from);
  std::optional<date> covered_to;
  for (const auto& range : ranges) {
    const auto from = covered_to ? std::max(*covered_to, range.from) : range.from;
    if (from >= range.to) continue;
    ++changes[from];
    --changes[range.to];
    covered_to = range.to;
  }
}

std::vector<out_of_order_step> steps_of(const changes_by_night& changes) {
  std::vector<out_of_order_step> steps;
  std::int32_t rooms = 0;
  for (const auto& [night, change] : changes) {
    if (change == 0) continue;
    rooms += change;
    steps.push_back({.from = night, .rooms = rooms});
  }
  return steps;
}

}  // namespace

void count_out_of_order(hotel_state& hotel) {
  std::map<room_type_id, changes_by_night> changes;
  for (const auto& r : hotel.rooms) {
    if (!r.out_of_order.empty()) add_ranges(changes[r.type], r.out_of_order);
  }
  for (auto& type : hotel.types) type.out_of_order = steps_of(changes[type.id]);
}

void restore_derived(hotel_state& hotel) {
  count_out_of_order(hotel);
  hotel.requests.forget_before(hotel.last_at - limits::request_key_kept, hotel.reservations);
}

std::optional<instant> leaves_at(const reservation& r) {
  switch (r.status) {
  case reservation_status::cancelled:
  case reservation_status::expired: return r.updated_at + limits::lapsed_or_cancelled_kept;
  case reservation_status::completed:
  case reservation_status::no_show: return r.updated_at + limits::completed_or_no_show_kept;
  case reservation_status::pending:
  case reservation_status::confirmed:
  case reservation_status::checked_in: break;
  }
  return std::nullopt;
}

}  // namespace keyrack
