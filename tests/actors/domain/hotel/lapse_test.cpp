// Goal: a hold past its deadline is gone, whether its timer has fired or not; and whoever asks next finds its rooms.
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>

namespace keyrack::tests {
namespace {

using enum reservation_status;

TEST(HoldLapse, HappensAtTheDeadlineAndNotBefore) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(120s - 1us)
      .when(lapse())
      .then_events({})
      .then_no_answer()
      .then_free("2031-03-01", {0, 0})
      .after(1us)
      .then_free("2031-03-01", {1, 1})
      .when(lapse())
      .then_events({"hold_lapsed"})
      .then_no_answer()
      .then_status("A", expired)
      .then_free("2031-03-01", {1, 1});
}

TEST(HoldLapse, ComesFirstSoThatNobodyIsRefusedWhileRoomsAreFree) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(120s)
      .when(hold("B", "2031-03-02/2031-03-04"))
      .then_accepted()
      .then_events({"hold_lapsed", "rooms_held"})
      .then_status("A", expired)
      .then_free("2031-03-01", {1, 0, 0});
  const auto& lapsed = s.last().events[0];
  EXPECT_EQ(lapsed.by, "keyrack");
  EXPECT_EQ(lapsed.at, s.now().at);
  EXPECT_EQ(lapsed.answers, std::nullopt);
  EXPECT_EQ(std::get<accepted>(s.last().result).seq, lapsed.seq + 1);
}

TEST(HoldLapse, IsAFactEvenOfACommandThatIsRefused) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(120s)
      .when(confirm("A"))
      .then_refused(errc::hold_lapsed)
      .then_events({"hold_lapsed"})
      .then_status("A", expired)
      .when(confirm("A"))
      .then_refused(errc::hold_lapsed)
      .then_events({});
}

TEST(HoldLapse, HappensInTheOrderOfDeadlines) {
  story s;
  s.given(story::hotel({{.rooms = 9}}))
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(10s)
      .given(hold("B", "2031-03-02/2031-03-04"))
      .after(10s)
      .given(hold("C", "2031-03-02/2031-03-04"))
      .given(extend("A", 130s))
      .after(1h)
      .when(lapse())
      .then_events({"hold_lapsed", "hold_lapsed", "hold_lapsed"});
  std::vector<std::uint64_t> order;
  for (const auto& e : s.last().events) order.push_back(std::get<reservation_event>(e.body).after.number.value);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 3, 1}));
}

TEST(HoldLapse, FreesManyHoldsOfManyNightsForOneCommand) {
  story s;
  s.given(story::hotel({{.rooms = 4}, {.rooms = 2}}))
      .given(hold("A", "2031-03-01/2031-03-04", {{.type = {1}, .rooms = 2, .guests = 2}, {.type = {2}}}))
      .given(hold("B", "2031-03-02/2031-03-05", {{.type = {1}, .rooms = 2, .guests = 2}}))
      .given(book("C", "2031-03-03/2031-03-04", {{.type = {2}}}))
      .after(120s)
      .then_free("2031-03-01", {4, 4, 4, 4}, 1)
      .then_free("2031-03-01", {2, 2, 1, 2}, 2)
      .when(hold("D", "2031-03-01/2031-03-05", {{.type = {1}, .rooms = 4, .guests = 4}, {.type = {2}}}))
      .then_accepted()
      .then_events({"hold_lapsed", "hold_lapsed", "rooms_held"})
      .then_free("2031-03-01", {1, 1, 0, 1}, 2);
}

TEST(HoldLapse, MakesEverythingThatIsAskedOfItTooLate) {
  for (const auto& step :
       {confirm("A"), extend("A"), cancel("A"), check_in("A"), check_out("A"), tests::no_show("A"),
        change("A", {.check_out = "2031-03-02"}),
        change("A", {.wanted = items{{.type = {77}, .rooms = 1, .guests = 99}}}), cancel("A").matching(1)}) {
    story s;
    s.given(story::hotel())
        .given(hold("A", "2031-03-01/2031-03-03"))
        .after(120s)
        .when(step)
        .then_refused(errc::hold_lapsed)
        .then_events({"hold_lapsed"})
        .when(step)
        .then_refused(errc::hold_lapsed);
  }
}

TEST(HoldLapse, WaitsForAnExtensionInTime) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(119s)
      .given(extend("A"))
      .after(119s)
      .given(confirm("A"))
      .then_status("A", confirmed);
}

TEST(HoldLapse, IsNotUndoneByAChange) {
  story s;
  s.given(story::hotel({{.rooms = 2}}))
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(60s)
      .given(change("A", {.check_out = "2031-03-04"}))
      .after(60s)
      .when(lapse())
      .then_events({"hold_lapsed"})
      .then_free("2031-03-01", {2, 2, 2});
}

TEST(HoldLapse, CancelledWhileItLapsesGivesItsRoomsBackOnce) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-03"))
      .after(119s)
      .given(cancel("A"))
      .after(1s)
      .when(lapse())
      .then_events({})
      .then_status("A", cancelled)
      .then_free("2031-03-01", {1, 1});
}

TEST(HoldLapse, IsNothingToAHotelThatWasNeverMade) {
  story s;
  s.when(lapse()).then_no_answer().then_events({});
}

TEST(HoldLapse, LetsARoomTypeAndAHotelGo) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-03"))
      .when(remove_type(1))
      .then_refused(errc::room_type_in_use)
      .after(120s)
      .when(remove_type(1))
      .then_accepted()
      .then_events({"hold_lapsed", "room_type_removed"})
      .when(remove_the_hotel())
      .then_accepted();
}

}  // namespace
}  // namespace keyrack::tests
