// Resources as JSON. Owns which fields an answer has; refuses to know how it was asked. An accepted command is rendered from
// its event alone, so that a repeated request gets the same bytes.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "actors/domain/hotel/queries.hpp"
#include "actors/ports.hpp"
#include "gateway/json_writer.hpp"
#include "gateway/reply.hpp"

#include <cstdint>
#include <span>

namespace keyrack::gateway {

/// When a resource was made and last touched, and by which event.
struct resource_stamp {
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
};

void write_profile(json_writer& json, const hotel_profile& of);
void write_profile(json_writer& json, const room_type_profile& of);
void write_hotel(json_writer& json, hotel_id id, const hotel_profile& of, const resource_stamp& stamp);
void write_room_type(json_writer& json, hotel_id hotel, room_type_id id, const room_type_profile& of,
                     const resource_stamp& stamp);
void write_rooms(json_writer& json, std::span<const room> rooms);
void write_calendar_changes(json_writer& json, const std::vector<calendar_change>& changes);
/// Without the closing brace when `open`: a reader's wish may add the guest and the notes.
void write_reservation(json_writer& json, hotel_id hotel, const reservation& of, bool open = false);
void write_guest(json_writer& json, const guest_record& of);
/// Every entry of a reservation's history.
void write_history_event(json_writer& json, hotel_id hotel, const event& of);

/// The whole answer to an accepted command: status, fields and body, from the event that answers it.
void render_done(reply& to, hotel_id hotel, const event& what);

}  // namespace keyrack::gateway
