// A hotel as an auditor keeps it: rooms promised by night, written down from events and compared with the limits. Written apart
// from decide and evolve on purpose, in another way (maps of nights, no windows), so that one's mistake is not the other's.
#pragma once

#include "actors/domain/hotel/events.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace keyrack::persistence {

class verify_model {
public:
  /// Takes the next event in; what it breaks is added to `findings`, a sentence each.
  void apply(const event& e, std::vector<std::string>& findings);

  std::uint64_t reservations() const { return reservations_.size(); }

private:
  struct promise {
    reservation_status status{};
    stay nights;
    std::vector<std::pair<std::uint16_t, std::int32_t>> rooms;  // by type
    std::uint64_t version = 0;
  };
  struct type_terms {
    std::int32_t rooms = 0;
    std::optional<std::int32_t> overbooking_percent;
  };
  using night_of_type = std::pair<std::uint16_t, std::int32_t>;

  void apply_calendar(const calendar_changed& e);
  void apply_reservation(const event& e, const reservation_event& r, std::vector<std::string>& findings);
  void check_request(const event& e, std::vector<std::string>& findings);
  void check_step(const event& e, const reservation_event& r, const promise* before,
                  std::vector<std::string>& findings);
  std::int64_t limit(const night_of_type& night) const;

  std::uint64_t seq_ = 0;
  instant last_at_{};
  std::int32_t overbooking_percent_ = 0;
  std::map<std::uint16_t, type_terms> types_;
  std::map<night_of_type, std::int32_t> rooms_to_sell_;
  std::vector<room> rooms_;
  std::map<night_of_type, std::int64_t> taken_;
  std::unordered_map<std::uint64_t, promise> reservations_;
  std::unordered_map<request_key, instant> answered_;
};

}  // namespace keyrack::persistence
