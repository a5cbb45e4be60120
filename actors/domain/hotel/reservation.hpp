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

#include "actors/domain/copy_on_write.hpp"
#include "actors/domain/ids.hpp"
#include "actors/domain/money.hpp"
#include "actors/domain/small_vector.hpp"
#include "actors/domain/stay.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
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
  std::int32_t guests = 0;                     ///< persons in all rooms of this item together
  small_vector<std::int64_t, 2> night_prices;  ///< minor units, one per night of the stay, in order
  bool operator==(const reserved_item&) const = default;
};

/// There are millions of them: the order of the fields leaves no holes, and one of a few nights has no heap block.
struct reservation {
  reservation_number number;
  reservation_status status = reservation_status::pending;
  bool key_is_client_reference = false;  ///< the creating key is a UUID that the client named `reservation_id`
  currency priced_in;
  request_key created_by;
  guest_id guest;
  keyrack::stay stay;
  small_vector<reserved_item, 1> items;
  small_vector<std::string, 0> room_numbers;  ///< physical rooms, item by item; empty before check-in
  instant created_at{};
  instant updated_at{};
  instant hold_expires_at{};  ///< of a pending reservation; what it was of one that was held; zero if never held
  std::uint64_t version = 0;  ///< sequence number of the last event that touched it
  bool operator==(const reservation&) const = default;
};

/// One room of the item for all nights of the stay, in minor units, times its rooms.
std::int64_t subtotal(const reserved_item& item);
std::int64_t total(const reservation& r);

/// The reservations that are in memory, by number. Numbers only grow, so that it is a list of sorted pages: an addition
/// moves nothing, an erasure moves a page at most, and copies share the pages that neither has touched since.
class reservation_book {
public:
  /// Null when it is not here. Valid until the next `put` or `erase`.
  const reservation* find(reservation_number number) const;

  /// Adds or replaces.
  /// REQUIRES: a new number is above all that were ever added.
  void put(reservation r);
  void erase(reservation_number number);
  std::size_t size() const { return size_; }

  /// All, in the order of their numbers.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& p : pages_) {
      for (const auto& r : *p.entries) visit(r);
    }
  }

  /// Those below a number, newest first, until `visit` says false.
  template <typename Visit>
  void for_each_below(reservation_number below, Visit visit) const {
    for (auto p = pages_.rbegin(); p != pages_.rend(); ++p) {
      for (auto r = p->entries->rbegin(); r != p->entries->rend(); ++r) {
        if (r->number < below && !visit(*r)) return;
      }
    }
  }

  /// The same reservations, however they lie in pages.
  bool operator==(const reservation_book& other) const;

private:
  struct page {
    reservation_number first;  // at or below all numbers in it, above all of the page before
    copy_on_write<std::vector<reservation>> entries;
  };
  static constexpr std::size_t page_entries_max = 64;

  std::vector<page>::iterator page_of(reservation_number number);
  std::vector<page>::const_iterator page_of(reservation_number number) const;

  std::vector<page> pages_;  // none is empty
  std::size_t size_ = 0;
  reservation_number newest_;
};

}  // namespace keyrack
