// Goal: hotels and room types are made, changed and removed as their reservations and their currency allow.
#include "actors/domain/limits.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

TEST(Hotel, IsUnknownUntilItIsMade) {
  story s;
  for (const auto& step : {update({}), remove_the_hotel(), add_type(), update_type(1, {}), remove_type(1),
                           rooms_are({}), calendar_is("2031-03-01/2031-03-02", {}), hold("A", "2031-03-01/2031-03-02"),
                           confirm("A"), cancel("A"), change("A", {.wanted = items{{.type = {1}}}})})
    s.when(step).then_refused(errc::hotel_unknown).then_events({});
}

TEST(Hotel, IsMadeOnce) {
  story s;
  s.when(create()).then_accepted().then_events({"hotel_created"});
  const auto made = s.ask<hotel_view>(hotel_query{});
  EXPECT_EQ(made.profile, profile_of(hotel_with{}));
  EXPECT_EQ(made.version, 1U);
  EXPECT_EQ(made.created_at, s.now().at);
  s.when(create()).then_refused(errc::limit_reached).then_events({});
}

TEST(Hotel, IsChangedAtTheVersionThatWasRead) {
  story s;
  s.given(story::hotel()).after(1h);
  s.when(update({.overbooking_percent = 5}).matching(2)).then_refused(errc::version_conflict);
  s.when(update({.overbooking_percent = 5}).matching(1)).then_accepted().then_events({"hotel_updated"});
  const auto changed = s.ask<hotel_view>(hotel_query{});
  EXPECT_EQ(changed.profile.overbooking_percent, 5);
  EXPECT_EQ(changed.version, s.state().seq);
  EXPECT_EQ(changed.updated_at, s.now().at);
  EXPECT_EQ(changed.created_at, s.now().at - 1h);
  EXPECT_EQ(std::get<hotel_updated>(s.events().back().body).created_at, changed.created_at);
}

TEST(Hotel, ChangesItsCurrencyOnlyWhileNothingIsPricedInIt) {
  story s;
  s.given(create())
      .given(update({.currency = "CHF"}))
      .given(add_type({.currency = "CHF"}))
      .when(update({.currency = "EUR"}))
      .then_refused(errc::currency_mismatch)
      .given(remove_type(1))
      .given(update({.currency = "EUR"}))
      .given(add_type())
      .given({book("A", "2031-03-01/2031-03-02", {{.type = {2}}}), cancel("A"), remove_type(2)})
      .after(48h)
      .when(update({.currency = "CHF"}))
      .then_refused(errc::currency_mismatch)
      .when(update({.currency = "EUR", .hold_seconds = 60}))
      .then_accepted();
}

TEST(Hotel, IsRemovedOnceNothingIsComing) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(
          {book("A", "2031-03-01/2031-03-02"), book("B", "2031-03-01/2031-03-02"), book("C", "2031-03-01/2031-03-02")})
      .given({check_in("B", {"1"}), cancel("A"), no_show("C")})
      .when(remove_the_hotel())
      .then_refused(errc::hotel_in_use)
      .given(check_out("B"));
  s.when(remove_the_hotel().matching(77)).then_refused(errc::version_conflict);
  s.when(remove_the_hotel().matching(1)).then_accepted().then_events({"hotel_removed"});
  for (const auto& step :
       {create(), update({}), remove_the_hotel(), add_type(), remove_type(1), rooms_are({}), lapse(),
        calendar_is("2031-03-01/2031-03-02", {}), hold("D", "2031-03-01/2031-03-02"), confirm("nobody")}) {
    if (std::holds_alternative<lapse_holds>(step.what)) {
      s.when(step).then_no_answer();
    } else {
      s.when(step).then_refused(errc::hotel_unknown);
    }
  }
}

TEST(Hotel, ThatIsRemovedStillShowsItsOwnPastReservations) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(hold("A", "2031-03-01/2031-03-02"))
      .given(book("B", "2031-03-01/2031-03-02"))
      .given(cancel("B"))
      .after(2min)
      .given(remove_the_hotel())
      .then_events({"hold_lapsed", "hotel_removed"})
      .when(cancel("A"))
      .then_refused(errc::hold_lapsed)
      .when(confirm("B"))
      .then_refused(errc::wrong_status);
  EXPECT_EQ(s.ask<reservation_view>(reservation_query{s.number("B")}).value, s.at("B"));
  EXPECT_EQ(s.ask_refused(reservation_query{{3}}), errc::hotel_unknown);
  EXPECT_EQ(s.ask_refused(hotel_query{}), errc::hotel_unknown);
  EXPECT_EQ(s.ask_refused(reservations_query{}), errc::hotel_unknown);
  EXPECT_EQ(s.ask_refused(calendar_query{.from = on("2031-03-01"), .to = on("2031-03-02"), .type = {}}),
            errc::hotel_unknown);
}

