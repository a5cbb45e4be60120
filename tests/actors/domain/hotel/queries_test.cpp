// Goal: an answer is what the hotel is now: holds past their deadline take no rooms, and what can be booked is bookable.
#include "actors/domain/limits.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

using testing::ElementsAre;
using enum reservation_status;

availability_query stay_of(std::string_view stay, std::int32_t rooms = 1, std::int32_t guests = 1) {
  return {.stay = nights(stay), .guests = guests, .rooms = rooms};
}

TEST(Availability, SaysWhatCanBeHadAndWhatItCosts) {
  story s;
  s.given(
       story::hotel({{.rooms = 3, .max_guests = 2, .price = 100'00}, {.rooms = 1, .max_guests = 4, .price = 300'00}}))
      .given(book("A", "2031-03-02/2031-03-03", {{.type = {1}, .rooms = 1, .guests = 1}}))
      .given(calendar_is("2031-03-02/2031-03-03", {.price = set_to<std::int64_t>(120'00)}, {{1}}));
  const auto found = s.ask<availability_view>(stay_of("2031-03-01/2031-03-03", 2, 4));
  EXPECT_EQ(found.priced_in, money_of("EUR"));
  EXPECT_EQ(found.guests, 4);
  EXPECT_EQ(found.rooms, 2);
  ASSERT_EQ(found.types.size(), 2U);
  EXPECT_EQ(found.types[0].free, 2);
  EXPECT_TRUE(found.types[0].bookable);
  EXPECT_THAT(found.types[0].night_prices, ElementsAre(100'00, 120'00));
  EXPECT_EQ(found.types[1].free, 1);
  EXPECT_FALSE(found.types[1].bookable);
  EXPECT_THAT(found.types[1].reasons, ElementsAre(reason{errc::sold_out, on("2031-03-01"), room_type_id{2}, 1, {}},
                                                  reason{errc::sold_out, on("2031-03-02"), room_type_id{2}, 1, {}}));
}

TEST(Availability, GivesAllReasonsWhyNot) {
  story s;
  s.given(story::hotel({{.rooms = 1, .max_guests = 2}}))
      .given(calendar_is("2031-03-02/2031-03-03", {.max_stay = set_to<std::uint8_t>(1), .closed = set_to(true)}));
  const auto found = s.ask<availability_view>(stay_of("2031-03-02/2031-03-04", 1, 3)).types.at(0);
  EXPECT_FALSE(found.bookable);
  EXPECT_EQ(found.free, 0);
  EXPECT_THAT(found.reasons, ElementsAre(reason{errc::too_many_guests, {}, room_type_id{1}, {}, 2},
                                         reason{errc::closed, on("2031-03-02"), room_type_id{1}, {}, {}},
                                         reason{errc::max_stay, on("2031-03-02"), room_type_id{1}, {}, 1}));
}

TEST(Availability, CountsLapsedHoldsAsGone) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02"));
  EXPECT_FALSE(s.ask<availability_view>(stay_of("2031-03-01/2031-03-02")).types.at(0).bookable);
  s.after(120s);
  EXPECT_TRUE(s.ask<availability_view>(stay_of("2031-03-01/2031-03-02")).types.at(0).bookable);
}

TEST(Availability, RefusesStaysThatCannotBeBooked) {
  story s;
  s.given(story::hotel());
  EXPECT_EQ(s.ask_refused(stay_of("2031-03-02/2031-03-02")), errc::stay_invalid);
  EXPECT_EQ(s.ask_refused(stay_of("2031-02-28/2031-03-02")), errc::stay_in_past);
  EXPECT_EQ(s.ask_refused(stay_of("2033-02-27/2033-03-01")), errc::stay_too_far);
}

TEST(CalendarAnswer, RefusesWhatTheHotelDoesNotRemember) {
  story s;
  s.given(story::hotel());
  const auto ask = [](std::string_view range, std::optional<room_type_id> type) {
    const auto [from, to] = nights(range);
    return calendar_query{.from = from, .to = to, .type = type};
  };
  EXPECT_EQ(s.ask_refused(ask("2031-03-02/2031-03-02", {})), errc::stay_invalid);
  EXPECT_EQ(s.ask_refused(ask("2031-02-28/2031-03-02", {})), errc::stay_in_past);
  EXPECT_EQ(s.ask_refused(ask("2031-03-01/2033-03-02", {})), errc::stay_too_far);
  EXPECT_EQ(s.ask_refused(ask("2031-03-01/2031-03-02", room_type_id{2})), errc::room_type_unknown);
  EXPECT_EQ(s.ask<calendar_view>(ask("2031-03-01/2033-03-01", {})).types.at(0).nights.size(), 731U);
}

TEST(ReservationAnswer, ReadsALapsedHoldAsExpired) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02")).after(120s);
  EXPECT_EQ(s.at("A").status, pending);
  EXPECT_EQ(s.ask<reservation_view>(reservation_query{s.number("A")}).value.status, expired);
  EXPECT_EQ(s.ask_refused(reservation_query{{2}}), errc::reservation_unknown);
  EXPECT_EQ(s.ask_refused(reservation_query{{0}}), errc::reservation_unknown);
}

std::vector<std::uint64_t> numbers(const story& s, const reservations_query& q) {
  std::vector<std::uint64_t> found;
  for (const auto& r : s.ask<reservations_view>(q).values) found.push_back(r.number.value);
  return found;
}

TEST(ReservationList, FiltersByAllConditionsTogether) {
  story s;
  auto others = book("3", "2031-03-02/2031-03-04");
  std::get<hold_rooms>(others.what).guest = {.high = 9, .low = 9};
  s.given(story::hotel({{.rooms = 9}}))
      .given({book("1", "2031-03-01/2031-03-03"), hold("2", "2031-03-02/2031-03-03"), others,
              book("4", "2031-03-03/2031-03-04"), cancel("4")});
  EXPECT_THAT(numbers(s, {}), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(numbers(s, {.status = confirmed}), ElementsAre(3, 1));
  EXPECT_THAT(numbers(s, {.arriving = on("2031-03-02")}), ElementsAre(3, 2));
  EXPECT_THAT(numbers(s, {.departing = on("2031-03-03")}), ElementsAre(2, 1));
  EXPECT_THAT(numbers(s, {.in_house = on("2031-03-02")}), ElementsAre(3, 2, 1));
  EXPECT_THAT(numbers(s, {.in_house = on("2031-03-03")}), ElementsAre(3));
  EXPECT_THAT(numbers(s, {.guests = std::vector<guest_id>{{9, 9}, {5, 5}}}), ElementsAre(3));
  EXPECT_THAT(numbers(s, {.guests = std::vector<guest_id>{}}), ElementsAre());
  EXPECT_THAT(numbers(s, {.status = confirmed, .arriving = on("2031-03-02")}), ElementsAre(3));
  s.after(120s);
  EXPECT_THAT(numbers(s, {.status = pending}), ElementsAre());
  EXPECT_THAT(numbers(s, {.status = expired}), ElementsAre(2));
  EXPECT_THAT(numbers(s, {.in_house = on("2031-03-02")}), ElementsAre(3, 1));
}

TEST(ReservationList, ComesInPages) {
  story s;
  s.given(story::hotel({{.rooms = 99}}));
  for (int i = 1; i <= 5; ++i) s.given(book(std::to_string(i), "2031-03-01/2031-03-03"));
  EXPECT_THAT(numbers(s, {.limit = 2}), ElementsAre(5, 4));
  EXPECT_TRUE(s.ask<reservations_view>(reservations_query{.limit = 2}).more);
  EXPECT_THAT(numbers(s, {.before = reservation_number{4}, .limit = 2}), ElementsAre(3, 2));
  EXPECT_THAT(numbers(s, {.before = reservation_number{2}, .limit = 2}), ElementsAre(1));
  EXPECT_FALSE(s.ask<reservations_view>(reservations_query{.before = reservation_number{2}, .limit = 2}).more);
  EXPECT_FALSE(s.ask<reservations_view>(reservations_query{.limit = 5}).more);
}

}  // namespace
}  // namespace keyrack::tests
