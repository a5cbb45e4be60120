// Goal: a guest gets a room that exists, is of the right type, empty, and in order for as long as the guest stays.
#include "tests/actors/domain/hotel/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

using testing::ElementsAre;

constexpr auto two_nights = "2031-03-01/2031-03-03";

// Two singles, two doubles, and suites without a list.
std::vector<asked> listed_hotel() {
  auto steps = story::hotel({{.rooms = 5}, {.rooms = 5}, {.rooms = 5}});
  steps.push_back(rooms_are({{"102", {1}, {}}, {"101", {1}, {}}, {"201", {2}, {}}, {"202", {2}, {}}}));
  return steps;
}

TEST(CheckIn, TakesTheFirstFreeRoomOfTheHoteliersList) {
  story s;
  s.given(listed_hotel()).given({book("A", two_nights), book("B", two_nights), book("C", two_nights)});
  s.given(check_in("A")).given(check_in("B"));
  EXPECT_THAT(s.at("A").room_numbers, ElementsAre("102"));
  EXPECT_THAT(s.at("B").room_numbers, ElementsAre("101"));
  s.when(check_in("C")).then_refused(errc::no_room_ready);
  s.given(check_out("A")).given(check_in("C"));
  EXPECT_THAT(s.at("C").room_numbers, ElementsAre("102"));
}

TEST(CheckIn, GivesEveryItemItsOwnRooms) {
  story s;
  s.given(listed_hotel())
      .given(book("A", two_nights, {{.type = {2}}, {.type = {1}, .rooms = 2, .guests = 2}, {.type = {2}}}))
      .given(check_in("A"));
  EXPECT_THAT(s.at("A").room_numbers, ElementsAre("201", "102", "101", "202"));
  EXPECT_EQ(s.state().occupied.size(), 4U);
}

TEST(CheckIn, TakesTheRoomsThatAreNamedInTheOrderOfTheItems) {
  story s;
  s.given(listed_hotel())
      .given(book("A", two_nights, {{.type = {2}}, {.type = {1}}}))
      .when(check_in("A", {"101", "201"}))
      .then_refused(errc::no_room_ready)
      .when(check_in("A", {"202", "101"}))
      .then_accepted();
  EXPECT_THAT(s.at("A").room_numbers, ElementsAre("202", "101"));
}

TEST(CheckIn, RefusesRoomsThatAreNotReady) {
  story s;
  s.given(listed_hotel())
      .given({book("A", two_nights), book("B", two_nights), check_in("A", {"101"})})
      .when(check_in("B", {"999"}))
      .then_refused(errc::no_room_ready)
      .when(check_in("B", {"201"}))
      .then_refused(errc::no_room_ready)
      .when(check_in("B", {"101"}))
      .then_refused(errc::room_taken)
      .when(check_in("B", {"102", "101"}))
      .then_refused(errc::no_room_ready)
      .given(check_out("A"))
      .when(check_in("B", {"101"}))
      .then_accepted();
}

TEST(CheckIn, RefusesARoomThatIsNamedTwice) {
  story s;
  s.given(listed_hotel())
      .given(book("A", two_nights, {{.type = {1}, .rooms = 2, .guests = 2}}))
      .when(check_in("A", {"101", "101"}))
      .then_refused(errc::room_taken)
      .when(check_in("A", {"101"}))
      .then_refused(errc::no_room_ready);
}

TEST(CheckIn, LooksForRoomsInOrderOnEveryNightThatIsLeft) {
  const auto list_with = [](std::string_view range) {
    const auto [from, to] = nights(range);
    return rooms_are({{"101", {1}, {{from, to}}}});
  };
  for (const auto& [range, ready] :
       {std::pair{"2031-02-20/2031-03-01", true}, std::pair{"2031-03-01/2031-03-02", true},
        std::pair{"2031-03-02/2031-03-03", false}, std::pair{"2031-03-03/2031-03-09", false},
        std::pair{"2031-03-04/2031-03-05", true}}) {
    for (const bool named : {true, false}) {
      story s;
      s.given(story::hotel({{.rooms = 5}}))
          .given(book("A", "2031-03-01/2031-03-04"))
          .given(list_with(range))
          .on_date("2031-03-02")  // a night late
          .when(check_in("A", named ? std::vector<std::string>{"101"} : std::vector<std::string>{}));
      ready ? s.then_accepted() : s.then_refused(errc::no_room_ready);
    }
  }
}

