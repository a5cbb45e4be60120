// A hotel as `journal verify` understands it: nights and rooms taken in plain maps, limits recomputed from what hoteliers
// said, every key and every reservation's last step. Written from the domain page and not from `decide` and `evolve`,
// whose mistakes it is there to find. Pure.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "persistence/journal_verify.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace keyrack::persistence {

/// Collects findings up to the report's bound.
class finding_sink {
public:
  explicit finding_sink(journal_report& into) : report_(into) {}
  void add(broken_rule rule, hotel_id hotel, std::uint64_t seq, const std::string& facts);

private:
  journal_report& report_;
};

/// The last that the journal says of a reservation (kept for all that the hotel has ever had) or of the hotel.
struct last_step {
  std::uint64_t seq = 0;
  std::uint64_t fingerprint = 0;  ///< of the encoded reservation, or profile
};

class hotel_model {
public:
  hotel_model(hotel_id id, finding_sink& findings) : id_(id), findings_(findings) {}

  /// Takes the next event. REQUIRES: `intact()`, and its sequence number is the next one.
  void see(const event& e);

  /// False after an event that no hotel could have had: what follows it says nothing.
  bool intact() const { return intact_; }
  /// Whether `evolve` would take all events so far: not after a key that was answered twice, for instance.
  bool replayable() const { return intact_ && replayable_; }

  /// By reservation number, from 1.
  const std::vector<last_step>& reservations() const { return last_steps_; }
  /// Of the hotel itself: its last event, and its profile then.
  const last_step& last_of_hotel() const { return last_of_hotel_; }
  bool removed() const { return removed_; }
  /// Guests of reservations made since this was called last.
  std::set<guest_id> take_new_guests() { return std::exchange(new_guests_, {}); }

private:
  struct type_model {
    std::int32_t rooms = 0;
    std::optional<std::int32_t> overbooking_percent;
    std::map<std::int32_t, std::int32_t> rooms_to_sell;  // by night, where set
    std::map<std::int32_t, std::int64_t> taken;          // by night
    std::map<std::int32_t, std::int32_t> out_of_order;   // by night, as far as it was asked for
  };
  struct live_reservation {
    reservation_status status{};
    keyrack::stay stay;
    std::vector<std::pair<std::uint16_t, std::int32_t>> items;
    std::vector<std::string> room_numbers;
    request_key created_by;
    guest_id guest;
    instant created_at{};
    instant hold_expires_at{};
    std::optional<instant> leaves_at;
  };
  struct answered {
    instant at{};
    std::uint64_t reservation = 0;
  };
  void see_body(const event& e, const hotel_created& body);
  void see_body(const event& e, const hotel_updated& body);
  void see_body(const event& e, const hotel_removed& body);
  void see_body(const event& e, const room_type_added& body);
  void see_body(const event& e, const room_type_updated& body);
  void see_body(const event& e, const room_type_removed& body);
  void see_body(const event& e, const rooms_listed& body);
  void see_body(const event& e, const calendar_changed& body);
  void see_body(const event& e, const reservation_event& body);

  const live_reservation* find_before(const event& e, const reservation_event& body);
  bool first_step_is_legal(const event& e, const reservation_event& body);
  bool next_step_is_legal(const event& e, const reservation_event& body, const live_reservation& before);
  void move_rooms(const event& e, const live_reservation* before, const live_reservation& after);
  void move_guests(const event& e, const live_reservation* before, const live_reservation& after);
  void see_key(const event& e);
  bool remembered(const answered& a) const;
  void begin_day(date today);
  void let_leave(instant now);
  bool takes_rooms_of(std::optional<std::uint16_t> type) const;

  std::int64_t limit(std::uint16_t type, std::int32_t night);
  std::int32_t out_of_order(std::uint16_t type, std::int32_t night) const;

  bool legal(bool holds, const event& e, const char* why);
  void find(broken_rule rule, const event& e, const std::string& facts);

  hotel_id id_;
  finding_sink& findings_;
  bool intact_ = true;
  bool replayable_ = true;
  bool created_ = false;
  bool removed_ = false;
  instant last_at_{};   // of the event before
  date today_{};        // of the event before, in UTC
  date first_night_{};  // nights before it are past, and nobody asks for them any more

  std::int32_t overbooking_percent_ = 0;
  std::uint16_t last_type_ = 0;
  std::map<std::uint16_t, type_model> types_;
  std::vector<room> rooms_;
  std::map<std::string, std::uint64_t> occupied_;
  std::unordered_map<std::uint64_t, live_reservation> live_;
  std::set<std::pair<instant, std::uint64_t>> leaving_;
  std::vector<last_step> last_steps_;
  last_step last_of_hotel_;
  std::unordered_map<request_key, answered> keys_;
  std::set<guest_id> new_guests_;
};

}  // namespace keyrack::persistence
