// Goal: a stay is sold whole, within every night's limit, at the price of its nights; or it is refused with all reasons.
#include "actors/domain/limits.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

using testing::ElementsAre;

reason sold_out_on(std::string_view night, std::int64_t free, std::uint16_t type = 1) {
  return {.code = errc::sold_out, .night = on(night), .type = room_type_id{type}, .free = free, .bound = {}};
}

class FullNight : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(FirstMiddleLast, FullNight, testing::Values("2031-03-01", "2031-03-02", "2031-03-03"));

TEST_P(FullNight, RefusesTheWholeStay) {
  const auto full = on(GetParam());
  story s;
  s.given(story::hotel())
      .given(book("A", to_text(full) + "/" + to_text(full + 1)))
      .when(hold("B", "2031-03-01/2031-03-04"))
      .then_refused(errc::sold_out, {sold_out_on(GetParam(), 0)});
}

TEST(HotelBooking, DoesNotSellTheNightOfDeparture) {
  story s;
  s.given(story::hotel())
      .given(book("A", "2031-03-02/2031-03-04"))
      .when(hold("before", "2031-03-01/2031-03-02"))
      .then_accepted()
      .when(hold("after", "2031-03-04/2031-03-05"))
      .then_accepted()
      .then_free("2031-03-01", {0, 0, 0, 0, 1});
}

TEST(HotelBooking, SaysEveryShortNightOfEveryType) {
  story s;
  s.given(story::hotel({{.rooms = 3}, {.rooms = 2}}))
      .given(book("A", "2031-03-02/2031-03-03", {{.type = {1}, .rooms = 2, .guests = 2}}))
      .given(book("B", "2031-03-03/2031-03-04", {{.type = {2}, .rooms = 2, .guests = 2}}))
      .when(hold("C", "2031-03-01/2031-03-05",
                 {{.type = {1}, .rooms = 2, .guests = 2}, {.type = {2}, .rooms = 1, .guests = 1}}))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-02", 1, 1), sold_out_on("2031-03-03", 0, 2)});
}

TEST(HotelBooking, CountsTwoItemsOfOneTypeTogether) {
  story s;
  const items two_and_two = {{.type = {1}, .rooms = 2, .guests = 2}, {.type = {1}, .rooms = 2, .guests = 2}};
  s.given(story::hotel({{.rooms = 3}}))
      .when(hold("A", "2031-03-01/2031-03-02", two_and_two))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-01", 3)})
      .given(update_type(1, {.rooms = 4}))
      .when(hold("A", "2031-03-01/2031-03-02", two_and_two))
      .then_accepted()
      .then_free("2031-03-01", {0});
}

TEST(HotelBooking, TakesNothingWhenOneTypeIsShort) {
  story s;
  s.given(story::hotel({{.rooms = 1}, {.rooms = 0}}))
      .when(hold("A", "2031-03-01/2031-03-03", {{.type = {1}}, {.type = {2}}}))
      .then_refused(errc::sold_out)
      .then_events({})
      .then_free("2031-03-01", {1, 1}, 1);
}

TEST(HotelBooking, OverbooksTenPercentOfNineRoomsByNone) {
  story s;
  s.given(story::hotel({{.rooms = 9}}, {.overbooking_percent = 10})).then_free("2031-03-01", {9});
}

TEST(HotelBooking, OverbooksTenPercentOfTenRoomsByOne) {
  story s;
  s.given(story::hotel({{.rooms = 10}}, {.overbooking_percent = 10}))
      .given(book("A", "2031-03-01/2031-03-02", {{.type = {1}, .rooms = 11, .guests = 11}}))
      .when(hold("B", "2031-03-01/2031-03-02"))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-01", 0)});
}

TEST(HotelBooking, PrefersTheTypesOverbookingToTheHotels) {
  story s;
  s.given(story::hotel({{.rooms = 10, .overbooking_percent = 0}, {.rooms = 10, .overbooking_percent = 50}},
                       {.overbooking_percent = 10}))
      .then_free("2031-03-01", {10}, 1)
      .then_free("2031-03-01", {15}, 2);
}

