// Goal: a key is never dropped early and never kept in vain, whatever order reservations leave in; and what is restored
// from the table's list does the same from then on.
#include "actors/domain/hotel/request_table.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace keyrack::tests {
namespace {

constexpr instant::duration kept = 100s;

// What the table should do, as a list that is searched from end to end.
struct plain_table {
  struct row {
    request_key key;
    known_request known;
  };
  std::vector<row> rows;

  void forget(instant before, const reservation_book& book) {
    std::erase_if(rows, [&](const row& r) {
      return r.known.at < before && (r.known.reservation.value == 0 || book.find(r.known.reservation) == nullptr);
    });
  }
  std::vector<std::pair<request_key, known_request>> in_order() const {
    std::vector<std::pair<request_key, known_request>> all;
    for (const auto& r : rows) all.emplace_back(r.key, r.known);
    return all;
  }
};

request_table restored(const request_table& from, instant before, const reservation_book& book) {
  request_table table;
  for (const auto& [key, known] : from.in_order()) table.remember(key, known);
  table.forget_before(before, book);
  return table;
}

// Keys that meet at one place of the index, as a client could choose them, or spread ones.
request_key drawn_key(std::uint64_t n, bool crowded) {
  if (!crowded) return {.high = n * 0x9E3779B97F4A7C15U, .low = n};
  return {.high = n, .low = n << 32 | n >> 32};
}

// A table and the list that it should be, beside the reservations that hold their keys.
struct life {
  bool crowded = false;
  request_table table = {};
  plain_table plain = {};
  reservation_book book = {};
  std::vector<reservation> living = {};
  std::uint64_t made = 0;
  std::uint64_t seq = 0;
  instant now = {};

  void remember() {
    const auto key = drawn_key(++seq, crowded);
    known_request known{.digest = seq * 3, .seq = seq, .at = now, .reservation = {}, .op = operation::add_room_type};
    const auto what = *rc::gen::inRange(0, 10);
    if (what < 4 || living.empty()) {
      reservation r;
      r.number = {++made};
      r.created_by = key;
      book.put(r);
      living.push_back(r);
      known.reservation = r.number;
      known.op = operation::hold_rooms;
    } else if (what < 8) {
      known.reservation = living[*rc::gen::inRange<std::size_t>(0, living.size())].number;
      known.op = operation::change_reservation;
    }
    table.remember(key, known);
    plain.rows.push_back({key, known});
  }

  void forget() {
    const auto before = now - kept;
    table.forget_before(before, book);
    if (*rc::gen::inRange(0, 3) == 0 && !living.empty()) {
      const auto place = living.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(living));
      book.erase(place->number);
      table.reservation_left(*place, before);
      living.erase(place);
    }
    plain.forget(before, book);
  }

  void compare() const {
    RC_ASSERT(table.size() == plain.rows.size());
    RC_ASSERT(table.in_order() == plain.in_order());
    for (const auto& r : plain.rows) RC_ASSERT(table.find(r.key) == r.known);
    RC_ASSERT(!table.find(drawn_key(seq + 1, crowded)));
  }
};

void live_for(int steps, bool crowded) {
  life l{.crowded = crowded};
  for (int i = 0; i < steps; ++i) {
    l.now += std::chrono::seconds{*rc::gen::inRange(0, 20)};
    l.remember();
    l.forget();
    l.compare();
    if (*rc::gen::inRange(0, 8) == 0) l.table = restored(l.table, l.now - kept, l.book);
  }
}

RC_GTEST_PROP(RequestTable, DoesAsAListDoes, ()) { live_for(*rc::gen::inRange(0, 80), false); }
RC_GTEST_PROP(RequestTable, DoesSoWhenKeysCrowd, ()) { live_for(*rc::gen::inRange(0, 80), true); }

TEST(RequestTable, ShrinksAndSweepsAsKeysComeAndGo) {
  request_table table;
  plain_table plain;
  reservation_book book;
  std::uint64_t seq = 0;
  instant now{};
  for (int round = 0; round < 40; ++round) {
    std::vector<reservation> made;
    for (int i = 0; i < 200; ++i) {
      reservation r;
      r.number = {++seq};
      r.created_by = drawn_key(seq, false);
      const known_request known{
          .digest = seq, .seq = seq, .at = now, .reservation = r.number, .op = operation::hold_rooms};
      table.remember(r.created_by, known);
      plain.rows.push_back({r.created_by, known});
      book.put(r);
      made.push_back(std::move(r));
    }
    now += kept + 1s;
    table.forget_before(now - kept, book);
    // All but every seventh leave, newest first, so that gaps are left behind.
    std::ranges::reverse(made);
    for (const auto& r : made) {
      if (r.number.value % 7 == 0) continue;
      book.erase(r.number);
      table.reservation_left(r, now - kept);
    }
    plain.forget(now - kept, book);
    ASSERT_EQ(table.in_order(), plain.in_order());
    for (const auto& r : plain.rows) ASSERT_EQ(table.find(r.key), r.known);
    for (const auto& r : made) ASSERT_EQ(table.find(r.created_by).has_value(), r.number.value % 7 == 0);
  }
}

TEST(RequestTable, KeepsLargeNumbersWhole) {
  request_table table;
  const known_request known{.digest = ~std::uint64_t{0},
                            .seq = (std::uint64_t{1} << 48) - 1,
                            .at = instant{5us},
                            .reservation = {(std::uint64_t{1} << 40) - 1},
                            .op = operation::record_no_show};
  table.remember({1, 2}, known);
  EXPECT_EQ(table.find({1, 2}), known);
}

TEST(RequestTableDeathTest, StopsTheProgramWhenAKeyIsRememberedTwice) {
  request_table table;
  const known_request known{.digest = 1, .seq = 1, .at = {}, .reservation = {}, .op = operation::create_hotel};
  table.remember({1, 2}, known);
  EXPECT_DEATH(table.remember({1, 2}, known), "broken invariant");
}

}  // namespace
}  // namespace keyrack::tests
