// Taking rooms: new reservations, and changes of dates and items. Both weigh a demand against the hotel; a new
// reservation is a change of nothing.
#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/deciding.hpp"
#include "actors/domain/hotel/pricing.hpp"
#include "actors/domain/hotel/restrictions.hpp"
#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::deciding {

namespace {

using items = std::vector<requested_item>;

void assert_bounds(const items& wanted) {
  KEYRACK_ASSERT(!wanted.empty() && wanted.size() <= limits::items_per_reservation_max);
  for (const auto& item : wanted) {
    KEYRACK_ASSERT(item.rooms > 0 && item.rooms <= limits::rooms_per_type_max);
    KEYRACK_ASSERT(item.guests > 0);
  }
}

std::expected<demand, refusal> demand_of(const matter& m, const items& wanted, const stay& nights,
                                         const reservation* before) {
  demand result{.stay = nights, .before = before != nullptr ? before->stay : stay{}, .types = {}};
  for (const auto& item : wanted) {
    const auto type = find_type(m, item.type);
    if (!type) return std::unexpected(type.error());
    auto place = std::ranges::find(result.types, *type, &type_demand::type);
    if (place == result.types.end()) place = &result.types.emplace_back(type_demand{.type = *type});
    place->rooms += item.rooms;
  }
  if (before == nullptr) return result;
  for (const auto& item : before->items) {
    for (auto& d : result.types) {
      if (d.type->id == item.type) d.rooms_before += item.rooms;
    }
  }
  return result;
}

std::optional<refusal> guests_refused(const hotel_state& hotel, const items& wanted) {
  refusal refused{.code = errc::too_many_guests, .reasons = {}, .detail = {}};
  for (const auto& item : wanted) {
    const std::int64_t bound = std::int64_t{hotel.find_type(item.type)->profile.max_guests} * item.rooms;
    if (item.guests <= bound) continue;
    if (refused.reasons.empty())
      refused.detail = fmt::format("{} rooms of room type {} sleep {}.", item.rooms, item.type.value, bound);
    refused.reasons.push_back({.code = errc::too_many_guests, .type = item.type, .bound = bound});
  }
  if (refused.reasons.empty()) return std::nullopt;
  return refused;
}

std::string_view sentence(errc code) {
  switch (code) {
  case errc::sold_out: return "Not every night has enough rooms left.";
  case errc::closed: return "Not every night is sold.";
  case errc::closed_to_arrival: return "No stay may begin on this date.";
  case errc::closed_to_departure: return "No stay may end on this date.";
  case errc::min_stay: return "The stay is too short for its arrival date.";
  case errc::max_stay: return "The stay is too long for its arrival date.";
  default: return "";
  }
}

std::optional<refusal> rooms_refused(const present& hotel, const demand& wanted) {
  auto reasons = reasons_against(hotel, wanted);
  if (reasons.empty()) return std::nullopt;
  const auto code = reasons.front().code;
  return refusal{.code = code, .reasons = std::move(reasons), .detail = std::string{sentence(code)}};
}

std::optional<refusal> total_refused(const reservation& r) {
  if (total(r) <= limits::reservation_total_max) return std::nullopt;
  return refusal{.code = errc::limit_reached,
                 .reasons = {{.code = errc::limit_reached, .bound = limits::reservation_total_max}},
                 .detail = "The total is more than one reservation may have: make several."};
}

items items_of(const reservation& r) {
  items result;
  for (const auto& item : r.items) result.push_back({.type = item.type, .rooms = item.rooms, .guests = item.guests});
  return result;
}

}  // namespace

verdict decide_on(const matter& m, const hold_rooms& cmd) {
  assert_bounds(cmd.items);
  const auto& hotel = m.hotel.hotel();
  const auto wanted = demand_of(m, cmd.items, cmd.stay, nullptr);
  if (!wanted) return std::unexpected(wanted.error());
  if (auto refused = stay_refused(*wanted, m.now.today)) return std::unexpected(std::move(*refused));
  if (auto refused = guests_refused(hotel, cmd.items)) return std::unexpected(std::move(*refused));

  // One full night refuses the whole stay: no hotel sells a stay with a hole in it.
  if (auto refused = rooms_refused(m.hotel, *wanted)) return std::unexpected(std::move(*refused));

  reservation made{.number = {hotel.last_reservation + 1},
                   .status = cmd.hold ? reservation_status::pending : reservation_status::confirmed,
                   .key_is_client_reference = m.req.key_is_client_reference,
                   .priced_in = hotel.profile.currency,
                   .created_by = m.req.key,
                   .guest = cmd.guest,
                   .stay = cmd.stay,
                   .items = priced(hotel, cmd.items, cmd.stay, nullptr),
                   .room_numbers = {},
                   .created_at = m.now.at,
                   .updated_at = m.now.at,
                   .hold_expires_at = {},
                   .version = m.seq};
  if (cmd.hold) made.hold_expires_at = m.now.at + std::chrono::seconds{hotel.profile.hold_seconds};
  if (auto refused = total_refused(made)) return std::unexpected(std::move(*refused));
  return reservation_event{.step = reservation_step::rooms_held, .after = std::move(made), .previous = 0};
}

verdict decide_on(const matter& m, const change_reservation& cmd) {
  using enum reservation_status;
  const auto& hotel = m.hotel.hotel();
  const auto* known = hotel.reservations.find(cmd.number);
  // An unknown type comes before an unknown reservation; a lapsed hold before everything.
  if (cmd.items && hotel.exists && (known == nullptr || m.hotel.status_of(*known) != expired)) {
    assert_bounds(*cmd.items);
    for (const auto& item : *cmd.items) {
      if (const auto type = find_type(m, item.type); !type) return std::unexpected(type.error());
    }
  }
  const auto found =
      find_reservation(m, cmd.number, {pending, confirmed, checked_in}, [&](const reservation& r) -> std::string {
        const bool only_departure =
            cmd.check_in.value_or(r.stay.check_in) == r.stay.check_in && (!cmd.items || *cmd.items == items_of(r));
        if (r.status != checked_in || only_departure) return {};
        return "The reservation is CHECKED_IN: only its departure can be changed.";
      });
  if (!found) return std::unexpected(found.error());
  const auto& before = **found;
  const auto wanted_items = cmd.items ? *cmd.items : items_of(before);
  const stay nights{.check_in = cmd.check_in.value_or(before.stay.check_in),
                    .check_out = cmd.check_out.value_or(before.stay.check_out)};
  const auto wanted = demand_of(m, wanted_items, nights, &before);
  if (!wanted) return std::unexpected(wanted.error());
  if (auto refused = stay_refused(*wanted, m.now.today)) return std::unexpected(std::move(*refused));
  if (cmd.items) {
    if (auto refused = guests_refused(hotel, *cmd.items)) return std::unexpected(std::move(*refused));
  }
  if (auto refused = rooms_refused(m.hotel, *wanted)) return std::unexpected(std::move(*refused));

  auto after = before;
  after.stay = nights;
  after.items = priced(hotel, wanted_items, nights, &before);
  if (auto refused = total_refused(after)) return std::unexpected(std::move(*refused));
  return stepped(m, reservation_step::changed, before, std::move(after));
}

}  // namespace keyrack::deciding
