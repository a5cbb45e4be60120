#include "actors/domain/hotel/room_assignment.hpp"

#include "actors/domain/assert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace keyrack {

namespace {

using room_numbers = small_vector<std::string, 0>;

refusal not_ready(room_type_id type, std::string detail) {
  return {.code = errc::no_room_ready,
          .reasons = {{.code = errc::no_room_ready, .type = type}},
          .detail = std::move(detail)};
}

refusal taken(std::string detail) { return {.code = errc::room_taken, .reasons = {}, .detail = std::move(detail)}; }

bool in_order(const room& r, const stay& left) {
  return std::ranges::none_of(r.out_of_order,
                              [&](const out_of_order& o) { return o.from < left.check_out && left.check_in < o.to; });
}

bool has_list(const hotel_state& hotel, room_type_id type) {
  return std::ranges::find(hotel.rooms, type, &room::type) != hotel.rooms.end();
}

// Null where the hotelier's list has no such room.
using rooms_by_number = std::map<std::string_view, const room*>;

rooms_by_number look_up(const hotel_state& hotel, const std::vector<std::string>& named) {
  rooms_by_number found;
  for (const auto& number : named) found.emplace(number, nullptr);
  for (const auto& listed : hotel.rooms) {
    if (const auto place = found.find(listed.number); place != found.end()) place->second = &listed;
  }
  return found;
}

std::optional<refusal> why_not_ready(const hotel_state& hotel, room_type_id type, const std::string& number,
                                     const room* listed, const stay& left) {
  if (listed == nullptr) {
    if (!has_list(hotel, type)) return std::nullopt;
    return not_ready(type, fmt::format("There is no room {} in the hotel's list.", number));
  }
  if (listed->type != type)
    return not_ready(type, fmt::format("Room {} is of room type {}, not {}.", number, listed->type.value, type.value));
  if (!in_order(*listed, left)) return not_ready(type, fmt::format("Room {} is out of order during the stay.", number));
  return std::nullopt;
}

std::expected<room_numbers, refusal> check_named(const hotel_state& hotel, const reservation& r,
                                                 const std::vector<std::string>& named, const stay& left) {
  const auto listed = look_up(hotel, named);
  for (std::size_t i = 0; i < named.size(); ++i) {
    auto refused = why_not_ready(hotel, item_of_room(r, i).type, named[i], listed.at(named[i]), left);
    if (refused) return std::unexpected(std::move(*refused));
  }
  for (const auto& number : named) {
    if (hotel.occupied.contains(number)) return std::unexpected(taken(fmt::format("Room {} is occupied.", number)));
  }
  if (listed.size() != named.size()) return std::unexpected(taken("A room is named twice."));
  return room_numbers(named.begin(), named.end());
}

std::expected<room_numbers, refusal> choose(const hotel_state& hotel, const reservation& r, const stay& left) {
  room_numbers chosen;
  std::map<room_type_id, std::size_t> looked_at;  // of the list, by type: two items of one type get different rooms
  for (const auto& item : r.items) {
    auto& next = looked_at[item.type];
    auto wanted = item.rooms;
    for (; next < hotel.rooms.size() && wanted > 0; ++next) {
      const auto& listed = hotel.rooms[next];
      if (listed.type != item.type || hotel.occupied.contains(listed.number) || !in_order(listed, left)) continue;
      chosen.push_back(listed.number);
      --wanted;
    }
    if (wanted == 0) continue;
    const auto type = item.type;
    return std::unexpected(
        has_list(hotel, type)
            ? not_ready(type, fmt::format("Room type {} has {} rooms fewer that are free and in order than are needed.",
                                          type.value, wanted))
            : not_ready(type, fmt::format("Room type {} has no list of rooms: name the rooms.", type.value)));
  }
  return chosen;
}

}  // namespace

const reserved_item& item_of_room(const reservation& r, std::size_t place) {
  auto left = static_cast<std::int64_t>(place);
  for (const auto& item : r.items) {
    if (left < item.rooms) return item;
    left -= item.rooms;
  }
  KEYRACK_ASSERT(false);
  std::unreachable();
}

std::expected<room_numbers, refusal> assign_rooms(const hotel_state& hotel, const reservation& r,
                                                  const std::vector<std::string>& named, date today) {
  const stay left{.check_in = std::max(today, r.stay.check_in), .check_out = r.stay.check_out};
  if (named.empty()) return choose(hotel, r, left);
  std::size_t needed = 0;
  for (const auto& item : r.items) needed += static_cast<std::size_t>(item.rooms);
  if (named.size() == needed) return check_named(hotel, r, named, left);
  return std::unexpected(not_ready(
      r.items.front().type, fmt::format("The reservation is for {} rooms; {} are named.", needed, named.size())));
}

}  // namespace keyrack
