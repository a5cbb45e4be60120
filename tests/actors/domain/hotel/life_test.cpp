// Goal: the life of a reservation is the diagram in reservation.hpp: every edge that is drawn, no edge that is not.
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <tuple>

namespace keyrack::tests {
namespace {

using enum reservation_status;

// A reservation "A" for three nights from today on, in that status, and now is within its arrival day.
std::vector<asked> until(reservation_status status) {
  const auto stay = "2031-03-01/2031-03-04";
  switch (status) {
  case pending: return {hold("A", stay)};
  case confirmed: return {book("A", stay)};
  case checked_in: return {book("A", stay), check_in("A", {"101"})};
  case completed: return {book("A", stay), check_in("A", {"101"}), check_out("A")};
  case cancelled: return {book("A", stay), cancel("A")};
  case expired: return {hold("A", stay)};
  case no_show: return {book("A", stay), tests::no_show("A")};
  }
  return {};
}

struct edge {
  const char* name;
  asked step;
  std::function<std::optional<reservation_status>(reservation_status)> drawn;
};

std::vector<edge> all_edges() {
  const auto from = [](std::vector<std::pair<reservation_status, reservation_status>> pairs) {
    return [pairs](reservation_status s) -> std::optional<reservation_status> {
      for (const auto& [before, after] : pairs) {
        if (before == s) return after;
      }
      return std::nullopt;
    };
  };
  return {
      {"confirm", confirm("A"), from({{pending, confirmed}})},
      {"extend", extend("A", 200s), from({{pending, pending}})},
      {"cancel", cancel("A"), from({{pending, cancelled}, {confirmed, cancelled}})},
      {"check_in", tests::check_in("A", {"102"}), from({{confirmed, checked_in}})},
      {"check_out", check_out("A"), from({{checked_in, completed}})},
      {"no_show", tests::no_show("A"), from({{confirmed, no_show}})},
      {"change_departure", change("A", {.check_out = "2031-03-03"}),
       from({{pending, pending}, {confirmed, confirmed}, {checked_in, checked_in}})},
      {"change_arrival", change("A", {.check_in = "2031-03-02"}), from({{pending, pending}, {confirmed, confirmed}})},
      {"change_rooms", change("A", {.wanted = items{{.type = {1}, .rooms = 2, .guests = 2}}}),
       from({{pending, pending}, {confirmed, confirmed}})}};
}

class Edge : public testing::TestWithParam<std::tuple<reservation_status, std::size_t>> {};
INSTANTIATE_TEST_SUITE_P(All, Edge,
                         testing::Combine(testing::Values(pending, confirmed, checked_in, completed, cancelled, expired,
                                                          no_show),
                                          testing::Range(std::size_t{0}, all_edges().size())),
                         [](const auto& param) {
                           return std::string{to_text(std::get<0>(param.param))} + "_" +
                                  all_edges()[std::get<1>(param.param)].name;
                         });

TEST_P(Edge, IsTakenOnlyWhereItIsDrawn) {
  const auto [status, index] = GetParam();
  const auto tried = all_edges()[index];
  story s;
  s.given(story::hotel({{.rooms = 5}})).given(until(status));
  if (status == expired) s.after(120s).given(std::vector<asked>{}).when(lapse());
  s.then_status("A", status);
  const auto before = s.at("A");
  const auto seq = s.state().seq;
  s.when(tried.step);
  if (const auto after = tried.drawn(status)) {
    s.then_accepted().then_status("A", *after);
    EXPECT_EQ(s.at("A").version, seq + 1);
    const auto& e = std::get<reservation_event>(s.events().back().body);
    EXPECT_EQ(e.previous, before.version);
    EXPECT_EQ(e.after, s.at("A"));
    EXPECT_EQ(s.at("A").created_at, before.created_at);
    return;
  }
  s.then_refused(status == expired ? errc::hold_lapsed : errc::wrong_status).then_events({});
  EXPECT_EQ(s.at("A"), before);
  if (status != expired && !(status == checked_in && index >= 7)) {
    EXPECT_NE(s.why().detail.find(to_text(status)), std::string::npos) << s.why().detail;
  }
}

TEST(ReservationLife, GivesRoomsBackWhereItEnds) {
  story s;
  s.given(story::hotel({{.rooms = 1}}))
      .given(hold("A", "2031-03-01/2031-03-03"))
      .then_free("2031-03-01", {0, 0, 1})
      .given(cancel("A"))
      .then_free("2031-03-01", {1, 1, 1})
      .given(book("B", "2031-03-01/2031-03-03"))
      .given(tests::no_show("B"))
      .then_free("2031-03-01", {1, 1, 1})
      .given(book("C", "2031-03-01/2031-03-03"))
      .given(check_in("C", {"1"}))
      .then_free("2031-03-01", {0, 0, 1})
      .given(check_out("C"))
      .then_free("2031-03-01", {1, 1, 1});
}

TEST(ReservationLife, EarlyDepartureFreesTheNightsThatAreLeft) {
  story s;
  s.given(story::hotel({{.rooms = 1}}))
      .given(book("A", "2031-03-01/2031-03-05"))
      .given(check_in("A", {"1"}))
      .on_date("2031-03-03")
      .when(hold("B", "2031-03-03/2031-03-05"))
      .then_refused(errc::sold_out)
      .given(check_out("A"))
      .when(hold("B", "2031-03-03/2031-03-05"))
      .then_accepted();
  EXPECT_EQ(s.at("A").stay, nights("2031-03-01/2031-03-05"));
}

TEST(ReservationLife, ChecksOutLongAfterTheDeparture) {
  story s;
  s.given(story::hotel())
      .given(book("A", "2031-03-01/2031-03-02"))
      .given(check_in("A", {"1"}))
      .on_date("2031-03-20")
      .when(check_out("A"))
      .then_accepted()
      .then_status("A", completed);
}

TEST(ReservationLife, KeepsTheDeadlineOfAHoldThatWasConfirmed) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02"));
  const auto deadline = s.at("A").hold_expires_at;
  s.given(confirm("A"));
  EXPECT_EQ(s.at("A").hold_expires_at, deadline);
  EXPECT_TRUE(s.state().holds.empty());
  s.after(1h).then_status("A", confirmed).when(lapse()).then_events({});
}

TEST(ReservationLife, IsUnknownWhereItsNumberWasNeverGiven) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02"));
  for (const auto& e : all_edges()) {
    auto step = e.step;
    step.of = "nobody";
    s.when(step).then_refused(errc::reservation_unknown);
  }
}

