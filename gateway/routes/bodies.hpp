// From JSON bodies to commands. Owns which fields a request takes, their rules and defaults; everything that is wrong goes
// into one list of faults. What a function returns is meaningless unless that list is empty.
#pragma once

#include "actors/domain/hotel/commands.hpp"
#include "actors/envelope.hpp"
#include "actors/ports.hpp"
#include "gateway/json_reader.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <string_view>

namespace keyrack::gateway {

/// `text` is the whole body, from which attributes are kept as they were sent; empty when `body` was not read from one.
hotel_profile read_hotel(const boost::json::value& body, std::string_view text, fault_list& faults);
room_type_profile read_room_type(const boost::json::value& body, fault_list& faults);
std::vector<room> read_rooms(const boost::json::value& body, fault_list& faults);
change_calendar read_calendar_changes(const boost::json::value& body, fault_list& faults);

/// Not a proof that mail arrives: only that it is not something else.
bool is_email(std::string_view text);

struct new_reservation {
  hotel_id hotel;
  std::optional<request_key> named;  ///< reservation_id
  std::optional<guest_id> known_guest;
  personal_record person;  ///< of a new guest; and the notes
  hold_rooms command;      ///< without the guest
};
new_reservation read_new_reservation(const boost::json::value& body, fault_list& faults);

// Of these the reservation's number is in the path.
change_reservation read_reservation_change(const boost::json::value& body, fault_list& faults);
extend_hold read_extension(const boost::json::value& body, fault_list& faults);
check_in_guest read_check_in(const boost::json::value& body, fault_list& faults);

guest_change read_guest_change(const boost::json::value& body, fault_list& faults);

}  // namespace keyrack::gateway
