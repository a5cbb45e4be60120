// Goal: a change frees and takes in one step or leaves all as it was; it needs room only where it takes more, is restricted
// only in what changes, and keeps the price of the nights that it keeps.
#include "tests/actors/domain/hotel/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

using testing::ElementsAre;
using enum reservation_status;

reason sold_out_on(std::string_view night, std::int64_t free, std::uint16_t type = 1) {
  return {.code = errc::sold_out, .night = on(night), .type = room_type_id{type}, .free = free, .bound = {}};
}

TEST(ReservationChange, OverlapsItsOwnOldStay) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-04"))
      .when(change("A", {.check_in = "2031-03-02", .check_out = "2031-03-06"}))
      .then_accepted()
      .then_events({"changed"})
      .then_free("2031-03-01", {1, 0, 0, 0, 0, 1});
  EXPECT_EQ(s.at("A").stay, nights("2031-03-02/2031-03-06"));
}

TEST(ReservationChange, NeedsRoomOnlyWhereItTakesMore) {
  story s;
  s.given(story::hotel({{.rooms = 2}}))
      .given(hold("A", "2031-03-01/2031-03-04"))
      .given(book("B", "2031-03-04/2031-03-05", {{.type = {1}, .rooms = 2, .guests = 2}}))
      .given(update_type(1, {.rooms = 0}))  // oversold from now on
      .when(change("A", {.check_in = "2031-03-02"}))
      .then_accepted()
      .when(change("A", {.check_out = "2031-03-05"}))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-04", 0)})
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 2, .guests = 2}}}))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-02", 0), sold_out_on("2031-03-03", 0)});
  EXPECT_EQ(s.at("A").stay, nights("2031-03-02/2031-03-04"));
}

TEST(ReservationChange, LeavesAllAsItWasWhenItIsRefused) {
  story s;
  s.given(story::hotel({{.rooms = 1}, {.rooms = 1}}))
      .given(hold("A", "2031-03-01/2031-03-03"))
      .given(book("B", "2031-03-04/2031-03-05"));
  const auto before = s.at("A");
  s.when(change("A", {.check_in = "2031-03-02", .check_out = "2031-03-05"}))
      .then_refused(errc::sold_out)
      .then_events({})
      .then_free("2031-03-01", {0, 0, 1, 0});
  EXPECT_EQ(s.at("A"), before);
}

