#include "persistence/records.hpp"

#include "persistence/records_guests.hpp"
#include "persistence/records_question.hpp"
#include "persistence/records_reservations.hpp"

#include <utility>

namespace keyrack::persistence {
void pg_records::find_guest(guest_id id, steady_instant deadline, record_callback<guest_record> then) {
  put_question<guest_record>(pool_, "find_guest", false, deadline, std::move(then),
                             [=](pg_connection& c, call_deadline d) { return persistence::find_guest(c, id, d); });
}

void pg_records::change_guest(guest_id id, guest_change change, std::optional<std::uint64_t> if_match,
                              steady_instant deadline, record_callback<guest_record> then) {
  put_question<guest_record>(
      pool_, "change_guest", true, deadline, std::move(then),
      [=](pg_connection& c, call_deadline d) { return persistence::change_guest(c, id, change, if_match, d); });
}

void pg_records::erase_guest(guest_id id, std::optional<std::uint64_t> if_match, steady_instant deadline,
                             record_callback<guest_record> then) {
  put_question<guest_record>(
      pool_, "erase_guest", true, deadline, std::move(then),
      [=](pg_connection& c, call_deadline d) { return persistence::erase_guest(c, id, if_match, d); });
}

void pg_records::find_guests_by_name(hotel_id hotel, std::string part, steady_instant deadline,
                                     record_callback<std::vector<guest_id>> then) {
  put_question<std::vector<guest_id>>(
      pool_, "find_guests_by_name", false, deadline, std::move(then),
      [=](pg_connection& c, call_deadline d) { return persistence::find_guests_by_name(c, hotel, part, d); });
}

void pg_records::find_notes(reservation_id id, steady_instant deadline, record_callback<std::string> then) {
  put_question<std::string>(pool_, "find_notes", false, deadline, std::move(then),
                            [=](pg_connection& c, call_deadline d) { return persistence::find_notes(c, id, d); });
}

void pg_records::list_reservations_of_guest(guest_id id, std::optional<bool> upcoming, date today_utc,
                                            std::optional<std::pair<date, reservation_id>> after, int limit,
                                            steady_instant deadline, record_callback<page<reservation_row>> then) {
  const reservations_of_guest q{
      .guest = id, .upcoming = upcoming, .today_utc = today_utc, .after = after, .limit = limit};
  put_question<page<reservation_row>>(pool_, "list_reservations_of_guest", false, deadline, std::move(then),
                                      [=](pg_connection& c, call_deadline d) { return list_reservations(c, q, d); });
}

void pg_records::list_hotels(std::optional<hotel_id> after, int limit, steady_instant deadline,
                             record_callback<page<hotel_row>> then) {
  put_question<page<hotel_row>>(
      pool_, "list_hotels", false, deadline, std::move(then),
      [=](pg_connection& c, call_deadline d) { return persistence::list_hotels(c, after, limit, d); });
}

void pg_records::find_departed(reservation_id id, steady_instant deadline, record_callback<reservation> then) {
  put_question<reservation>(pool_, "find_departed", false, deadline, std::move(then),
                            [=](pg_connection& c, call_deadline d) { return persistence::find_departed(c, id, d); });
}

void pg_records::read_history(reservation_id id, std::uint64_t last_seq, int limit, steady_instant deadline,
                              record_callback<std::vector<event>> then) {
  put_question<std::vector<event>>(
      pool_, "read_history", false, deadline, std::move(then),
      [=](pg_connection& c, call_deadline d) { return persistence::read_history(c, id, last_seq, limit, d); });
}

}  // namespace keyrack::persistence
