// Goal: refusals come in one total order, that of `errc`, whatever two things are wrong with a command at once. Each
// command has its faults, each of which is planted alone and with every other.
#include "tests/actors/domain/hotel/story.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace keyrack::tests {
namespace {

// A hotel with two types, a reservation "A" for 2031-03-10/2031-03-12, and then the step.
struct trial {
  type_with type = {.rooms = 100'000, .max_guests = 2};
  night_change calendar;
  bool key_reused = false;
  bool removed = false;
  bool cancelled = false;
  bool in_house = false;
  std::vector<asked> more;
  asked step;

  void run(story& s) const {
    s.given(story::hotel({type, {}}));
    // Lengths that contradict each other are not set at once.
    auto first = calendar;
    first.max_stay = {};
    const auto window = "2031-03-01/2033-03-01";
    if (calendar != night_change{}) {
      s.given(calendar_is(window, first)).given(calendar_is(window, {.max_stay = calendar.max_stay}));
    }
    if (key_reused) s.given(update({.overbooking_percent = 1}).keyed("the key"));
    s.given(more);
    if (in_house && !cancelled) s.given(check_in("A", {"1"}));
    if (removed) s.given(remove_the_hotel());
    s.when(step.keyed("the key").digested(7));
  }
};

struct fault {
  errc code;
  std::function<void(trial&)> plant;
};

struct table {
  std::string name;
  std::function<void(trial&)> prepare;
  std::vector<fault> faults;
  std::set<std::pair<errc, errc>> apart = {};  // no command can have both
};

void PrintTo(const table& t, std::ostream* out) { *out << t.name; }

const fault reused_key = {errc::key_reused, [](trial& t) { t.key_reused = true; }};
const fault no_hotel = {errc::hotel_unknown, [](trial& t) { t.removed = true; }};
const fault stale_version = {errc::version_conflict, [](trial& t) { t.step.if_match = 999'999; }};

template <typename Command>
Command& command_of(trial& t) {
  return std::get<Command>(t.step.what);
}

std::vector<fault> calendar_faults() {
  return {{errc::closed, [](trial& t) { t.calendar.closed = set_to(true); }},
          {errc::closed_to_arrival, [](trial& t) { t.calendar.closed_to_arrival = set_to(true); }},
          {errc::closed_to_departure, [](trial& t) { t.calendar.closed_to_departure = set_to(true); }},
          {errc::min_stay, [](trial& t) { t.calendar.min_stay = set_to<std::uint8_t>(99); }},
          {errc::max_stay, [](trial& t) { t.calendar.max_stay = set_to<std::uint8_t>(1); }}};
}

table holding() {
  const auto cmd = [](trial& t) -> hold_rooms& { return command_of<hold_rooms>(t); };
  table all{"hold_rooms",
            [](trial& t) { t.step = hold("X", "2031-03-10/2031-03-12"); },
            {reused_key,
             no_hotel,
             {errc::room_type_unknown, [=](trial& t) { cmd(t).items.push_back({.type = {9}}); }},
             {errc::stay_in_past, [=](trial& t) { cmd(t).stay.check_in = on("2031-02-28"); }},
             {errc::stay_too_far, [=](trial& t) { cmd(t).stay = nights("2033-02-27/2033-03-01"); }},
             {errc::stay_invalid, [=](trial& t) { cmd(t).stay.check_out = cmd(t).stay.check_in + 91; }},
             {errc::too_many_guests, [=](trial& t) { cmd(t).items[0].guests = 999'999; }},
             {errc::sold_out, [](trial& t) { t.type.rooms = 0; }},
             {errc::limit_reached,
              [=](trial& t) {
                t.type.price = 100'000'000'000;
                cmd(t).items[0].rooms = 100'000;
              }}},
            {{errc::stay_in_past, errc::stay_too_far}}};
  for (auto& f : calendar_faults()) all.faults.push_back(f);
  return all;
}

void is_booked(trial& t) { t.more = {book("A", "2031-03-10/2031-03-12")}; }
void is_cancelled(trial& t) {
  if (!t.cancelled) t.more.push_back(cancel("A"));
  t.cancelled = true;
}
// A removed hotel knows its own past reservations, so that only another can be asked for.
const fault no_hotel_of_it = {errc::hotel_unknown, [](trial& t) {
                                is_cancelled(t);
                                t.removed = true;
                                t.step.of = "nobody";
                              }};
const fault no_reservation = {errc::reservation_unknown, [](trial& t) { t.step.of = "nobody"; }};
const fault has_ended = {errc::wrong_status, is_cancelled};

table changing() {
  const auto cmd = [](trial& t) -> change_reservation& { return command_of<change_reservation>(t); };
  table all{"change_reservation",
            [](trial& t) {
              is_booked(t);
              t.step = change("A", {.check_in = "2031-03-11",
                                    .check_out = "2031-03-13",
                                    .wanted = items{{.type = {1}, .rooms = 2, .guests = 2}}});
            },
            {reused_key,
             no_hotel_of_it,
             {errc::room_type_unknown, [=](trial& t) { cmd(t).items->push_back({.type = {9}}); }},
             no_reservation,
             has_ended,
             stale_version,
             {errc::stay_in_past, [=](trial& t) { cmd(t).check_in = on("2031-02-28"); }},
             {errc::stay_too_far,
              [=](trial& t) {
                cmd(t).check_in = on("2033-02-27");
                cmd(t).check_out = on("2033-03-01");
              }},
             {errc::stay_invalid, [=](trial& t) { cmd(t).check_out = *cmd(t).check_in + 91; }},
             {errc::too_many_guests, [=](trial& t) { (*cmd(t).items)[0].guests = 999'999; }},
             {errc::sold_out, [](trial& t) { t.more.push_back(update_type(1, {.rooms = 0})); }},
             {errc::limit_reached,
              [=](trial& t) {
                t.type.price = 100'000'000'000;
                (*cmd(t).items)[0].rooms = 99'999;
              }}},
            {{errc::stay_in_past, errc::stay_too_far}}};
  for (const auto& f : calendar_faults()) {
    // Set after the reservation was made.
    all.faults.push_back({f.code, [f](trial& t) {
                            trial other;
                            f.plant(other);
                            t.more.push_back(calendar_is("2031-03-01/2033-03-01", other.calendar));
                          }});
  }
  return all;
}

std::vector<fault> faults_of_a_step(std::vector<fault> more = {}) {
  std::vector<fault> all = {reused_key, no_hotel_of_it, no_reservation, has_ended, stale_version};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

table extending() {
  return {"extend_hold",
          [](trial& t) {
            t.more = {hold("A", "2031-03-10/2031-03-12")};
            t.step = extend("A");
          },
          faults_of_a_step({{errc::limit_reached, [](trial& t) { command_of<extend_hold>(t).by = 901s; }}})};
}

table checking_in() {
  return {"check_in_guest",
          [](trial& t) {
            t.more = {rooms_are({{"101", {1}, {}}, {"102", {1}, {}}, {"103", {1}, {}}}),
                      book("B", "2031-03-01/2031-03-03"), check_in("B", {"101"}), check_out("B").keyed("B leaves"),
                      book("A", "2031-03-01/2031-03-03", {{.type = {1}, .rooms = 2, .guests = 2}})};
            t.step = check_in("A", {"102", "103"});
          },
          faults_of_a_step({{errc::no_room_ready, [](trial& t) { command_of<check_in_guest>(t).rooms[0] = "999"; }},
                            {errc::room_taken,
                             [](trial& t) {
                               t.more.insert(t.more.end(),
                                             {book("C", "2031-03-01/2031-03-03"), check_in("C", {"101"})});
                               command_of<check_in_guest>(t).rooms[1] = "101";
                             }}}),
          // A hotel with a guest in the house is not removed.
          {{errc::hotel_unknown, errc::room_taken}}};
}

// The edge is drawn, but not open: on this date, or for what is asked.
std::vector<table> closed_edges() {
  const auto on_another_day = [](asked step) {
    return [step](trial& t) {
      t.more = {book("A", "2031-03-01/2031-03-03")};
      t.step = step;
    };
  };
  const fault too_early = {errc::wrong_status, [](trial& t) { t.more = {book("A", "2031-03-10/2031-03-12")}; }};
  const fault moves_arrival = {errc::wrong_status,
                               [](trial& t) { command_of<change_reservation>(t).check_in = on("2031-03-02"); }};
  return {{"check_in_guest_too_early",
           on_another_day(check_in("A", {"1"})),
           {reused_key, no_reservation, too_early, stale_version}},
          {"record_no_show_too_early",
           on_another_day(no_show("A")),
           {reused_key, no_reservation, too_early, stale_version}},
          {"change_reservation_in_house",
           [](trial& t) {
             t.more = {book("A", "2031-03-01/2031-03-03")};
             t.in_house = true;
             t.step = change("A", {.check_out = "2031-03-04"});
           },
           {reused_key, no_reservation, moves_arrival, stale_version, {errc::sold_out, [](trial& t) {
                                                                         t.more.push_back(update_type(1, {.rooms = 0}));
                                                                       }}}}};
}

std::vector<table> steps() {
  const auto after = [](const asked& given, const asked& step, bool in_house = false) {
    return [=](trial& t) {
      t.more = {given};
      t.step = step;
      t.in_house = in_house;
    };
  };
  const auto held = hold("A", "2031-03-01/2031-03-03");
  const auto booked = book("A", "2031-03-01/2031-03-03");
  const fault not_in_house = {errc::wrong_status, [](trial& t) { t.in_house = false; }};
  return {extending(),
          checking_in(),
          {"confirm_reservation", after(held, confirm("A")), faults_of_a_step()},
          {"cancel_reservation", after(booked, cancel("A")), faults_of_a_step()},
          {"check_out_guest",
           after(booked, check_out("A"), true),
           {reused_key, no_hotel_of_it, no_reservation, stale_version, not_in_house}},
          {"record_no_show", after(booked, no_show("A")), faults_of_a_step()}};
}

std::function<void(trial&)> just(const asked& step) {
  return [step](trial& t) { t.step = step; };
}
void books_for_good(trial& t) { t.more.push_back(book("A", "2031-03-10/2031-03-12")); }
template <typename Command>
void asks_in_francs(trial& t) {
  command_of<Command>(t).profile.currency = money_of("CHF");
}
template <typename Command>
void asks_for_type_9(trial& t) {
  command_of<Command>(t).type = {9};
}

std::vector<table> of_the_hotel() {
  return {{"update_hotel",
           just(update({.hold_seconds = 60})),
           {reused_key, no_hotel, stale_version, {errc::currency_mismatch, asks_in_francs<update_hotel>}}},
          {"remove_hotel",
           just(remove_the_hotel()),
           {reused_key, no_hotel, stale_version, {errc::hotel_in_use, books_for_good}},
           {{errc::hotel_unknown, errc::hotel_in_use}}},
          {"add_room_type",
           just(add_type()),
           {reused_key,
            no_hotel,
            {errc::currency_mismatch, asks_in_francs<add_room_type>},
            {errc::limit_reached, [](trial& t) { t.more.assign(498, add_type()); }}}},
          {"update_room_type",
           just(update_type(1, {})),
           {reused_key,
            no_hotel,
            {errc::room_type_unknown, asks_for_type_9<update_room_type>},
            stale_version,
            {errc::currency_mismatch, asks_in_francs<update_room_type>}}},
          {"remove_room_type",
           just(remove_type(1)),
           {reused_key,
            no_hotel,
            {errc::room_type_unknown, asks_for_type_9<remove_room_type>},
            stale_version,
            {errc::room_type_in_use, books_for_good}},
           {{errc::hotel_unknown, errc::room_type_in_use}}}};
}

table listing() {
  const auto has_a_guest_in_101 = [](trial& t) {
    t.more.insert(t.more.end(),
                  {rooms_are({{"101", {1}, {}}}), book("A", "2031-03-01/2031-03-02"), check_in("A", {"101"})});
  };
  const auto lists_type_9 = [](trial& t) { command_of<list_rooms>(t).rooms.push_back({"9", {9}, {}}); };
  return {"list_rooms",
          just(rooms_are({{"102", {1}, {}}})),
          {reused_key,
           no_hotel,
           {errc::room_type_unknown, lists_type_9},
           stale_version,
           {errc::room_taken, has_a_guest_in_101}},
          {{errc::hotel_unknown, errc::room_taken}}};
}

table changing_the_calendar() {
  const auto ranges = [](trial& t) -> std::vector<calendar_change>& { return command_of<change_calendar>(t).changes; };
  const auto too_many_nights = [=](trial& t) {
    const calendar_change whole = {.types = {{1}, {2}}, .from = on("2031-03-01"), .to = on("2033-03-01")};
    ranges(t).insert(ranges(t).begin() + 1, 700, whole);
  };
  return {"change_calendar",
          just(calendar_is("2031-03-01/2031-03-02", {}, {{1}, {2}})),
          {reused_key,
           no_hotel,
           {errc::room_type_unknown, [=](trial& t) { ranges(t)[0].types.push_back({9}); }},
           stale_version,
           {errc::currency_mismatch, [=](trial& t) { ranges(t)[0].price_currency = money_of("CHF"); }},
           {errc::calendar_invalid, [=](trial& t) { ranges(t).push_back({.types = {}, .from = {}, .to = {}}); }},
           {errc::limit_reached, too_many_nights}}};
}

class RefusalOrder : public testing::TestWithParam<table> {};
const auto its_name = [](const auto& param) { return param.param.name; };
INSTANTIATE_TEST_SUITE_P(Of, RefusalOrder, testing::Values(holding(), changing(), listing(), changing_the_calendar()),
                         its_name);
INSTANTIATE_TEST_SUITE_P(OfSteps, RefusalOrder, testing::ValuesIn(steps()), its_name);
INSTANTIATE_TEST_SUITE_P(OfClosedEdges, RefusalOrder, testing::ValuesIn(closed_edges()), its_name);
INSTANTIATE_TEST_SUITE_P(OfTheHotel, RefusalOrder, testing::ValuesIn(of_the_hotel()), its_name);

TEST_P(RefusalOrder, BeginsWithWhatIsAccepted) {
  trial t;
  GetParam().prepare(t);
  story s;
  t.run(s);
  s.then_accepted();
}

TEST_P(RefusalOrder, IsThatOfTheListForEveryTwoFaults) {
  for (const auto& first : GetParam().faults) {
    for (const auto& second : GetParam().faults) {
      if (second.code < first.code || GetParam().apart.contains({first.code, second.code})) continue;
      SCOPED_TRACE(std::string{to_text(first.code)} + " and " + std::string{to_text(second.code)});
      trial t;
      GetParam().prepare(t);
      // Dates are planted in the order of the table, so that a later one builds on an earlier one.
      for (const auto& f : GetParam().faults) {
        if (f.code == first.code || f.code == second.code) f.plant(t);
      }
      story s;
      t.run(s);
      s.then_refused(first.code);
    }
  }
}

}  // namespace
}  // namespace keyrack::tests