TEST(ReservationChange, MovesToAnotherType) {
  story s;
  s.given(story::hotel({{.rooms = 1, .price = 100'00}, {.rooms = 2, .price = 300'00}}))
      .given(book("A", "2031-03-01/2031-03-03"))
      .given(change("A", {.wanted = items{{.type = {2}, .rooms = 2, .guests = 4}}}))
      .then_free("2031-03-01", {1, 1}, 1)
      .then_free("2031-03-01", {0, 0}, 2);
  EXPECT_EQ(total(s.at("A")), 4 * 300'00);
}

TEST(ReservationChange, KeepsThePriceOfTheNightsThatItKeeps) {
  story s;
  s.given(story::hotel({{.rooms = 5, .price = 100'00}}))
      .given(book("A", "2031-03-02/2031-03-04"))
      .given(calendar_is("2031-03-01/2031-04-01", {.price = set_to<std::int64_t>(150'00)}))
      .given(change("A", {.check_in = "2031-03-03", .check_out = "2031-03-06"}));
  EXPECT_THAT(s.at("A").items[0].night_prices, ElementsAre(100'00, 150'00, 150'00));
  // Back again: a night that was given up is a new night.
  s.given(change("A", {.check_in = "2031-03-02", .check_out = "2031-03-04"}));
  EXPECT_THAT(s.at("A").items[0].night_prices, ElementsAre(150'00, 100'00));
}

TEST(ReservationChange, KeepsPricesByTheItemOfTheSameType) {
  story s;
  s.given(story::hotel({{.rooms = 9, .price = 100'00}, {.rooms = 9, .price = 200'00}}))
      .given(book("A", "2031-03-02/2031-03-03", {{.type = {1}}, {.type = {2}}}))
      .given(calendar_is("2031-03-01/2031-04-01", {.price = set_to<std::int64_t>(999'00)}))
      // The items change places, rooms are added to one, and a third is new.
      .given(change("A", {.wanted = items{{.type = {2}}, {.type = {1}, .rooms = 3, .guests = 3}, {.type = {1}}}}));
  const auto& changed = s.at("A");
  EXPECT_THAT(changed.items[0].night_prices, ElementsAre(200'00));
  EXPECT_THAT(changed.items[1].night_prices, ElementsAre(100'00));
  EXPECT_THAT(changed.items[2].night_prices, ElementsAre(999'00));
}

TEST(ReservationChange, IsRestrictedOnlyInWhatItChanges) {
  const night_change shut = {
      .closed = set_to(true), .closed_to_arrival = set_to(true), .closed_to_departure = set_to(true)};
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(book("A", "2031-03-02/2031-03-04"))
      .given(calendar_is("2031-03-02/2031-03-03", shut))
      .given(calendar_is("2031-03-04/2031-03-05", {.closed_to_departure = set_to(true)}))
      // The arrival stays, so that it may be closed by now.
      .when(change("A", {.check_out = "2031-03-05"}))
      .then_accepted()
      .when(change("A", {.check_out = "2031-03-04"}))
      .then_refused(errc::closed_to_departure)
      // The departure stays.
      .when(change("A", {.check_in = "2031-03-03"}))
      .then_accepted()
      .when(change("A", {.check_in = "2031-03-02"}))
      .then_refused(errc::closed);
  EXPECT_EQ(s.why().reasons.size(), 2U);  // and closed to arrival
  // More rooms of the type are a new sale.
  s.given(change("A", {.check_in = "2031-03-05", .check_out = "2031-03-06"}))
      .given(calendar_is("2031-03-05/2031-03-06", {.closed_to_arrival = set_to(true)}))
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 1, .guests = 2}}}))
      .then_accepted()
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 2, .guests = 2}}}))
      .then_refused(errc::closed_to_arrival);
}

TEST(ReservationChange, IsHeldToTheLengthsOfItsArrivalNightWhenDatesChange) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(book("A", "2031-03-02/2031-03-03"))
      .given(calendar_is("2031-03-02/2031-03-03",
                         {.min_stay = set_to<std::uint8_t>(3), .max_stay = set_to<std::uint8_t>(4)}))
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 1, .guests = 2}}}))
      .then_accepted()
      .when(change("A", {.check_out = "2031-03-04"}))
      .then_refused(
          errc::min_stay,
          {{.code = errc::min_stay, .night = on("2031-03-02"), .type = room_type_id{1}, .free = {}, .bound = 3}})
      .when(change("A", {.check_out = "2031-03-07"}))
      .then_refused(
          errc::max_stay,
          {{.code = errc::max_stay, .night = on("2031-03-02"), .type = room_type_id{1}, .free = {}, .bound = 4}})
      .when(change("A", {.check_out = "2031-03-06"}))
      .then_accepted();
}

TEST(ReservationChange, ChecksGuestsOnlyWhenItemsChange) {
  story s;
  s.given(story::hotel({{.rooms = 5, .max_guests = 2}}))
      .given(book("A", "2031-03-02/2031-03-03", {{.type = {1}, .rooms = 1, .guests = 2}}))
      .given(update_type(1, {.rooms = 5, .max_guests = 1}))
      .when(change("A", {.check_out = "2031-03-04"}))
      .then_accepted()
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 1, .guests = 2}}}))
      .then_refused(errc::too_many_guests);
}

TEST(ReservationChange, OfNothingIsAChangeToo) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-03"));
  auto before = s.at("A");
  s.after(5s).when(change("A", {})).then_accepted().then_events({"changed"});
  before.version = s.state().seq;
  before.updated_at = s.now().at;
  EXPECT_EQ(s.at("A"), before);
}

