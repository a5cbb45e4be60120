// Goal: a snapshot and the events after it give the state that a replay from the beginning gives, byte for byte.
#include "history.hpp"
#include "persistence/codec.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>

namespace keyrack::persistence {
namespace {

using keyrack::testing::history;

constexpr hotel_id here{42};

hotel_state replay(const std::vector<event>& events, std::size_t count) {
  hotel_state hotel;
  hotel.id = here;
  for (std::size_t i = 0; i < count; ++i) evolve(hotel, events[i]);
  return hotel;
}

// The properties below say something only if the histories do: every step of a reservation's life happens in them, and
// reservations leave memory again.
TEST(SnapshotCodec, IsTestedWithHotelsThatHaveLived) {
  history h{here, 5};
  h.live(2'000);
  std::set<reservation_step> steps;
  std::size_t held = 0;
  for (const auto& e : h.events) {
    if (const auto* body = std::get_if<reservation_event>(&e.body)) steps.insert(body->step);
    held += kind_of(e) == "rooms_held" ? 1 : 0;
  }
  EXPECT_EQ(steps.size(), 9u);
  EXPECT_LT(h.hotel.reservations.size(), held);
  EXPECT_GT(h.hotel.holds.size() + h.hotel.leaving.size() + h.hotel.occupied.size(), 5u);
}

TEST(SnapshotCodec, ReadsTheHotelThatNothingHasHappenedTo) {
  hotel_state empty;
  empty.id = here;
  const auto read = decode_snapshot(here, encode_snapshot(empty));
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(*read, empty);
}

// Also: the state that was read behaves as the one that was written for everything that comes after.
RC_GTEST_PROP(SnapshotCodec, SnapshotAndTailEqualTheReplay, ()) {
  history h{here, *rc::gen::arbitrary<std::uint64_t>()};
  h.live(*rc::gen::inRange(0, 300));
  const auto cut = *rc::gen::inRange<std::size_t>(0, h.events.size() + 1);

  const auto before = replay(h.events, cut);
  const auto payload = encode_snapshot(before);
  auto read = decode_snapshot(here, payload);
  if (!read) RC_FAIL(read.error());
  RC_ASSERT(*read == before);
  RC_ASSERT(encode_snapshot(*read) == payload);
  RC_ASSERT(invariants_broken(*read) == "");

  for (auto i = cut; i < h.events.size(); ++i) evolve(*read, h.events[i]);
  RC_ASSERT(encode_snapshot(*read) == encode_snapshot(h.hotel));
  RC_ASSERT(*read == h.hotel);
}

// Goal: whatever `decide` makes, the codec reads again: no bound on the disk is below one of the domain.
RC_GTEST_PROP(CommitCodec, ReadsEveryCommitThatAHotelMakes, ()) {
  history h{here, *rc::gen::arbitrary<std::uint64_t>()};
  h.live(*rc::gen::inRange(0, 300));
  const auto read = decode_commit(encode_commit(commit_of(h, 0, h.events.size())), 1, h.events.size());
  if (!read) RC_FAIL(read.error());
  RC_ASSERT(*read == h.events);
}

// Goal: foreign bytes are refused or are a snapshot like any other; they never break an invariant of the domain.
RC_GTEST_PROP(SnapshotCodec, RefusesForeignBytesOrReadsASoundState, ()) {
  history h{here, *rc::gen::arbitrary<std::uint64_t>()};
  h.live(*rc::gen::inRange(0, 60));
  auto payload = encode_snapshot(h.hotel);
  for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
    const auto at = *rc::gen::inRange<std::size_t>(0, payload.size());
    switch (*rc::gen::inRange(0, 3)) {
    case 0: payload[at] = *rc::gen::arbitrary<char>(); break;
    case 1: payload.erase(at, *rc::gen::inRange<std::size_t>(1, 3)); break;
    default: payload.insert(at, 1, *rc::gen::arbitrary<char>());
    }
    if (payload.empty()) return;
  }
  const auto read = decode_snapshot(here, payload);
  if (!read) return;
  RC_ASSERT(encode_snapshot(*read) == payload);
  RC_ASSERT(invariants_broken(*read) == "");
}

/// The state, changed into one that no events lead to.
bool is_refused(void (*change)(hotel_state&)) {
  history h{here, 1};
  const auto today = h.now().today;
  const hold_rooms stay{
      .stay = {today, today + 2}, .items = {{.type = {1}, .rooms = 2}}, .guest = {1, 1}, .hold = false};
  EXPECT_TRUE(h.apply(stay) && h.apply(check_in_guest{{1}, {}}));
  EXPECT_TRUE(decode_snapshot(here, encode_snapshot(h.hotel)).has_value());
  change(h.hotel);
  return !decode_snapshot(here, encode_snapshot(h.hotel)).has_value();
}

TEST(SnapshotCodec, RefusesStatesThatNoEventsLeadTo) {
  EXPECT_TRUE(is_refused([](hotel_state& hotel) { hotel.removed = true; }));
  EXPECT_TRUE(is_refused([](hotel_state& hotel) { hotel.types[0].version = 0; }));
  EXPECT_TRUE(is_refused([](hotel_state& hotel) {
    auto& calendar = hotel.types[1].calendar;
    calendar.forget_before(calendar.first_night() + 1);
  }));
  EXPECT_TRUE(is_refused([](hotel_state& hotel) {
    auto r = *hotel.reservations.find({1});
    r.room_numbers.pop_back();
    hotel.reservations.put(std::move(r));
  }));
}

TEST(SnapshotCodec, RefusesElementsOutOfOrder) {
  history h{here, 1};
  h.live(50);
  const auto payload = encode_snapshot(h.hotel);
  EXPECT_TRUE(decode_snapshot(here, payload).has_value());
  EXPECT_FALSE(decode_snapshot(here, payload + payload).has_value());
  EXPECT_FALSE(decode_snapshot(here, payload.substr(0, payload.size() - 1)).has_value());
  EXPECT_FALSE(decode_snapshot(here, "").has_value());
}

}  // namespace
}  // namespace keyrack::persistence
