#include "persistence/projections/fold.hpp"

#include "persistence/codec.hpp"

#include <fmt/format.h>

#include <variant>

namespace keyrack::persistence {

std::expected<void, not_folded> projection_fold::add(hotel_id hotel, std::uint64_t first_seq, std::uint64_t last_seq,
                                                     std::string_view payload) {
  auto& known = known_.at(hotel);
  if (last_seq <= known) return {};
  if (first_seq > known + 1)
    return std::unexpected(not_folded{not_folded::reason::gap,
                                      fmt::format("hotel {}: commit {} follows {}", to_text(hotel), first_seq, known)});
  if (first_seq <= known)
    return std::unexpected(
        not_folded{not_folded::reason::broken,
                   fmt::format("hotel {}: commit {} to {} overlaps {}", to_text(hotel), first_seq, last_seq, known)});
  const auto events = decode_commit(payload, first_seq, last_seq);
  if (!events)
    return std::unexpected(not_folded{
        not_folded::reason::broken, fmt::format("hotel {}, commit {}: {}", to_text(hotel), first_seq, events.error())});
  touch(hotel);
  for (const auto& e : *events) apply(hotel, e);
  known = last_seq;
  return {};
}

void projection_fold::touch(hotel_id hotel) {
  if (touched_set_.insert(hotel).second) touched_.push_back(hotel);
}

hotel_projection& projection_fold::hotel_row(hotel_id hotel) {
  const auto [place, fresh] = hotel_places_.emplace(hotel, hotels_.size());
  if (fresh) hotels_.push_back({.hotel = hotel});
  return hotels_[place->second];
}

void projection_fold::apply(hotel_id hotel, const event& e) {
  if (const auto* body = std::get_if<reservation_event>(&e.body)) {
    const auto& r = body->after;
    const auto [place, fresh] = reservation_places_.emplace(reservation_id{hotel, r.number}, reservations_.size());
    if (fresh) reservations_.emplace_back();
    auto& row = reservations_[place->second];
    row = {.hotel = hotel,
           .number = r.number,
           .guest = r.guest,
           .stay = r.stay,
           .status = r.status,
           .last_seq = e.seq,
           .hold_expires_at = {},
           .body = encode_reservation(r)};
    if (r.status == reservation_status::pending) row.hold_expires_at = r.hold_expires_at;
  } else if (const auto* created = std::get_if<hotel_created>(&e.body)) {
    hotel_row(hotel) = {hotel, encode_profile(created->profile), e.seq, e.at, e.at, false};
  } else if (const auto* updated = std::get_if<hotel_updated>(&e.body)) {
    hotel_row(hotel) = {hotel, encode_profile(updated->profile), e.seq, updated->created_at, e.at, false};
  } else if (std::holds_alternative<hotel_removed>(e.body)) {
    auto& row = hotel_row(hotel);
    row.version = e.seq;
    row.updated_at = e.at;
    row.removed = true;
  }
}

}  // namespace keyrack::persistence
