// Commands about the hotel itself, its room types and its rooms.
#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/deciding.hpp"
#include "actors/domain/hotel/room_assignment.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace keyrack::deciding {

namespace {

void assert_bounds(const hotel_profile& p) {
  KEYRACK_ASSERT(p.overbooking_percent >= 0 && p.overbooking_percent <= limits::overbooking_percent_max);
  KEYRACK_ASSERT(p.hold_seconds > 0 && std::chrono::seconds{p.hold_seconds} <= limits::hold_total_max);
}

void assert_bounds(const room_type_profile& p) {
  KEYRACK_ASSERT(p.rooms >= 0 && p.rooms <= limits::rooms_per_type_max);
  KEYRACK_ASSERT(p.max_guests > 0 && p.max_guests <= limits::guests_per_room_max);
  KEYRACK_ASSERT(p.price >= 0 && p.price <= limits::price_minor_max);
  const auto percent = p.overbooking_percent.value_or(0);
  KEYRACK_ASSERT(percent >= 0 && percent <= limits::overbooking_percent_max);
}

std::optional<refusal> other_currency(const matter& m, currency priced_in) {
  const auto own = m.hotel.hotel().profile.currency;
  if (priced_in == own) return std::nullopt;
  return refusal{.code = errc::currency_mismatch,
                 .reasons = {},
                 .detail = fmt::format("The hotel's prices are in {}, not {}.", own.text(), priced_in.text())};
}

// A reservation that still needs its rooms; null when there is none, of any type when no type is named.
const reservation* in_use(const present& hotel, std::optional<room_type_id> type) {
  const reservation* found = nullptr;
  hotel.hotel().reservations.for_each([&](const reservation& r) {
    if (found != nullptr || !takes_rooms(hotel.status_of(r))) return;
    const bool of_it = !type || std::ranges::find(r.items, *type, &reserved_item::type) != r.items.end();
    if (of_it) found = &r;
  });
  return found;
}

using numbers_and_types = std::map<std::string_view, room_type_id>;

numbers_and_types by_number(const std::vector<room>& rooms) {
  numbers_and_types result;
  for (const auto& r : rooms) result.emplace(r.number, r.type);
  return result;
}

// What the new list does to somebody who is in the house.
std::optional<refusal> evicts(const hotel_state& hotel, const numbers_and_types& listed) {
  if (hotel.occupied.empty()) return std::nullopt;
  const auto listed_before = by_number(hotel.rooms);
  for (const auto& [number, holder] : hotel.occupied) {
    const auto* r = hotel.reservations.find(holder);
    KEYRACK_ASSERT(r != nullptr);
    const auto place = std::ranges::find(r->room_numbers, number) - r->room_numbers.begin();
    const auto type = item_of_room(*r, static_cast<std::size_t>(place)).type;
    const auto now = listed.find(number);
    const bool stays = now == listed.end() ? !listed_before.contains(number) : now->second == type;
    if (stays) continue;
    return refusal{.code = errc::room_taken,
                   .reasons = {},
                   .detail = fmt::format("Room {} is occupied: it must stay in the list, of its type.", number)};
  }
  return std::nullopt;
}

}  // namespace

verdict decide_on(const matter& m, const create_hotel& cmd) {
  assert_bounds(cmd.profile);
  if (m.hotel.hotel().exists) return refuse(errc::limit_reached, "This id belongs to a hotel already: draw a new key.");
  return hotel_created{.profile = cmd.profile};
}

verdict decide_on(const matter& m, const update_hotel& cmd) {
  assert_bounds(cmd.profile);
  const auto& hotel = m.hotel.hotel();
  if (auto conflict = stale(m, hotel.version)) return std::unexpected(std::move(*conflict));
  const bool currency_fixed = hotel.last_reservation > 0 || !hotel.types.empty();
  if (currency_fixed && cmd.profile.currency != hotel.profile.currency)
    return refuse(errc::currency_mismatch,
                  fmt::format("The hotel has prices or reservations in {}: its currency is fixed.",
                              hotel.profile.currency.text()));
  return hotel_updated{.profile = cmd.profile, .created_at = hotel.created_at};
}

verdict decide_on(const matter& m, const remove_hotel&) {
  if (auto conflict = stale(m, m.hotel.hotel().version)) return std::unexpected(std::move(*conflict));
  if (const auto* r = in_use(m.hotel, {}))
    return refuse(errc::hotel_in_use,
                  fmt::format("Reservation {} has not ended.", to_text(reservation_id{m.hotel.hotel().id, r->number})));
  return hotel_removed{};
}

verdict decide_on(const matter& m, const add_room_type& cmd) {
  assert_bounds(cmd.profile);
  const auto& hotel = m.hotel.hotel();
  if (auto mismatch = other_currency(m, cmd.profile.currency)) return std::unexpected(std::move(*mismatch));
  const bool full = hotel.types.size() >= limits::room_types_per_hotel_max;
  if (full || hotel.last_type == std::numeric_limits<std::uint16_t>::max())
    return refuse(errc::limit_reached,
                  fmt::format("A hotel has at most {} room types.", limits::room_types_per_hotel_max));
  return room_type_added{.type = {static_cast<std::uint16_t>(hotel.last_type + 1)}, .profile = cmd.profile};
}

verdict decide_on(const matter& m, const update_room_type& cmd) {
  assert_bounds(cmd.profile);
  const auto type = find_type(m, cmd.type);
  if (!type) return std::unexpected(type.error());
  if (auto conflict = stale(m, (*type)->version)) return std::unexpected(std::move(*conflict));
  if (auto mismatch = other_currency(m, cmd.profile.currency)) return std::unexpected(std::move(*mismatch));
  return room_type_updated{.type = cmd.type, .profile = cmd.profile, .created_at = (*type)->created_at};
}

verdict decide_on(const matter& m, const remove_room_type& cmd) {
  const auto type = find_type(m, cmd.type);
  if (!type) return std::unexpected(type.error());
  if (auto conflict = stale(m, (*type)->version)) return std::unexpected(std::move(*conflict));
  if (const auto* r = in_use(m.hotel, cmd.type))
    return refuse(errc::room_type_in_use,
                  fmt::format("Reservation {} needs it.", to_text(reservation_id{m.hotel.hotel().id, r->number})));
  return room_type_removed{.type = cmd.type};
}

verdict decide_on(const matter& m, const list_rooms& cmd) {
  KEYRACK_ASSERT(cmd.rooms.size() <= limits::rooms_listed_max);
  for (const auto& r : cmd.rooms) {
    KEYRACK_ASSERT(r.out_of_order.size() <= limits::out_of_order_per_room_max);
    if (const auto type = find_type(m, r.type); !type) return std::unexpected(type.error());
  }
  const auto listed = by_number(cmd.rooms);
  KEYRACK_ASSERT(listed.size() == cmd.rooms.size());  // no number twice
  if (auto conflict = stale(m, m.hotel.hotel().rooms_version)) return std::unexpected(std::move(*conflict));
  if (auto refused = evicts(m.hotel.hotel(), listed)) return std::unexpected(std::move(*refused));
  return rooms_listed{.rooms = cmd.rooms};
}

}  // namespace keyrack::deciding
