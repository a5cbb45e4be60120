// Goal: one request, one effect, one answer; and what is remembered leaves memory by the time of events, never early.
#include "actors/domain/hotel/deciding.hpp"
#include "actors/domain/limits.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

TEST(Request, IsAnsweredAgainWithItsFirstAnswer) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02"));
  const auto answer = s.state().seq;
  s.when(hold("A", "2031-03-01/2031-03-02")).then_repeated(answer).then_events({});
  // Even when the hotel would answer otherwise by now: taken, cancelled, lapsed.
  s.given(cancel("A").keyed("c")).given(book("B", "2031-03-01/2031-03-02"));
  s.when(hold("A", "2031-03-01/2031-03-02")).then_repeated(answer);
  s.when(cancel("A").keyed("c")).then_repeated(answer + 1);
}

TEST(Request, IsRepeatedWithoutLapsingAnything) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-02"))
      .after(5min)
      .when(hold("A", "2031-03-01/2031-03-02"))
      .then_repeated(3)
      .then_events({})
      .then_status("A", reservation_status::pending);
}

TEST(Request, IsRefusedWhenItsKeyWasUsedForAnother) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02"));
  s.when(hold("A", "2031-03-01/2031-03-02").digested(2)).then_refused(errc::key_reused).then_events({});
  s.when(confirm("A").keyed("A")).then_refused(errc::key_reused);
  s.when(create().keyed("A")).then_refused(errc::key_reused);
}

TEST(Request, ThatWasRefusedIsForgotten) {
  story s;
  s.given(story::hotel())
      .given(book("A", "2031-03-01/2031-03-02"))
      .when(hold("B", "2031-03-01/2031-03-02"))
      .then_refused(errc::sold_out)
      .given(cancel("A"))
      .when(hold("B", "2031-03-01/2031-03-02").digested(2))
      .then_accepted();
}

TEST(Request, IsRememberedAcrossAllCommands) {
  story s;
  const auto added = add_type({.rooms = 5}).keyed("type");
  s.given(create().keyed("hotel"))
      .given(added)
      .when(added)
      .then_repeated(2)
      .when(create().keyed("hotel"))
      .then_repeated(1);
  EXPECT_EQ(s.state().types.size(), 1U);
}

TEST(RequestMemory, LastsADayOfEventTime) {
  story s;
  const auto more = update({.overbooking_percent = 1}).keyed("more");
  s.given(story::hotel()).given(more).after(24h).given(add_type()).when(more).then_repeated(3);
  // Time alone forgets nothing; only an event after a day does.
  s.after(1us).when(more).then_repeated(3).given(add_type()).when(more).then_accepted();
}

TEST(RequestMemory, LastsAsLongAsTheReservation) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(book("A", "2031-04-01/2031-04-02"))
      .given(change("A", {.check_out = "2031-04-03"}).keyed("longer"))
      .after(3 * 24h)
      .given(add_type())
      .after(20 * 24h)
      .given(change("A", {.check_out = "2031-04-04"}).keyed("even longer"))
      .after(5 * 24h)
      .given(add_type());
  const auto book_again = book("A", "2031-04-01/2031-04-02");
  const auto longer_again = change("A", {.check_out = "2031-04-03"}).keyed("longer");
  s.when(book_again).then_repeated(3);
  s.when(longer_again).then_repeated(4);
  s.given(cancel("A").keyed("no")).after(24h - 1us).given(add_type());
  s.when(book_again).then_repeated(3);
  s.when(longer_again).then_repeated(4);
  // The cancellation is a day old when the reservation leaves: all older keys go with it, its own with the next event.
  s.after(1us).given(add_type());
  EXPECT_EQ(s.find("A"), nullptr);
  EXPECT_FALSE(s.state().requests.find(key_named("A")));
  EXPECT_FALSE(s.state().requests.find(key_named("longer")));
  EXPECT_FALSE(s.state().requests.find(key_named("even longer")));
  EXPECT_TRUE(s.state().requests.find(key_named("no")));
  s.after(1us).given(add_type());
  EXPECT_FALSE(s.state().requests.find(key_named("no")));
}

