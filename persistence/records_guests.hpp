// What is known of people and of hotels and reservations beside the journal, as questions over one connection.
// Refuses to know threads.
#pragma once

#include "actors/ports.hpp"
#include "persistence/records_question.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keyrack::persistence {

looked_up<guest_record> find_guest(pg_connection& c, guest_id id, call_deadline deadline);
looked_up<guest_record> change_guest(pg_connection& c, guest_id id, const guest_change& change,
                                     std::optional<std::uint64_t> if_match, call_deadline deadline);
looked_up<guest_record> erase_guest(pg_connection& c, guest_id id, std::optional<std::uint64_t> if_match,
                                    call_deadline deadline);
looked_up<std::vector<guest_id>> find_guests_by_name(pg_connection& c, hotel_id hotel, const std::string& part,
                                                     call_deadline deadline);
looked_up<std::string> find_notes(pg_connection& c, reservation_id id, call_deadline deadline);

}  // namespace keyrack::persistence
