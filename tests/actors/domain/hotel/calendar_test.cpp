// Goal: the calendar says for each night what was set last, all changes of a request or none; and the window of nights
// that it remembers rolls on without losing count.
#include "actors/domain/hotel/calendar.hpp"
#include "actors/domain/limits.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace keyrack::tests {
namespace {

constexpr std::uint8_t fri_sat = 1 << static_cast<int>(weekday::fri) | 1 << static_cast<int>(weekday::sat);

std::vector<night_view> nights_of(const story& s, std::string_view range, std::uint16_t type = 1) {
  const auto [from, to] = nights(range);
  return s.ask<calendar_view>(calendar_query{.from = from, .to = to, .type = room_type_id{type}}).types.at(0).nights;
}

TEST(CalendarChange, SetsKeepsAndClears) {
  story s;
  s.given(story::hotel({{.price = 100}}))
      .given(calendar_is("2031-03-01/2031-03-03", {.price = set_to<std::int64_t>(200),
                                                   .rooms_to_sell = set_to(7),
                                                   .min_stay = set_to<std::uint8_t>(2),
                                                   .max_stay = set_to<std::uint8_t>(9),
                                                   .closed = set_to(true),
                                                   .closed_to_arrival = set_to(true),
                                                   .closed_to_departure = set_to(true)}))
      .given(calendar_is("2031-03-02/2031-03-03", {.price = cleared<std::int64_t>(), .closed = cleared<bool>()}));
  const auto found = nights_of(s, "2031-03-01/2031-03-04");
  EXPECT_EQ(found[0].price, 200);
  EXPECT_EQ(found[0].rule, (night_rule{.price = 200,
                                       .rooms_to_sell = 7,
                                       .min_stay = 2,
                                       .max_stay = 9,
                                       .closed = true,
                                       .closed_to_arrival = true,
                                       .closed_to_departure = true}));
  EXPECT_EQ(found[0].free, 0);  // closed
  EXPECT_EQ(found[1].price, 100);
  EXPECT_EQ(found[1].total, 7);
  EXPECT_EQ(found[1].free, 7);
  EXPECT_FALSE(found[1].rule.closed);
  EXPECT_TRUE(found[1].rule.closed_to_arrival);
  EXPECT_EQ(found[2].rule, night_rule{});
  s.given(calendar_is("2031-03-01/2031-03-03", {.price = cleared<std::int64_t>(),
                                                .rooms_to_sell = cleared<std::int32_t>(),
                                                .min_stay = cleared<std::uint8_t>(),
                                                .max_stay = cleared<std::uint8_t>(),
                                                .closed = cleared<bool>(),
                                                .closed_to_arrival = set_to(false),
                                                .closed_to_departure = cleared<bool>()}));
  EXPECT_EQ(s.state().types[0].calendar.rules_end(), s.state().types[0].calendar.first_night());
}

TEST(CalendarChange, AppliesInOrderToWeekdaysAndTypes) {
  story s;
  s.given(story::hotel({{.price = 1}, {.price = 1}, {.price = 1}}))
      .given(calendar_is({{.types = {},
                           .from = on("2031-03-03"),  // a Monday
                           .to = on("2031-03-17"),
                           .set = {.price = set_to<std::int64_t>(10)}},
                          {.types = {{1}, {3}},
                           .from = on("2031-03-03"),
                           .to = on("2031-03-17"),
                           .weekdays = fri_sat,
                           .set = {.price = set_to<std::int64_t>(20)}}}));
  for (const auto& night : nights_of(s, "2031-03-03/2031-03-17")) {
    const auto day = weekday_of(night.night);
    EXPECT_EQ(night.price, day == weekday::fri || day == weekday::sat ? 20 : 10) << to_text(night.night);
  }
  for (const auto& night : nights_of(s, "2031-03-03/2031-03-17", 2)) EXPECT_EQ(night.price, 10);
  for (const auto& night : nights_of(s, "2031-03-17/2031-03-20", 3)) EXPECT_EQ(night.price, 1);
}

TEST(CalendarChange, SpellsItsTypesOutInTheEvent) {
  story s;
  s.given(story::hotel({{}, {}})).given(remove_type(1)).given(add_type());
  s.given(calendar_is("2031-03-01/2031-03-02", {.closed = set_to(true)}));
  const auto& change = std::get<calendar_changed>(s.events().back().body).changes.at(0);
  EXPECT_EQ(change.types, (std::vector<room_type_id>{{2}, {3}}));
  // A type that comes later has its own calendar.
  s.given(add_type()).then_free("2031-03-01", {1}, 4);
}

struct range_edge {
  const char* range;
  bool good;
};
TEST(CalendarChange, StaysWithinTheWindow) {
  // Today is 2031-03-01: its 730 nights end with 2033-02-27, and one date more may be closed to departure.
  for (const auto& [range, good] :
       {range_edge{"2031-03-01/2031-03-02", true}, range_edge{"2031-02-28/2031-03-02", false},
        range_edge{"2033-02-28/2033-03-01", true}, range_edge{"2033-02-28/2033-03-02", false},
        range_edge{"2031-03-05/2031-03-05", false}, range_edge{"2031-03-05/2031-03-04", false},
        range_edge{"2031-03-01/2033-03-01", true}}) {
    story s;
    s.given(story::hotel()).when(calendar_is(range, {.closed_to_departure = set_to(true)}));
    good ? s.then_accepted() : s.then_refused(errc::calendar_invalid);
  }
}

TEST(CalendarChange, ClosesTheDepartureOfTheLastBookableNight) {
  story s;
  s.given(story::hotel())
      .given(calendar_is("2033-02-28/2033-03-01", {.closed_to_departure = set_to(true)}))
      .when(hold("A", "2033-02-27/2033-02-28"))
      .then_refused(errc::closed_to_departure);
}

TEST(CalendarChange, IsAllOrNothing) {
  story s;
  const calendar_change good = {
      .types = {}, .from = on("2031-03-01"), .to = on("2031-03-02"), .set = {.closed = set_to(true)}};
  auto bad = good;
  bad.to = bad.from;
  s.given(story::hotel())
      .when(calendar_is({good, bad}))
      .then_refused(errc::calendar_invalid)
      .then_free("2031-03-01", {1});
  bad = good;
  bad.types = {{5}};
  s.when(calendar_is({good, bad})).then_refused(errc::room_type_unknown);
  bad = good;
  bad.price_currency = money_of("CHF");
  s.when(calendar_is({good, bad})).then_refused(errc::currency_mismatch);
  bad = good;
  bad.weekdays = 0;
  s.when(calendar_is({good, bad})).then_refused(errc::calendar_invalid);
  bad = good;
  bad.set = {.min_stay = set_to<std::uint8_t>(5), .max_stay = set_to<std::uint8_t>(4)};
  s.when(calendar_is({good, bad})).then_refused(errc::calendar_invalid);
  s.when(calendar_is(std::vector<calendar_change>{})).then_refused(errc::calendar_invalid);
  auto priced = good;
  priced.price_currency = money_of("EUR");
  s.when(calendar_is({good, priced})).then_accepted().then_events({"calendar_changed"});
}

TEST(CalendarChange, OfAHotelWithoutTypesIsNone) {
  story s;
  s.given(create()).when(calendar_is("2031-03-01/2031-03-02", {})).then_refused(errc::calendar_invalid);
}

TEST(CalendarChange, IsBoundedInNightsOfTypes) {
  const auto whole = nights("2031-03-01/2033-03-01");  // 731 nights
  const calendar_change one = {.types = {{1}, {2}}, .from = whole.check_in, .to = whole.check_out};
  story s;
  s.given(story::hotel({{}, {}}))
      .when(calendar_is(std::vector<calendar_change>(684, one)))  // 1,000,008
      .then_refused(errc::limit_reached)
      .when(calendar_is(std::vector<calendar_change>(683, one)))
      .then_accepted();
}

TEST(CalendarChange, MatchesWhileOnlyBookingsHaveComeBetween) {
  story s;
  const auto shut = calendar_is("2031-03-05/2031-03-06", {.closed = set_to(true)});
  s.given(story::hotel({{.rooms = 5}})).given(shut);
  const auto read =
      s.ask<calendar_view>(calendar_query{.from = on("2031-03-01"), .to = on("2031-03-02"), .type = {}}).version;
  EXPECT_EQ(read, s.state().seq);
  s.given(book("A", "2031-03-01/2031-03-02")).given(book("B", "2031-03-01/2031-03-02"));
  s.when(shut.matching(read - 1)).then_refused(errc::version_conflict);
  s.when(shut.matching(s.state().seq + 1)).then_refused(errc::version_conflict);
  s.when(shut.matching(read)).then_accepted();
  s.when(shut.matching(read)).then_refused(errc::version_conflict);
  s.when(shut.matching(s.state().seq)).then_accepted();
}

TEST(Restriction, IsThatOfTheArrivalNightTheDepartureDateAndEveryNight) {
  const auto shut = [](std::string_view night, const night_change& set) {
    return calendar_is(std::string{night} + "/" + to_text(on(night) + 1), set);
  };
  const night_change cta = {.closed_to_arrival = set_to(true)};
  const night_change ctd = {.closed_to_departure = set_to(true)};
  const night_change closed = {.closed = set_to(true)};
  const night_change at_least_3 = {.min_stay = set_to<std::uint8_t>(3)};
  const night_change at_most_1 = {.max_stay = set_to<std::uint8_t>(1)};
  struct row {
    const char* night;
    const night_change* set;
    std::optional<errc> refused;
  };
  for (const auto& [night, set, refused] :
       {row{"2031-03-02", &cta, errc::closed_to_arrival}, row{"2031-03-03", &cta, {}}, row{"2031-03-04", &cta, {}},
        row{"2031-03-02", &ctd, {}}, row{"2031-03-03", &ctd, {}}, row{"2031-03-04", &ctd, errc::closed_to_departure},
        row{"2031-03-01", &closed, {}}, row{"2031-03-02", &closed, errc::closed},
        row{"2031-03-03", &closed, errc::closed}, row{"2031-03-04", &closed, {}},
        row{"2031-03-02", &at_least_3, errc::min_stay}, row{"2031-03-03", &at_least_3, {}},
        row{"2031-03-02", &at_most_1, errc::max_stay}, row{"2031-03-03", &at_most_1, {}}}) {
    story s;
    s.given(story::hotel()).given(shut(night, *set)).when(hold("A", "2031-03-02/2031-03-04"));
    refused ? s.then_refused(*refused) : s.then_accepted();
  }
}

TEST(Restriction, IsThatOfEachTypeThatIsAsked) {
  story s;
  s.given(story::hotel({{}, {}}))
      .given(calendar_is("2031-03-02/2031-03-03", {.closed_to_arrival = set_to(true)}, {{2}}))
      .when(hold("A", "2031-03-02/2031-03-04"))
      .then_accepted()
      .when(hold("B", "2031-03-02/2031-03-04", {{.type = {2}}}))
      .then_refused(errc::closed_to_arrival, {{.code = errc::closed_to_arrival,
                                               .night = on("2031-03-02"),
                                               .type = room_type_id{2},
                                               .free = {},
                                               .bound = {}}});
}

TEST(Restriction, ComesWithAllReasonsAtOnce) {
  story s;
  s.given(story::hotel())
      .given(book("A", "2031-03-03/2031-03-04"))
      .given(calendar_is("2031-03-02/2031-03-05", {.min_stay = set_to<std::uint8_t>(5),
                                                   .closed = set_to(true),
                                                   .closed_to_arrival = set_to(true),
                                                   .closed_to_departure = set_to(true)}))
      .when(hold("B", "2031-03-02/2031-03-04"))
      .then_refused(errc::sold_out);
  std::vector<errc> codes;
  for (const auto& r : s.why().reasons) codes.push_back(r.code);
  EXPECT_EQ(codes, (std::vector<errc>{errc::sold_out, errc::closed, errc::closed, errc::closed_to_arrival,
                                      errc::closed_to_departure, errc::min_stay}));
}

// --- the window of nights itself ---

TEST(Calendar, ReadsAsUnsetAndUntakenOutsideOfItsWindow) {
  calendar c;
  c.forget_before(on("2031-03-01"));
  c.set_rule(on("2031-02-28"), {.price = 5});
  c.take(nights("2031-02-27/2031-03-03"), 2);
  EXPECT_EQ(c.rule(on("2031-02-28")), night_rule{});
  EXPECT_EQ(c.taken(on("2031-02-28")), 0);
  EXPECT_EQ(c.taken(on("2031-03-02")), 2);
  EXPECT_EQ(c.taken(on("2031-03-03")), 0);
  EXPECT_EQ(c.taken_end(), on("2031-03-03"));
  EXPECT_EQ(c.rules_end(), c.first_night());
  c.forget_before(on("2031-02-01"));
  EXPECT_EQ(c.first_night(), on("2031-03-01"));
  // What was taken before the window is given back without a trace.
  c.forget_before(on("2031-03-02"));
  c.take(nights("2031-02-27/2031-03-03"), -2);
  EXPECT_EQ(c.taken_end(), c.first_night());
}

TEST(CalendarDeathTest, StopsTheProgramBeforeItGivesBackMoreThanWasTaken) {
  calendar c;
  c.take(nights("2031-03-01/2031-03-03"), 1);
  EXPECT_DEATH(c.take(nights("2031-03-02/2031-03-04"), -1), "broken invariant");
}

// Against a map of days, with a window that jumps forward.
RC_GTEST_PROP(Calendar, DoesAsAMapOfDaysDoes, ()) {
  calendar c;
  std::map<date, night_rule> rules;
  std::map<date, std::int32_t> taken;
  date first{};
  const auto steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    const date day{*rc::gen::inRange(0, 40)};
    const auto what = *rc::gen::inRange(0, 4);
    if (what == 0) {
      const night_rule rule{.price = *rc::gen::element(night_rule::price_unset, std::int64_t{7})};
      c.set_rule(day, rule);
      if (day >= first) rules[day] = rule;
    } else if (what == 1 && day > first) {
      first = std::max(first, day - 20);
      c.forget_before(day - 20);
    } else {
      const stay s{day, day + *rc::gen::inRange(1, 5)};
      c.take(s, 1);
      for (auto n = s.check_in; n < s.check_out; ++n) ++taken[n];
    }
    for (date n{0}; n < date{50}; ++n) {
      RC_ASSERT(c.rule(n) == (n < first ? night_rule{} : rules[n]));
      RC_ASSERT(c.taken(n) == (n < first ? 0 : taken[n]));
    }
  }
}

}  // namespace
}  // namespace keyrack::tests