TEST(ReservationLife, EndedLongAgoOnceItHasLeftMemory) {
  story s;
  s.given(story::hotel({{.rooms = 5}}))
      .given(book("A", "2031-03-01/2031-03-02"))
      .given(cancel("A"))
      .after(24h)
      .given(book("B", "2031-03-03/2031-03-04"));
  EXPECT_EQ(s.find("A"), nullptr);
  for (const auto& e : all_edges()) s.when(e.step).then_refused(errc::wrong_status);
}

TEST(ReservationLife, RefusesWhatWasAskedOfAnotherVersion) {
  story s;
  s.given(story::hotel()).given(hold("A", "2031-03-01/2031-03-02"));
  const auto held = s.at("A").version;
  s.given(extend("A", 200s)).when(confirm("A").matching(held)).then_refused(errc::version_conflict);
  s.when(confirm("A").matching(held + 2)).then_refused(errc::version_conflict);
  s.when(confirm("A").matching(s.at("A").version)).then_accepted();
}

// --- dates of check-in and no-show ---

class ArrivalDay : public testing::TestWithParam<std::tuple<const char*, bool, bool>> {};
INSTANTIATE_TEST_SUITE_P(OfTwoNights, ArrivalDay,
                         testing::Values(std::tuple{"2031-03-09", false, false}, std::tuple{"2031-03-10", true, true},
                                         std::tuple{"2031-03-11", true, true}, std::tuple{"2031-03-12", false, true},
                                         std::tuple{"2031-04-12", false, true}));

TEST_P(ArrivalDay, DecidesWhetherGuestsMayCheckInOrAreMissed) {
  const auto [today, may_check_in, may_be_missed] = GetParam();
  for (const bool checks_in : {true, false}) {
    story s;
    s.given(story::hotel())
        .given(book("A", "2031-03-10/2031-03-12"))
        .on_date(today)
        .when(checks_in ? check_in("A", {"1"}) : tests::no_show("A"));
    (checks_in ? may_check_in : may_be_missed) ? s.then_accepted() : s.then_refused(errc::wrong_status);
  }
}

TEST(ArrivalDay, IsTheHotelsOwn) {
  story s;
  s.given(story::hotel())
      .given(book("A", "2031-03-02/2031-03-04"))
      .when(check_in("A", {"1"}))
      .then_refused(errc::wrong_status)
      .hotel_date("2031-03-02")
      .when(check_in("A", {"1"}))
      .then_accepted();
}

// --- extending a hold ---

TEST(HoldExtension, RunsFromNowAndNeverShortens) {
  story s;
  s.given(story::hotel({{}}, {.hold_seconds = 120})).given(hold("A", "2031-03-01/2031-03-02")).after(60s);
  const auto start = s.now().at;
  s.given(extend("A"));
  EXPECT_EQ(s.at("A").hold_expires_at, start + 120s);
  s.given(extend("A", 30s));
  EXPECT_EQ(s.at("A").hold_expires_at, start + 120s);
  s.given(extend("A", 121s));
  EXPECT_EQ(s.at("A").hold_expires_at, start + 121s);
  EXPECT_EQ(s.state().holds.size(), 1U);
}

TEST(HoldExtension, EndsFifteenMinutesAfterTheHoldBegan) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-02"))
      .after(100s)
      .when(extend("A", 801s))
      .then_refused(errc::limit_reached);
  EXPECT_NE(s.why().detail.find("2031-03-01T12:15:00.000Z"), std::string::npos) << s.why().detail;
  s.when(extend("A", 800s)).then_accepted().after(799s).when(extend("A")).then_refused(errc::limit_reached);
  s.when(extend("A", 1s)).then_accepted().when(confirm("A")).then_accepted();
}

TEST(HoldExtension, RefusesMoreSecondsThanThereAreInstants) {
  story s;
  s.given(story::hotel())
      .given(hold("A", "2031-03-01/2031-03-02"))
      .when(extend("A", std::chrono::seconds::max()))
      .then_refused(errc::limit_reached);
}

}  // namespace
}  // namespace keyrack::tests
