// The journal as people read it: a hotel's events, one line each, as text or as JSON. Holds no personal data, because the
// journal holds none.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "actors/domain/ids.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

namespace keyrack::persistence {

/// `17  2027-06-04T13:37:00.123Z  rooms_held  7k2m9qx4vd1h-0003f8 PENDING …  by "guest"`
std::string event_line(hotel_id hotel, const event& e);

/// One JSON object on one line, with everything that the event says in short: lists by their number, texts left out.
std::string event_json(hotel_id hotel, const event& e);

/// Calls `see` with each event of the hotel from sequence number `from` on, in order, as far as the journal goes now.
/// Fails with a sentence for an operator: no database, no such hotel or event, a commit that cannot be read.
std::expected<void, std::string> show_journal(const database_settings& database, hotel_id hotel, std::uint64_t from,
                                              const std::function<void(const event&)>& see);

}  // namespace keyrack::persistence
