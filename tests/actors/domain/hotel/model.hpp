// A hotel as a night clerk would keep it: one line for every room of every night that was sold, and everything counted
// anew from these lines each time. Slow, and written without a look at how the hotel does it: it knows the design page only.
#pragma once

#include "actors/domain/hotel/decide.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace keyrack::tests {

class model {
public:
  /// What the model says of a command: the request it repeats, or everything that is wrong with it.
  struct opinion {
    std::optional<std::uint64_t> repeats;
    bool too_late = false;  ///< of an expired reservation or a lapsed hold: before everything else
    std::set<errc> objections;
    std::map<std::pair<room_type_id, date>, int> short_nights;  ///< that sold_out names, with how many rooms were free
    bool accepts() const { return !repeats && !too_late && objections.empty(); }
    errc refusal() const { return too_late ? errc::hold_lapsed : *objections.begin(); }
  };
  opinion judge(const request& req, const command& cmd, const moment& now);

  /// Takes over what was decided: lapsed holds, and the command if it was accepted, with the hotel's choice of rooms.
  void record(const request& req, const command& cmd, const moment& now, const decision& decided);

  struct night_of_type {
    int limit = 0;
    int taken = 0;
    int free = 0;
    std::int64_t price = 0;
  };
  night_of_type look(room_type_id type, date night, instant now) const;

  struct line {  ///< one room, one night
    std::uint64_t number = 0;
    std::size_t item = 0;
    room_type_id type;
    date night;
    std::int64_t price = 0;
  };
  struct booking {
    std::uint64_t number = 0;
    reservation_status status{};
    instant deadline{};
    instant made_at{};
    instant ended_at{};
    stay dates;
    std::vector<requested_item> items;
    std::vector<std::string> rooms;
  };
  const std::map<std::uint64_t, booking>& bookings() const { return bookings_; }
  const std::vector<line>& lines() const { return lines_; }
  std::vector<room_type_id> types() const;
  bool in_memory(const booking& b) const;
  reservation_status status_at(const booking& b, instant now) const;

  /// What is wrong with rooms that are given at check-in; empty when nothing is.
  std::set<errc> rooms_wrong(const booking& b, const std::vector<std::string>& given, date today) const;

private:
  struct remembered {
    std::uint64_t digest = 0;
    operation op{};
    std::uint64_t seq = 0;
    instant at{};
    std::uint64_t number = 0;
  };

  night_rule rule(room_type_id type, date night) const;
  const booking* find(reservation_number n) const;
  bool occupied(const std::string& number) const;
  bool listed(room_type_id type) const;
  const room* listed_as(const std::string& number) const;
  bool needed(std::optional<room_type_id> type, instant now) const;

  void judge_terms(opinion& o, const booking* before, const stay& dates, const std::vector<requested_item>& items,
                   bool check_guests, const moment& now) const;
  void judge_nights(opinion& o, const booking* before, const stay& dates, const std::vector<requested_item>& items,
                    instant now) const;
  void judge_restrictions(opinion& o, const booking* before, const stay& dates,
                          const std::vector<requested_item>& items) const;
  const booking* judge_booking(opinion& o, const request& req, reservation_number n, std::set<reservation_status> from,
                               instant now) const;
  void judge_hotel(opinion& o, const request& req, const command& cmd, const moment& now) const;
  void judge_calendar(opinion& o, const request& req, const change_calendar& cmd, date today) const;
  void judge_list(opinion& o, const request& req, const list_rooms& cmd) const;
  void judge_arrival(opinion& o, const request& req, const check_in_guest& cmd, const moment& now) const;
  void judge_change(opinion& o, const request& req, const change_reservation& cmd, const moment& now) const;
  void judge_step(opinion& o, const request& req, const command& cmd, const moment& now) const;
  void record_hotel(const command& cmd, std::uint64_t seq);
  void record_types(const command& cmd, std::uint64_t seq);
  void record_calendar(const change_calendar& cmd);
  void record_booking(booking& b, const command& cmd, const moment& now);
  void record_terms(booking& b, const stay& dates, const std::vector<requested_item>& items);

  bool exists_ = false;
  bool removed_ = false;
  hotel_profile hotel_;
  std::uint64_t hotel_version_ = 0;
  std::uint64_t rooms_version_ = 0;
  std::uint64_t calendar_version_ = 0;
  std::uint64_t seq_ = 0;
  instant last_event_{};
  std::map<room_type_id, room_type_profile> types_;
  std::map<room_type_id, std::uint64_t> type_versions_;
  std::uint16_t last_type_ = 0;
  std::vector<room> rooms_;
  std::map<std::pair<room_type_id, date>, night_rule> rules_;
  std::map<std::uint64_t, booking> bookings_;
  std::map<std::uint64_t, std::uint64_t> booking_versions_;
  std::vector<line> lines_;
  std::map<request_key, remembered> keys_;
};

}  // namespace keyrack::tests
