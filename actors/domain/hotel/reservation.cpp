#include "actors/domain/hotel/reservation.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace keyrack {

namespace {

constexpr std::array<std::string_view, 7> status_names = {"PENDING",   "CONFIRMED", "CHECKED_IN", "COMPLETED",
                                                          "CANCELLED", "EXPIRED",   "NO_SHOW"};

// Where the number is or would be. Most pages have no gap: then it is at once found by its distance from the first.
template <typename Entries>
auto place_of(Entries& entries, reservation_number first, reservation_number number) {
  const auto distance = std::min<std::uint64_t>(number.value - first.value, entries.size());
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(distance);
  if (end != entries.end() && end->number == number) return end;
  return std::ranges::lower_bound(entries.begin(), end, number, {}, &reservation::number);
}

}  // namespace

std::string_view to_text(reservation_status status) { return status_names[static_cast<std::size_t>(status)]; }

std::optional<reservation_status> parse_reservation_status(std::string_view text) {
  const auto found = std::ranges::find(status_names, text);
  if (found == status_names.end()) return std::nullopt;
  return static_cast<reservation_status>(found - status_names.begin());
}

std::int64_t subtotal(const reserved_item& item) {
  std::int64_t one_room = 0;
  for (const auto price : item.night_prices) one_room += price;
  return one_room * item.rooms;
}

std::int64_t total(const reservation& r) {
  std::int64_t sum = 0;
  for (const auto& item : r.items) sum += subtotal(item);
  return sum;
}

// The last page that begins at or below the number; the end when there is none.
std::vector<reservation_book::page>::const_iterator reservation_book::page_of(reservation_number number) const {
  const auto next = std::ranges::upper_bound(pages_, number, {}, &page::first);
  return next == pages_.begin() ? pages_.end() : next - 1;
}

std::vector<reservation_book::page>::iterator reservation_book::page_of(reservation_number number) {
  return pages_.begin() + (std::as_const(*this).page_of(number) - pages_.cbegin());
}

const reservation* reservation_book::find(reservation_number number) const {
  const auto at = page_of(number);
  if (at == pages_.end()) return nullptr;
  const auto place = place_of(*at->entries, at->first, number);
  return place != at->entries->end() && place->number == number ? &*place : nullptr;
}

void reservation_book::put(reservation r) {
  if (r.number > newest_) {
    newest_ = r.number;
    if (pages_.empty() || pages_.back().entries->size() == page_entries_max) pages_.push_back({.first = r.number});
    pages_.back().entries.own().push_back(std::move(r));
    ++size_;
    return;
  }
  const auto at = page_of(r.number);
  KEYRACK_ASSERT(at != pages_.end());
  auto& entries = at->entries.own();
  const auto place = place_of(entries, at->first, r.number);
  KEYRACK_ASSERT(place != entries.end() && place->number == r.number);
  *place = std::move(r);
}

void reservation_book::erase(reservation_number number) {
  const auto at = page_of(number);
  KEYRACK_ASSERT(at != pages_.end());
  auto& entries = at->entries.own();
  const auto place = place_of(entries, at->first, number);
  KEYRACK_ASSERT(place != entries.end() && place->number == number);
  entries.erase(place);
  --size_;
  if (entries.empty()) {
    pages_.erase(at);
    return;
  }
  // Two pages that fit half of one become one, so that gaps do not grow for ever.
  const auto next = at + 1;
  if (next == pages_.end() || entries.size() + next->entries->size() > page_entries_max / 2) return;
  std::ranges::move(next->entries.own(), std::back_inserter(entries));
  pages_.erase(next);
}

bool reservation_book::operator==(const reservation_book& other) const {
  if (size_ != other.size_) return false;
  auto at = other.pages_.begin();
  std::size_t index = 0;
  bool equal = true;
  for_each([&](const reservation& r) {
    if (!equal) return;
    if (index == at->entries->size()) {
      ++at;
      index = 0;
    }
    equal = (*at->entries)[index++] == r;
  });
  return equal;
}

}  // namespace keyrack