TEST(HotelBooking, SellsWhatTheCalendarSaysWithItsOverbooking) {
  story s;
  s.given(story::hotel({{.rooms = 5}}, {.overbooking_percent = 50}))
      .given(calendar_is("2031-03-02/2031-03-03", {.rooms_to_sell = set_to(3)}))
      .given(calendar_is("2031-03-03/2031-03-04", {.rooms_to_sell = set_to(8)}))
      .given(calendar_is("2031-03-04/2031-03-05", {.rooms_to_sell = set_to(0)}))
      .then_free("2031-03-01", {7, 4, 12, 0, 7});
}

TEST(HotelBooking, LessTheRoomsOutOfOrder) {
  story s;
  s.given(story::hotel({{.rooms = 3}, {.rooms = 1}}))
      .given(rooms_are({{"101", {1}, {{on("2031-03-02"), on("2031-03-04")}, {on("2031-03-03"), on("2031-03-05")}}},
                        {"102", {1}, {{on("2031-03-03"), on("2031-03-04")}}},
                        {"201", {2}, {{on("2031-03-01"), on("2031-03-02")}}}}))
      .given(calendar_is("2031-03-04/2031-03-05", {.rooms_to_sell = set_to(2)}, {{1}}))
      .then_free("2031-03-01", {3, 2, 1, 1, 3}, 1)
      .then_free("2031-03-01", {0, 1}, 2);
}

TEST(HotelBooking, HasNoFewerThanNoRooms) {
  story s;
  s.given(story::hotel({{.rooms = 1}}))
      .given(rooms_are(
          {{"101", {1}, {{on("2031-03-01"), on("2031-03-02")}}}, {"102", {1}, {{on("2031-03-01"), on("2031-03-02")}}}}))
      .then_free("2031-03-01", {0, 1})
      .when(hold("A", "2031-03-01/2031-03-02"))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-01", 0)});
}

TEST(HotelBooking, ThrowsNobodyOutWhenTheLimitIsLoweredBelowWhatIsSold) {
  story s;
  s.given(story::hotel({{.rooms = 3}}))
      .given(book("A", "2031-03-01/2031-03-03", {{.type = {1}, .rooms = 3, .guests = 3}}))
      .given(update_type(1, {.rooms = 1}))
      .then_status("A", reservation_status::confirmed)
      .then_free("2031-03-01", {0, 0, 1})
      .when(hold("B", "2031-03-02/2031-03-03"))
      .then_refused(errc::sold_out, {sold_out_on("2031-03-02", 0)});
  const auto calendar =
      s.ask<calendar_view>(calendar_query{.from = on("2031-03-01"), .to = on("2031-03-04"), .type = {}});
  EXPECT_EQ(calendar.types[0].nights[0].oversold, 2);
  EXPECT_EQ(calendar.types[0].nights[0].taken, 3);
  EXPECT_EQ(calendar.types[0].nights[2].oversold, 0);
  s.given(cancel("A")).when(hold("B", "2031-03-02/2031-03-03")).then_accepted();
}

