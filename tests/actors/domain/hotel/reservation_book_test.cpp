// Goal: the book is a map of reservations by number to everybody who looks, however it lies in pages.
#include "actors/domain/hotel/reservation.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <ranges>
#include <vector>

namespace keyrack {
namespace {

// A book and the map that it should be.
struct library {
  reservation_book book;
  std::map<std::uint64_t, reservation> plain;
  std::uint64_t newest = 0;
  std::uint64_t written = 0;

  void write(std::uint64_t number) {
    reservation r;
    r.number = {number};
    r.version = ++written;
    book.put(r);
    plain[number] = r;
  }
  void add() { write(newest += static_cast<std::uint64_t>(*rc::gen::inRange(1, 3))); }
  // At a drawn place or after it; nothing when there is none.
  void change_or_erase(bool erases) {
    const auto some = plain.lower_bound(*rc::gen::inRange<std::uint64_t>(0, newest + 1));
    if (some == plain.end()) return;
    if (!erases) return write(some->first);
    book.erase({some->first});
    plain.erase(some);
  }

  void compare_by_number() const {
    RC_ASSERT(book.size() == plain.size());
    for (std::uint64_t n = 0; n <= newest + 1; ++n) {
      const auto* found = book.find({n});
      const auto expected = plain.find(n);
      RC_ASSERT((found != nullptr) == (expected != plain.end()));
      if (found != nullptr) RC_ASSERT(*found == expected->second);
    }
  }

  void compare_in_order() const {
    std::vector<reservation> forward;
    book.for_each([&](const reservation& r) { forward.push_back(r); });
    RC_ASSERT(std::ranges::equal(forward, plain | std::views::values));
    std::vector<reservation> backward;
    book.for_each_below({newest / 2}, [&](const reservation& r) {
      backward.push_back(r);
      return backward.size() < 5;
    });
    std::vector<reservation> expected;
    for (const auto& [number, r] : plain | std::views::reverse) {
      if (number < newest / 2 && expected.size() < 5) expected.push_back(r);
    }
    RC_ASSERT(backward == expected);
  }

  void compare_with_a_copy() const {
    reservation_book copy;
    for (const auto& [number, r] : plain) copy.put(r);
    RC_ASSERT(copy == book);
    if (plain.empty()) return;
    auto other = plain.rbegin()->second;
    ++other.version;
    copy.put(other);
    RC_ASSERT(!(copy == book));
  }
};

RC_GTEST_PROP(ReservationBook, DoesAsAMapDoes, ()) {
  library l;
  const auto rounds = *rc::gen::inRange(0, 30);
  for (int round = 0; round < rounds; ++round) {
    const auto what = *rc::gen::inRange(0, 3);
    const auto count = *rc::gen::inRange(1, 100);
    for (int i = 0; i < count; ++i) what == 0 ? l.add() : l.change_or_erase(what == 2);
    l.compare_by_number();
    l.compare_in_order();
    l.compare_with_a_copy();
  }
}

TEST(ReservationBookDeathTest, StopsTheProgramWhenANumberComesBack) {
  reservation_book book;
  reservation r;
  r.number = {5};
  book.put(r);
  book.erase({5});
  EXPECT_DEATH(book.put(r), "broken invariant");
  EXPECT_DEATH(book.erase({5}), "broken invariant");
}

TEST(ReservationStatus, IsReadAsItWasWritten) {
  for (int i = 0; i <= static_cast<int>(reservation_status::no_show); ++i) {
    const auto status = static_cast<reservation_status>(i);
    EXPECT_EQ(parse_reservation_status(to_text(status)), status);
  }
  EXPECT_EQ(to_text(reservation_status::checked_in), "CHECKED_IN");
  EXPECT_EQ(parse_reservation_status("confirmed"), std::nullopt);
  EXPECT_EQ(parse_reservation_status(""), std::nullopt);
}

}  // namespace
}  // namespace keyrack