TEST(ReservationMemory, KeepsTheCancelledADayAndTheCompletedAWeek) {
  story s;
  s.given(story::hotel({{.rooms = 9}}))
      .given({book("cancelled", "2031-03-01/2031-03-02"), book("completed", "2031-03-01/2031-03-02"),
              book("missed", "2031-03-01/2031-03-02"), hold("lapsed", "2031-03-01/2031-03-02")})
      .given({check_in("completed", {"1"}), cancel("cancelled"), check_out("completed"), no_show("missed")})
      .after(2min)
      .when(lapse())
      .then_status("lapsed", reservation_status::expired)
      .after(24h - 2min - 1us)
      .given(add_type());
  EXPECT_NE(s.find("cancelled"), nullptr);
  s.after(1us).given(add_type());
  EXPECT_EQ(s.find("cancelled"), nullptr);
  EXPECT_NE(s.find("lapsed"), nullptr);
  s.after(2min).given(add_type());
  EXPECT_EQ(s.find("lapsed"), nullptr);
  EXPECT_NE(s.find("completed"), nullptr);
  EXPECT_NE(s.find("missed"), nullptr);
  s.after(7 * 24h - 24h - 2min - 1us).given(add_type());
  EXPECT_NE(s.find("completed"), nullptr);
  s.after(1us).given(add_type());
  EXPECT_EQ(s.find("completed"), nullptr);
  EXPECT_EQ(s.find("missed"), nullptr);
  EXPECT_EQ(s.state().reservations.size(), 0U);
  EXPECT_TRUE(s.state().leaving.empty());
  const auto departed = s.ask<reservation_departed>(reservation_query{s.number("completed")});
  EXPECT_EQ(departed.number, s.number("completed"));
}

TEST(NightMemory, RollsOnTwoDaysBehindUtc) {
  story s;
  s.given(story::hotel({{.rooms = 9}}))
      .given(calendar_is("2031-03-01/2031-03-09", {.min_stay = set_to<std::uint8_t>(1)}))
      .given(book("A", "2031-03-01/2031-03-09"))
      .on_date("2031-03-04")
      .given(add_type());
  for (const auto& type : s.state().types) EXPECT_EQ(type.calendar.first_night(), on("2031-03-02"));
  EXPECT_EQ(s.state().types[0].calendar.taken(on("2031-03-01")), 0);
  EXPECT_EQ(s.state().types[0].calendar.taken(on("2031-03-02")), 1);
  EXPECT_EQ(s.state().types[0].calendar.rule(on("2031-03-02")).min_stay, 1);
  s.given(cancel("A"));
  EXPECT_EQ(s.state().types[0].calendar.taken(on("2031-03-02")), 0);
}

// --- copies, as a snapshot takes them ---

TEST(HotelCopy, StaysAsItWasWhileTheHotelGoesOn) {
  story s;
  s.given(story::hotel({{.rooms = 500}}));
  for (int i = 0; i < 150; ++i) s.given(book(std::to_string(i), "2031-03-01/2031-03-02"));
  const auto events = s.events();
  const auto copy = s.state();
  for (int i = 0; i < 150; i += 2) s.given(cancel(std::to_string(i)));
  s.after(24h).given(add_type()).after(1us).given(add_type());
  EXPECT_EQ(s.state().reservations.size(), 75U);
  EXPECT_EQ(copy.reservations.size(), 150U);
  EXPECT_EQ(difference(copy, replayed(copy.id, events)), "");
  EXPECT_NE(difference(copy, s.state()), "");
}

// --- the bound on keys ---

TEST(RequestBound, IsReachedOnlyWhenNothingWouldBeForgotten) {
  story s;
  s.given(story::hotel({{.rooms = 9}}))
      .given(book("A", "2031-04-01/2031-04-02"))
      .given(book("B", "2031-04-01/2031-04-02"))
      .given(cancel("B"));
  const auto& hotel = s.state();
  const auto size = hotel.requests.size();
  ASSERT_EQ(size, 5U);
  const auto full = [&](std::size_t bound) { return deciding::keys_exhausted(hotel, s.now().at, bound); };
  EXPECT_FALSE(full(size + 1));
  EXPECT_TRUE(full(size));
  s.after(24h);
  EXPECT_FALSE(full(size));  // B is about to leave
  s.given(add_type());
  const auto left = hotel.requests.size();
  EXPECT_FALSE(full(left + 1));
  EXPECT_TRUE(full(left));
  s.after(1us);
  EXPECT_FALSE(full(left));  // more than a day old now: those of the hotel, its first type, and of B
  s.given(add_type());
  const auto young = hotel.requests.size();
  EXPECT_EQ(young, 3U);  // of A, which is still coming, and of the two types just added
  EXPECT_TRUE(full(young));
  s.after(24h - 1us);
  EXPECT_TRUE(full(young));
  s.after(1us);
  EXPECT_FALSE(full(young));
}

}  // namespace
}  // namespace keyrack::tests