TEST(HotelBooking, PricesEachNightByTheCalendarElseByTheType) {
  story s;
  s.given(story::hotel({{.rooms = 5, .price = 100'00}}))
      .given(calendar_is("2031-03-02/2031-03-03", {.price = set_to<std::int64_t>(250'00)}))
      .given(calendar_is("2031-03-03/2031-03-04", {.price = set_to<std::int64_t>(0)}))
      .given(hold("A", "2031-03-01/2031-03-05", {{.type = {1}, .rooms = 2, .guests = 3}}));
  const auto& made = s.at("A");
  EXPECT_THAT(made.items[0].night_prices, ElementsAre(100'00, 250'00, 0, 100'00));
  EXPECT_EQ(subtotal(made.items[0]), 2 * 450'00);
  EXPECT_EQ(total(made), 900'00);
  EXPECT_EQ(made.priced_in, money_of("EUR"));
  // And keeps it when prices change.
  s.given(calendar_is("2031-03-01/2031-03-05", {.price = set_to<std::int64_t>(999'00)})).given(confirm("A"));
  EXPECT_EQ(total(s.at("A")), 900'00);
}

TEST(HotelBooking, MakesAHoldWithTheHotelsDeadline) {
  story s;
  auto asked_for = hold("A", "2031-03-01/2031-03-02");
  asked_for.key_is_client_reference = true;
  s.given(story::hotel({{}}, {.hold_seconds = 300})).when(asked_for).then_accepted().then_events({"rooms_held"});
  const auto& made = s.at("A");
  EXPECT_EQ(made.status, reservation_status::pending);
  EXPECT_EQ(made.hold_expires_at, s.now().at + 300s);
  EXPECT_EQ(made.number.value, 1U);
  EXPECT_EQ(made.created_by, key_named("A"));
  EXPECT_TRUE(made.key_is_client_reference);
  EXPECT_EQ(made.created_at, s.now().at);
  EXPECT_EQ(made.updated_at, s.now().at);
  EXPECT_EQ(made.version, s.state().seq);
  EXPECT_EQ((made.guest), (guest_id{.high = 1, .low = 2}));
  const auto& e = s.events().back();
  EXPECT_EQ(e.by, "desk");
  EXPECT_EQ(e.at, s.now().at);
  EXPECT_EQ(e.answers, (request_stamp{.key = key_named("A"), .digest = 1, .op = operation::hold_rooms}));
}

TEST(HotelBooking, IsConfirmedAtOnceWithoutAHold) {
  story s;
  s.given(story::hotel()).given(book("A", "2031-03-01/2031-03-02")).then_status("A", reservation_status::confirmed);
  EXPECT_EQ(s.at("A").hold_expires_at, instant{});
  EXPECT_TRUE(s.state().holds.empty());
}

TEST(HotelBooking, RefusesMoreGuestsThanTheRoomsOfAnItemSleep) {
  story s;
  s.given(story::hotel({{.rooms = 9, .max_guests = 2}, {.rooms = 9, .max_guests = 4}}))
      .when(hold("A", "2031-03-01/2031-03-02",
                 {{.type = {1}, .rooms = 2, .guests = 5}, {.type = {2}, .rooms = 1, .guests = 1}}))
      .then_refused(errc::too_many_guests,
                    {{.code = errc::too_many_guests, .night = {}, .type = room_type_id{1}, .free = {}, .bound = 4}})
      .when(hold("A", "2031-03-01/2031-03-02",
                 {{.type = {1}, .rooms = 2, .guests = 4}, {.type = {2}, .rooms = 1, .guests = 4}}))
      .then_accepted();
}

TEST(HotelBooking, RefusesATypeThatTheHotelHasNot) {
  story s;
  s.given(story::hotel())
      .when(hold("A", "2031-03-01/2031-03-02", {{.type = {1}}, {.type = {2}}}))
      .then_refused(errc::room_type_unknown,
                    {{.code = errc::room_type_unknown, .night = {}, .type = room_type_id{2}, .free = {}, .bound = {}}});
}

TEST(HotelBooking, RefusesATotalThatIsNoLongerExact) {
  const auto dearest = limits::price_minor_max;
  const auto most = static_cast<std::int32_t>(limits::reservation_total_max / dearest);
  story s;
  s.given(story::hotel({{.rooms = 100'000, .price = dearest}}))
      .when(hold("A", "2031-03-01/2031-03-02", {{.type = {1}, .rooms = most, .guests = 1}}))
      .then_accepted()
      .when(hold("B", "2031-03-02/2031-03-03", {{.type = {1}, .rooms = most + 1, .guests = 1}}))
      .then_refused(errc::limit_reached);
  // Ten items of the dearest stay there is do not overflow.
  const items all(10, {.type = {1}, .rooms = 10'000, .guests = 1});
  s.when(hold("C", "2031-03-02/2031-05-31", all)).then_refused(errc::limit_reached);
}

struct edge_of_stays {
  const char* what;
  const char* stay;
  std::optional<errc> refused;
};
void PrintTo(const edge_of_stays& e, std::ostream* out) { *out << e.what; }

class Window : public testing::TestWithParam<edge_of_stays> {};
// Today is 2031-03-01, so the last bookable night is 2033-02-27 (729 on) and the last departure 2033-02-28.
INSTANTIATE_TEST_SUITE_P(
    Edges, Window,
    testing::Values(edge_of_stays{"one night", "2031-03-01/2031-03-02", {}},
                    edge_of_stays{"ninety nights", "2031-03-01/2031-05-30", {}},
                    edge_of_stays{"ninety-one nights", "2031-03-01/2031-05-31", errc::stay_invalid},
                    edge_of_stays{"no night", "2031-03-05/2031-03-05", errc::stay_invalid},
                    edge_of_stays{"reversed", "2031-03-05/2031-03-04", errc::stay_invalid},
                    edge_of_stays{"yesterday", "2031-02-28/2031-03-02", errc::stay_in_past},
                    edge_of_stays{"long ago", "2030-03-01/2030-03-02", errc::stay_in_past},
                    edge_of_stays{"the last night", "2033-02-27/2033-02-28", {}},
                    edge_of_stays{"a night too far", "2033-02-28/2033-03-01", errc::stay_too_far},
                    edge_of_stays{"a last night too far", "2033-02-26/2033-03-01", errc::stay_too_far},
                    edge_of_stays{"centuries ahead", "9999-12-30/9999-12-31", errc::stay_too_far},
                    edge_of_stays{"over the month's end", "2031-04-28/2031-05-03", {}},
                    edge_of_stays{"over the year's end", "2031-12-30/2032-01-02", {}},
                    edge_of_stays{"over a leap day", "2032-02-28/2032-03-01", {}},
                    edge_of_stays{"over clocks going forward", "2031-03-29/2031-03-31", {}},
                    edge_of_stays{"over clocks going back", "2031-10-25/2031-10-27", {}}),
    [](const auto& param) {
      std::string name = param.param.what;
      for (auto& c : name) {
        if (c == ' ' || c == '-' || c == '\'') c = '_';
      }
      return name;
    });

TEST_P(Window, IsKept) {
  story s;
  s.given(story::hotel()).when(hold("A", GetParam().stay));
  if (GetParam().refused) {
    s.then_refused(*GetParam().refused);
    return;
  }
  s.then_accepted();
  const auto stay = nights(GetParam().stay);
  EXPECT_EQ(s.at("A").items[0].night_prices.size(), static_cast<std::size_t>(stay.nights()));
  for (auto night = stay.check_in; night < stay.check_out; ++night) s.then_free(to_text(night), {0});
}

TEST(Window, RollsOnWithTheHotelsOwnMidnight) {
  story s;
  s.given(story::hotel())
      .when(hold("A", "2033-02-28/2033-03-01"))
      .then_refused(errc::stay_too_far)
      // East of Greenwich the next day has begun; the clock is the same.
      .hotel_date("2031-03-02")
      .when(hold("A", "2033-02-28/2033-03-01"))
      .then_accepted()
      .when(hold("B", "2031-03-01/2031-03-02"))
      .then_refused(errc::stay_in_past)
      // West of it, it is still the day before.
      .hotel_date("2031-02-28")
      .when(hold("B", "2031-02-28/2031-03-01"))
      .then_accepted();
}

TEST(HotelBooking, SaysWhatIsWrongWithTheDates) {
  story s;
  s.given(story::hotel())
      .when(hold("A", "2033-02-28/2033-03-01"))
      .then_refused(errc::stay_too_far,
                    {{.code = errc::stay_too_far, .night = on("2033-02-28"), .type = {}, .free = {}, .bound = {}}})
      .when(hold("A", "2031-02-28/2031-03-01"))
      .then_refused(errc::stay_in_past,
                    {{.code = errc::stay_in_past, .night = on("2031-03-01"), .type = {}, .free = {}, .bound = {}}});
}

}  // namespace
}  // namespace keyrack::tests