TEST(CheckIn, TakesAnyNumberWhereTheTypeHasNoList) {
  story s;
  s.given(listed_hotel())
      .given({book("A", two_nights, {{.type = {3}}}), book("B", two_nights, {{.type = {3}}})})
      .when(check_in("A"))
      .then_refused(errc::no_room_ready)
      .when(check_in("A", {"101"}))  // of another type's list
      .then_refused(errc::no_room_ready)
      .when(check_in("A", {"the tower"}))
      .then_accepted()
      .when(check_in("B", {"the tower"}))
      .then_refused(errc::room_taken)
      .when(check_in("B", {"the cellar"}))
      .then_accepted();
}

// --- the list of rooms while guests are in them ---

TEST(RoomList, KeepsTheRoomsThatAreOccupied) {
  story s;
  s.given(listed_hotel())
      .given({book("A", two_nights), check_in("A", {"101"})})
      .when(rooms_are({{"102", {1}, {}}}))
      .then_refused(errc::room_taken)
      .when(rooms_are({}))
      .then_refused(errc::room_taken)
      .when(rooms_are({{"101", {2}, {}}}))
      .then_refused(errc::room_taken)
      .when(rooms_are({{"101", {1}, {{on("2031-03-01"), on("2031-03-09")}}}}))
      .then_accepted()
      .given(check_out("A"))
      .when(rooms_are({}))
      .then_accepted();
}

TEST(RoomList, MayBeginWhileGuestsAreInRoomsWithoutOne) {
  story s;
  s.given(story::hotel({{.rooms = 5}, {.rooms = 5}}))
      .given({book("A", two_nights), check_in("A", {"7"})})
      .when(rooms_are({{"7", {2}, {}}}))
      .then_refused(errc::room_taken)
      .when(rooms_are({{"8", {1}, {}}}))
      .then_accepted()
      .when(rooms_are({{"7", {1}, {}}, {"8", {1}, {}}}))
      .then_accepted()
      .when(rooms_are({{"8", {1}, {}}}))
      .then_refused(errc::room_taken);
}

TEST(RoomList, IsReplacedAsAWholeAndHasAVersion) {
  story s;
  s.given(listed_hotel());
  const auto version = s.state().rooms_version;
  EXPECT_EQ(version, s.state().seq);
  s.when(rooms_are({{"1", {9}, {}}})).then_refused(errc::room_type_unknown);
  s.when(rooms_are({{"1", {1}, {}}}).matching(version - 1)).then_refused(errc::version_conflict);
  s.when(rooms_are({{"1", {1}, {}}}).matching(version)).then_accepted().then_events({"rooms_listed"});
  const auto listed = s.ask<rooms_view>(rooms_query{});
  EXPECT_EQ(listed.rooms, (std::vector<room>{{"1", {1}, {}}}));
  EXPECT_EQ(listed.version, s.state().seq);
}

TEST(RoomList, LosesTheRoomsOfATypeThatIsRemoved) {
  story s;
  s.given(listed_hotel()).given(remove_type(1));
  const auto listed = s.ask<rooms_view>(rooms_query{});
  EXPECT_EQ(listed.rooms, (std::vector<room>{{"201", {2}, {}}, {"202", {2}, {}}}));
  EXPECT_EQ(listed.version, s.state().seq);
  s.given(remove_type(3));
  EXPECT_EQ(s.ask<rooms_view>(rooms_query{}).version, s.state().seq - 1);
}

}  // namespace
}  // namespace keyrack::tests