TEST(ReservationChange, RefusesDatesThatCannotBeBooked) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(book("A", "2031-03-10/2031-03-12"))
      .on_date("2031-03-05")
      .when(change("A", {.check_out = "2031-03-10"}))
      .then_refused(errc::stay_invalid)
      .when(change("A", {.check_in = "2031-03-13"}))
      .then_refused(errc::stay_invalid)
      .when(change("A", {.check_out = "2031-06-09"}))
      .then_refused(errc::stay_invalid)
      .when(change("A", {.check_in = "2031-03-04"}))
      .then_refused(errc::stay_in_past)
      .when(change("A", {.check_in = "2033-03-03", .check_out = "2033-03-05"}))
      .then_refused(errc::stay_too_far)
      .when(change("A", {.check_in = "2033-03-03", .check_out = "2033-03-04"}))
      .then_accepted();
}

TEST(ReservationChange, LeavesDatesInThePastAloneButTakesNoneAnew) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(book("A", "2031-03-01/2031-03-04"))
      .on_date("2031-03-03")
      .when(change("A", {.check_out = "2031-03-02"}))
      .then_refused(errc::stay_in_past)
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 2, .guests = 2}}}))
      .then_refused(errc::stay_in_past)
      .when(change("A", {.check_out = "2031-03-06"}))
      .then_accepted()
      .when(change("A", {.check_in = "2031-03-03"}))
      .then_accepted()
      .when(change("A", {.wanted = items{{.type = {1}, .rooms = 2, .guests = 2}}}))
      .then_accepted();
}

TEST(ReservationChange, MovesTheDepartureOfAGuestInTheHouse) {
  story s;
  s.given(story::hotel({{.rooms = 1}}))
      .given(book("A", "2031-03-01/2031-03-03"))
      .given(check_in("A", {"1"}))
      .given(book("B", "2031-03-05/2031-03-06"))
      .on_date("2031-03-02")
      .when(change("A", {.check_out = "2031-03-06"}))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-05", 0)})
      .when(change("A", {.check_out = "2031-03-05"}))
      .then_accepted()
      .then_free("2031-03-02", {0, 0, 0, 0})
      .when(change("A", {.check_out = "2031-03-02"}))
      .then_accepted()
      .then_free("2031-03-02", {1, 1, 1, 0})
      .when(change("A", {.check_out = "2031-03-01"}))
      .then_refused(errc::stay_invalid)
      // What is said again but not changed is no fault.
      .when(change("A", {.check_in = "2031-03-01", .check_out = "2031-03-04", .wanted = items{{.type = {1}}}}))
      .then_accepted();
  EXPECT_THAT(s.at("A").room_numbers, ElementsAre("1"));
}

TEST(ReservationChange, DoesNotTakeTheNightsOfAnOverstayBack) {
  story s;
  s.given(story::hotel())
      .given(book("A", "2031-03-01/2031-03-02"))
      .given(check_in("A", {"1"}))
      .on_date("2031-03-03")
      .given(book("B", "2031-03-03/2031-03-04"))
      .when(change("A", {.check_out = "2031-03-03"}))
      .then_refused(errc::stay_in_past);
}

TEST(ReservationChange, RefusesATotalThatIsNoLongerExact) {
  story s;
  s.given(story::hotel({{.rooms = 100'000, .price = 100'000'000'000}}))
      .given(book("A", "2031-03-01/2031-03-02", {{.type = {1}, .rooms = 80'000, .guests = 1}}))
      .when(change("A", {.check_out = "2031-03-03"}))
      .then_refused(errc::limit_reached);
}

TEST(ReservationChange, KeepsTheDeadlineOfAHold) {
  story s;
  s.given(story::hotel({{.rooms = 2}})).given(hold("A", "2031-03-01/2031-03-03"));
  const auto deadline = s.at("A").hold_expires_at;
  s.after(30s).given(change("A", {.check_out = "2031-03-02"}));
  EXPECT_EQ(s.at("A").hold_expires_at, deadline);
  s.then_status("A", pending);
}

}  // namespace
}  // namespace keyrack::tests
