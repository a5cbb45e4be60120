// The request keys that a hotel remembers. Owns their table and its order; refuses to know what was asked.
#pragma once

#include "actors/domain/copy_on_write.hpp"
#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/reservation.hpp"
#include "actors/domain/ids.hpp"
#include "actors/domain/stay.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace keyrack {

/// What is remembered of an accepted request: enough to recognise it and to find its answer in the journal.
struct known_request {
  std::uint64_t digest = 0;
  std::uint64_t seq = 0;           ///< of the event that answers it, below 2^48
  instant at{};                    ///< of that event
  reservation_number reservation;  ///< below 2^40; 0 when it was not about one
  operation op{};
  bool operator==(const known_request&) const = default;
};

/// Accepted requests by key. A key is kept for `limits::request_key_kept` of event time, and as long as its reservation
/// is in memory; never dropped early. Restoring one from `in_order()` is `remember` of each, in that order.
///
/// A queue of packed entries in the order of their events, and an open-addressing index of 8 bytes a slot over it: some
/// 65 bytes a key, no heap block of its own, and growing moves the index only. The queue lies in pages, which copies share
/// until one of them writes. Old keys that wait for their reservation to leave hang in a chain on the entry of the key that
/// created it, which the reservation names.
class request_table {
public:
  std::optional<known_request> find(const request_key& key) const;
  std::size_t size() const { return end_ - first_ - dead_; }

  /// REQUIRES: the key is not known; `known.at` and `known.seq` never go back from call to call.
  void remember(const request_key& key, const known_request& known);

  /// Forgets the keys from before `before` whose reservation is not in the book. `before` never goes back.
  void forget_before(instant before, const reservation_book& book);

  /// The reservation has left the book: its keys from before `before` go now, younger ones when they are old enough.
  /// REQUIRES: `forget_before` has been called with this `before`.
  void reservation_left(const reservation& gone, instant before);

  /// Whether `forget_before` would forget at least one key.
  bool can_forget_before(instant before, const reservation_book& book) const;

  std::vector<std::pair<request_key, known_request>> in_order() const;

  /// The same keys in the same order.
  bool operator==(const request_table& other) const { return in_order() == other.in_order(); }

private:
  using position = std::uint32_t;  // of an entry; positions are given in order

  struct entry {
    request_key key;
    std::uint64_t digest;
    instant at;
    std::uint64_t seq : 48;  // 0: dead, waits to be swept away
    std::uint64_t op : 8;
    std::uint64_t reservation_high : 8;
    std::uint32_t reservation_low;
    position next_of_reservation;  // its own position ends the chain

    known_request known() const;
  };
  static_assert(sizeof(entry) == 48);

  struct slot {
    std::uint32_t tag = 0;  // upper half of the key's hash, never 0: 0 is a free slot
    position where = 0;
  };

  static constexpr position page_entries = 64;
  using page = std::vector<entry>;

  const entry& at(position p) const { return (*pages_[p / page_entries - first_page_])[p % page_entries]; }
  entry& own(position p) { return pages_[p / page_entries - first_page_].own()[p % page_entries]; }
  const entry& newest() const { return at(end_ - 1); }
  void append(const entry& e);
  void drop_dead_front();
  bool sparse() const;
  std::size_t home_of(std::uint32_t tag) const { return std::size_t{tag} * slots_.size() >> 32; }
  std::size_t after(std::size_t i) const { return i + 1 == slots_.size() ? 0 : i + 1; }
  std::optional<std::size_t> slot_of(const request_key& key) const;
  bool held(const entry& e, const reservation_book& book) const;
  void insert(slot s);
  void resize_index(std::size_t slots);
  void free_slot(std::size_t hole);
  void kill(position p);
  void hang_on_creation(position p, const reservation_book& book);
  void sweep();

  std::deque<copy_on_write<page>> pages_;
  position first_page_ = 0;  // of pages_.front(), in pages
  position first_ = 0;       // of the oldest entry, which is alive
  position end_ = 0;         // one past the newest
  position young_ = 0;       // those before it have been looked at by forget_before
  std::size_t dead_ = 0;     // from first_ to end_
  std::vector<slot> slots_;
};

}  // namespace keyrack
