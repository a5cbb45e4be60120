// A hotel's journal as a person reads it: one line per event, or one JSON object. Reads only. Names of guests are not in it,
// because they are not in the journal.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

namespace keyrack::persistence {

/// `17  2027-06-04T13:37:00.123Z  api  rooms_held  7k2m9qx4vd1h-0003f8 CONFIRMED 2027-06-04/2027-06-06 2 × type 1`.
std::string event_line(hotel_id hotel, const event& e);

/// The same as a JSON object on one line.
std::string event_json(hotel_id hotel, const event& e);

/// Hands every event from `from` on to `show`, in order. The error is a sentence: no database, no such hotel, a commit that
/// cannot be read.
std::expected<void, std::string> show_journal(const database_settings& database, hotel_id hotel, std::uint64_t from,
                                              const std::function<void(const event&)>& show);

}  // namespace keyrack::persistence