TEST(RoomType, GetsANumberThatIsNeverGivenAgain) {
  story s;
  s.given(story::hotel({{}, {}})).given(remove_type(2)).given(add_type({.price = 7}));
  const auto all = s.ask<room_types_view>(room_types_query{}).types;
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].id, room_type_id{1});
  EXPECT_EQ(all[1].id, room_type_id{3});
  EXPECT_EQ(all[1].profile.price, 7);
  EXPECT_EQ(all[1].version, s.state().seq);
  EXPECT_EQ(s.ask<room_type_view>(room_type_query{{3}}).profile, all[1].profile);
  EXPECT_EQ(s.ask_refused(room_type_query{{2}}), errc::room_type_unknown);
}

TEST(RoomType, IsPricedInTheHotelsCurrency) {
  story s;
  s.given(story::hotel())
      .when(add_type({.currency = "CHF"}))
      .then_refused(errc::currency_mismatch)
      .when(update_type(1, {.currency = "USD"}))
      .then_refused(errc::currency_mismatch);
}

TEST(RoomType, IsChangedAtTheVersionThatWasRead) {
  story s;
  s.given(story::hotel({{}, {}})).after(1h);
  s.when(update_type(1, {.rooms = 7}).matching(3)).then_refused(errc::version_conflict);
  s.when(update_type(1, {.rooms = 7}).matching(2)).then_accepted().then_events({"room_type_updated"});
  const auto changed = s.ask<room_type_view>(room_type_query{{1}});
  EXPECT_EQ(changed.profile.rooms, 7);
  EXPECT_EQ(changed.updated_at, s.now().at);
  EXPECT_EQ(changed.created_at, s.now().at - 1h);
  EXPECT_EQ(std::get<room_type_updated>(s.events().back().body).created_at, changed.created_at);
  s.when(update_type(9, {})).then_refused(errc::room_type_unknown);
}

TEST(RoomType, IsNotRemovedWhileReservationsNeedIt) {
  story s;
  s.given(story::hotel({{.rooms = 5}, {.rooms = 5}}))
      .given(book("A", "2031-03-01/2031-03-02", {{.type = {1}}, {.type = {2}}}))
      .when(remove_type(2))
      .then_refused(errc::room_type_in_use)
      .given(check_in("A", {"1", "2"}))
      .on_date("2031-04-01")  // long overdue, and its nights have left memory
      .given(add_type())
      .when(remove_type(2))
      .then_refused(errc::room_type_in_use)
      .given(check_out("A"))
      .when(remove_type(2).matching(99))
      .then_refused(errc::version_conflict)
      .when(remove_type(2))
      .then_accepted()
      .then_events({"room_type_removed"})
      .when(remove_type(2))
      .then_refused(errc::room_type_unknown);
}

TEST(RoomType, AreAtMostFiveHundredAtOnce) {
  story s;
  std::vector<type_with> all(limits::room_types_per_hotel_max);
  s.given(story::hotel(all)).when(add_type()).then_refused(errc::limit_reached);
  s.given(remove_type(1)).when(add_type()).then_accepted().when(add_type()).then_refused(errc::limit_reached);
}

TEST(HotelDeathTest, StopsTheProgramAtNumbersThatTheGatewayMustNotLetThrough) {
  testing::FLAGS_gtest_death_test_style = "fast";
  story s;
  s.given(story::hotel());
  EXPECT_DEATH(s.when(add_type({.rooms = -1})), "broken invariant");
  EXPECT_DEATH(s.when(add_type({.price = limits::price_minor_max + 1})), "broken invariant");
  EXPECT_DEATH(s.when(update({.overbooking_percent = 101})), "broken invariant");
  EXPECT_DEATH(s.when(hold("A", "2031-03-01/2031-03-02", {})), "broken invariant");
  EXPECT_DEATH(s.when(hold("A", "2031-03-01/2031-03-02", {{.type = {1}, .rooms = 0}})), "broken invariant");
  EXPECT_DEATH(s.when(rooms_are({{"1", {1}, {}}, {"1", {1}, {}}})), "broken invariant");
  EXPECT_DEATH(s.after(-1s).when(add_type()), "broken invariant");
}

}  // namespace
}  // namespace keyrack::tests
