// Loads demonstration hotels into a running node through its public API, over several connections at once. Owns the
// order of a hotel's requests, retries, and what is counted; refuses to know how hotels are made or how HTTP is spoken.
#pragma once

#include "deploy/demo/examples.hpp"
#include "deploy/demo/generate.hpp"
#include "deploy/demo/patience.hpp"
#include "deploy/demo/progress.hpp"

#include <chrono>
#include <expected>
#include <optional>
#include <string>

namespace keyrack::demo {

struct load_options {
  std::string url;
  std::uint32_t hotels = 0;
  int connections = 1;
  patience_rules patience;
};

/// Something to try, with the ids that the server gave.
struct example {
  std::uint32_t index = 0;
  std::string hotel_id;
  std::string hotel_name;
  room_type_id room_type;
  std::int32_t room_type_guests = 0;
  open_stay found;
};

struct load_report {
  load_counts counts;
  std::chrono::duration<double> took{};
  std::optional<example> open;        ///< a stay with rooms to spare
  std::optional<example> last_rooms;  ///< a night that is nearly full
};

/// Hotels 0 to `options.hotels` - 1 with their room types, calendars and bookings. Blocks until all is done; on a fault
/// all connections stop, and a sentence says which request failed, how, and what to do.
std::expected<load_report, std::string> load(const generator& from, const load_options& options, progress& shown);

}  // namespace keyrack::demo
