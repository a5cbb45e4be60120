// A reservation, its life, and the book of those that a hotel remembers.
//
//                  lapse
//         ┌────────────────────► expired
//         │      cancel
//         ├────────────────────► cancelled ◄──────────┐
//         │                                           │ cancel
//     pending ── confirm ──► confirmed ───────────────┤
//                               │   └─ no-show ──► no_show
//                       check-in│
//                               ▼
//                          checked_in ── check-out ──► completed
#pragma once

#include "actors/domain/ids.hpp"
#include "actors/domain/money.hpp"
#include "actors/domain/stay.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack {

enum class reservation_status : std::uint8_t { pending, confirmed, checked_in, completed, cancelled, expired, no_show };

/// As written in JSON: `PENDING` … `NO_SHOW`.
std::string_view to_text(reservation_status status);

/// Accepts what `to_text` writes.
std::optional<reservation_status> parse_reservation_status(std::string_view text);

/// Whether a reservation of this status takes rooms out of sale.
constexpr bool takes_rooms(reservation_status s) { return s <= reservation_status::checked_in; }

/// One line of a reservation: so many rooms of one type, and what each night of one room costs.
struct reserved_item {
  room_type_id type;
  std::int32_t rooms = 0;
  std::int32_t guests = 0;                 ///< persons in all rooms of this item together
  std::vector<std::int64_t> night_prices;  ///< minor units, one per night of the stay, in order
  bool operator==(const reserved_item&) const = default;
};

struct reservation {
  reservation_number number;
  reservation_status status = reservation_status::pending;
  bool key_is_client_reference = false;  ///< the creating key is a UUID that the client named `reservation_id`
  request_key created_by;
  guest_id guest;
  keyrack::stay stay;
  std::vector<reserved_item> items;
  std::vector<std::string> room_numbers;  ///< physical rooms, item by item; empty before check-in
  currency priced_in;
  instant created_at{};
  instant updated_at{};
  instant hold_expires_at{};  ///< of a pending reservation; what it was of one that was held; zero if never held
  std::uint64_t version = 0;  ///< sequence number of the last event that touched it
  bool operator==(const reservation&) const = default;
};

/// One room of the item for all nights of the stay, in minor units, times its rooms.
std::int64_t subtotal(const reserved_item& item);
std::int64_t total(const reservation& r);

/// The reservations that are in memory, by number. Numbers only grow, so that it is a sorted array: 16 million
/// reservations of a cluster fit a few gigabytes, and a copy for a snapshot is one sweep.
class reservation_book {
public:
  const reservation* find(reservation_number number) const;

  /// Adds or replaces. A new number is above all that were ever added.
  void put(reservation r);
  void erase(reservation_number number);
  std::size_t size() const { return entries_.size() - erased_; }

  /// All, in the order of their numbers.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& e : entries_) {
      if (e.number.value != 0 && !gone(e)) visit(e);
    }
  }

private:
  static bool gone(const reservation& r) { return r.version == 0; }
  std::vector<reservation>::iterator lower_bound(reservation_number number);

  std::vector<reservation> entries_;  // an erased one stays as a tombstone of version 0 until half of all are such
  std::size_t erased_ = 0;
};

}  // namespace keyrack
