// The `records` port over PostgreSQL: questions to the tables beside the journal and to the journal itself, on threads of
// their own. Owns nothing but the way there: what is asked is in records_guests and records_reservations, waiting in
// records_pool.
#pragma once

#include "actors/ports.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "persistence/records_pool.hpp"

#include <cstdint>
#include <functional>

namespace keyrack::persistence {

class pg_records final : public records {
public:
  /// `counted` outlives it. The database may be away: answers are then `unavailable`.
  pg_records(database_settings database, records_settings settings, records_metrics& counted, std::int64_t incarnation)
      : pool_(std::move(database), settings, counted, incarnation) {}

  void find_guest(guest_id id, steady_instant deadline, record_callback<guest_record> then) override;
  void change_guest(guest_id id, guest_change change, std::optional<std::uint64_t> if_match, steady_instant deadline,
                    record_callback<guest_record> then) override;
  void erase_guest(guest_id id, std::optional<std::uint64_t> if_match, steady_instant deadline,
                   record_callback<guest_record> then) override;
  void find_guests_by_name(hotel_id hotel, std::string part, steady_instant deadline,
                           record_callback<std::vector<guest_id>> then) override;
  void find_notes(reservation_id id, steady_instant deadline, record_callback<std::string> then) override;
  void list_reservations_of_guest(guest_id id, std::optional<bool> upcoming, date today_utc,
                                  std::optional<std::pair<date, reservation_id>> after, int limit,
                                  steady_instant deadline, record_callback<page<reservation_row>> then) override;
  void list_hotels(std::optional<hotel_id> after, int limit, steady_instant deadline,
                   record_callback<page<hotel_row>> then) override;
  void find_departed(reservation_id id, steady_instant deadline, record_callback<reservation> then) override;
  void read_history(reservation_id id, std::uint64_t last_seq, int limit, steady_instant deadline,
                    record_callback<std::vector<event>> then) override;

private:
  records_pool pool_;
};

}  // namespace keyrack::persistence
