#include "actors/domain/hotel/request_table.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace keyrack {

namespace {

std::uint32_t tag_of(const request_key& key) {
  return static_cast<std::uint32_t>(std::hash<request_key>{}(key) >> 32) | 1U;
}

constexpr std::size_t slots_min = 8;
constexpr std::size_t sweep_min = 64;                        // below it, dead entries are not worth a sweep
constexpr std::uint32_t position_renumbered = 0x8000'0000U;  // long before positions wrap

}  // namespace

known_request request_table::entry::known() const {
  return {.digest = digest,
          .seq = seq,
          .at = at,
          .reservation = {std::uint64_t{reservation_high} << 32 | reservation_low},
          .op = static_cast<operation>(op)};
}

std::optional<std::size_t> request_table::slot_of(const request_key& key) const {
  if (slots_.empty()) return std::nullopt;
  const auto tag = tag_of(key);
  for (auto i = home_of(tag); slots_[i].tag != 0; i = after(i)) {
    if (slots_[i].tag == tag && at(slots_[i].where).key == key) return i;
  }
  return std::nullopt;
}

std::optional<known_request> request_table::find(const request_key& key) const {
  const auto found = slot_of(key);
  if (!found) return std::nullopt;
  return at(slots_[*found].where).known();
}

void request_table::remember(const request_key& key, const known_request& known) {
  KEYRACK_ASSERT(known.seq > 0 && known.seq < std::uint64_t{1} << 48);
  KEYRACK_ASSERT(known.reservation.value < std::uint64_t{1} << 40);
  KEYRACK_ASSERT(size() == 0 || known.at >= newest().at);
  KEYRACK_ASSERT(!slot_of(key));
  if (end_ >= position_renumbered) sweep();
  // At most four fifths full, and half as many slots more at a time: about 12 bytes a key.
  if ((size() + 1) * 5 > slots_.size() * 4) resize_index(std::max(slots_min, slots_.size() * 3 / 2));
  insert({.tag = tag_of(key), .where = end_});
  append({.key = key,
          .digest = known.digest,
          .at = known.at,
          .seq = known.seq & 0xFFFF'FFFF'FFFFU,
          .op = static_cast<std::uint8_t>(known.op),
          .reservation_high = static_cast<std::uint8_t>(known.reservation.value >> 32),
          .reservation_low = static_cast<std::uint32_t>(known.reservation.value),
          .next_of_reservation = end_});
}

void request_table::append(const entry& e) {
  if (end_ % page_entries == 0) pages_.emplace_back();
  pages_.back().own().push_back(e);
  ++end_;
}

// A key's home grows with its tag, so that a pass over the old index writes the new one nearly in order.
void request_table::resize_index(std::size_t slots) {
  const auto old = std::exchange(slots_, std::vector<slot>(slots));
  for (const auto& s : old) {
    if (s.tag != 0) insert(s);
  }
}

void request_table::insert(slot s) {
  auto i = home_of(s.tag);
  while (slots_[i].tag != 0) i = after(i);
  slots_[i] = s;
}

// Linear probing without gravestones: what follows moves up, unless that would put it before its home.
void request_table::free_slot(std::size_t hole) {
  for (auto i = after(hole); slots_[i].tag != 0; i = after(i)) {
    const auto home = home_of(slots_[i].tag);
    const bool reachable = hole <= i ? home <= hole || home > i : home <= hole && home > i;
    if (!reachable) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = {};
}

void request_table::kill(position p) {
  const auto found = slot_of(at(p).key);
  KEYRACK_ASSERT(found && slots_[*found].where == p);
  free_slot(*found);
  own(p).seq = 0;
  ++dead_;
  drop_dead_front();
}

void request_table::drop_dead_front() {
  while (first_ != end_ && at(first_).seq == 0) {
    --dead_;
    if (++first_ % page_entries == 0) {
      pages_.pop_front();
      ++first_page_;
    }
  }
  young_ = std::max(young_, first_);
}

bool request_table::sparse() const { return dead_ > sweep_min && dead_ * 2 > end_ - first_; }

bool request_table::held(const entry& e, const reservation_book& book) const {
  const auto number = e.known().reservation;
  return number.value != 0 && book.find(number) != nullptr;
}

void request_table::hang_on_creation(position p, const reservation_book& book) {
  const auto& creating = book.find(at(p).known().reservation)->created_by;
  if (creating == at(p).key) return;
  const auto found = slot_of(creating);
  if (!found) return kill(p);  // no journal has that: a reservation is in memory as long as the key that made it
  const auto head = slots_[*found].where;
  const auto next = at(head).next_of_reservation;
  own(p).next_of_reservation = next == head ? p : next;
  own(head).next_of_reservation = p;
}

void request_table::forget_before(instant before, const reservation_book& book) {
  while (young_ < end_ && at(young_).at < before) {
    const auto p = young_++;
    if (at(p).seq == 0) continue;
    if (held(at(p), book)) {
      hang_on_creation(p, book);
    } else {
      kill(p);
    }
  }
  if (sparse()) sweep();
}

bool request_table::can_forget_before(instant before, const reservation_book& book) const {
  for (auto p = young_; p < end_ && at(p).at < before; ++p) {
    if (at(p).seq != 0 && !held(at(p), book)) return true;
  }
  return false;
}

void request_table::reservation_left(const reservation& gone, instant before) {
  const auto found = slot_of(gone.created_by);
  if (!found) return;
  const auto head = slots_[*found].where;
  if (at(head).at >= before) return;  // young: then all are, and forget_before finds no reservation
  for (auto p = at(head).next_of_reservation, last = head; p != last;) {
    last = p;
    const auto next = at(p).next_of_reservation;
    kill(p);
    p = next;
  }
  kill(head);
  if (sparse()) sweep();
}

// Drops the dead ones and numbers the rest anew from 0.
void request_table::sweep() {
  const auto old = std::exchange(pages_, {});
  const auto old_at = [&](position p) -> const entry& {
    return (*old[p / page_entries - first_page_])[p % page_entries];
  };
  std::vector<position> moved(end_ - first_);
  position living = 0;
  for (auto p = first_; p < end_; ++p) moved[p - first_] = old_at(p).seq != 0 ? living++ : living;
  const auto place = [&](position p) { return p < end_ ? moved[p - first_] : living; };
  const auto young = place(young_);
  const auto last = std::exchange(end_, 0);
  for (auto p = first_; p < last; ++p) {
    auto e = old_at(p);
    if (e.seq == 0) continue;
    e.next_of_reservation = moved[e.next_of_reservation - first_];
    append(e);
  }
  for (auto& s : slots_) {
    if (s.tag != 0) s.where = moved[s.where - first_];
  }
  first_page_ = first_ = 0;
  young_ = young;
  dead_ = 0;
  if (slots_.size() > 4 * std::max(slots_min, size())) resize_index(std::max(slots_min, size() * 2));
}

std::vector<std::pair<request_key, known_request>> request_table::in_order() const {
  std::vector<std::pair<request_key, known_request>> all;
  all.reserve(size());
  for (auto p = first_; p < end_; ++p) {
    if (at(p).seq != 0) all.emplace_back(at(p).key, at(p).known());
  }
  return all;
}

}  // namespace keyrack
