// Lists from the projections, and reservations that have left their hotel's memory, from the projection and the journal.
// Questions over one connection; refuses to know threads.
#pragma once

#include "actors/ports.hpp"
#include "persistence/pg_connection.hpp"
#include "persistence/records_guests.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace keyrack::persistence {

struct reservations_of_guest {
  guest_id guest;
  std::optional<bool> upcoming;
  date today_utc;
  std::optional<std::pair<date, reservation_id>> after;
  int limit = 20;
};

looked_up<page<reservation_row>> list_reservations(pg_connection& c, const reservations_of_guest& q,
                                                   call_deadline deadline);
looked_up<page<hotel_row>> list_hotels(pg_connection& c, std::optional<hotel_id> after, int limit,
                                       call_deadline deadline);

/// As it ended: from the projection, unless that is behind and does not know the end yet; then from the journal.
looked_up<reservation> find_departed(pg_connection& c, reservation_id id, call_deadline deadline);

looked_up<std::vector<event>> read_history(pg_connection& c, reservation_id id, std::uint64_t last_seq, int limit,
                                           call_deadline deadline);

}  // namespace keyrack::persistence
