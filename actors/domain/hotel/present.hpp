// A hotel at a moment: its state, less the holds that are past their deadline by then. Both decisions and answers are
// made on it, so that nobody is refused while rooms are free. Nothing is copied: what has lapsed lies over the state.
#pragma once

#include "actors/domain/hotel/state.hpp"

#include <cstdint>
#include <vector>

namespace keyrack {

class present {
public:
  /// `hotel` must outlive it. Cheap when nothing has lapsed, else in proportion to what has.
  present(const hotel_state& hotel, instant at);

  const hotel_state& hotel() const { return hotel_; }
  instant at() const { return at_; }

  /// A hold lapses at its deadline, not after it.
  bool lapsed(const reservation& r) const {
    return r.status == reservation_status::pending && r.hold_expires_at <= at_;
  }
  reservation_status status_of(const reservation& r) const {
    return lapsed(r) ? reservation_status::expired : r.status;
  }

  /// Rooms of the type that reservations take that night.
  std::int32_t taken(const room_type_state& type, date night) const {
    return type.calendar.taken(night) - (freed_.empty() ? 0 : freed(type.id, night));
  }

  /// Holds past their deadline, in the order of their deadlines.
  const std::vector<const reservation*>& lapsed_holds() const { return lapsed_; }

private:
  struct freed_night {
    room_type_id type;
    date night;
    std::int32_t rooms = 0;
  };
  std::int32_t freed(room_type_id type, date night) const;
  void add_freed(const reservation& r);
  void sum_up_freed();

  const hotel_state& hotel_;
  instant at_;
  std::vector<const reservation*> lapsed_;
  std::vector<freed_night> freed_;  // by type and night
};

}  // namespace keyrack
