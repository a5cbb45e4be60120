// Goal: whatever is asked in whatever order, the hotel and the clerk's list agree: on what is accepted and why not, on
// every night's count, on every reservation. Never oversold; replay gives the same state; invariants hold after each step.
// RapidCheck prints its seed; RC_PARAMS="seed=…" runs it again.
#include "tests/actors/domain/hotel/drawn_commands.hpp"
#include "tests/actors/domain/hotel/model.hpp"
#include "tests/actors/domain/hotel/story.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <utility>

namespace keyrack::tests {
namespace {

// How often each end of each command came: a property that never got there has shown nothing.
std::map<std::string, int> happened;

/// A hotel, its model, and a clock; each step is put to both.
class world {
public:
  world() : now_{.at = std::chrono::sys_days{std::chrono::days{on("2032-02-25").days}} + 20h, .today = {}} {
    state_.id = {4711};
    now_.today = utc_date(now_.at);
    ask(create_hotel{profile_of(hotel_with{.hold_seconds = 30})}, {});
    ask(add_room_type{profile_of(type_with{.rooms = 2})}, {});
    ask(add_room_type{profile_of(type_with{.rooms = 1, .overbooking_percent = 100})}, {});
  }

  void step(const draw& d) {
    now_ = later(now_, d);
    ask(drawn_command(state_, now_, d), d);
    compare();
  }

  void end() const { RC_ASSERT(difference(replayed(state_.id, events_), state_) == ""); }

private:
  void ask(const command& cmd, const draw& d);
  void agree(const command& cmd, const model::opinion& expected, const decision& decided) const;
  void check_limits(const event& e) const;
  void compare() const;
  void compare_bookings() const;

  moment now_;
  hotel_state state_;
  model model_;
  std::vector<event> events_;
  std::uint64_t keys_ = 0;
};

void world::ask(const command& cmd, const draw& d) {
  // Now and then an old key, with its old content or another; now and then a version.
  const bool old_key = d[7] > 240 && keys_ > 0;
  const auto key = old_key ? keys_ - std::min<std::uint64_t>(keys_ - 1, d[6] % 8) : ++keys_;
  request req{.key = {.high = key, .low = 7}, .digest = d[5] > 220 ? 2U : 1U, .by = "desk"};
  if (d[6] % 16 == 1) req.if_match = state_.seq - std::min<std::uint64_t>(state_.seq, d[5] % 4);

  if (std::holds_alternative<lapse_holds>(cmd)) {
    const auto decided = decide(state_, req, cmd, now_);
    RC_ASSERT(std::holds_alternative<no_answer>(decided.result));
    for (const auto& e : decided.events) {
      evolve(state_, e);
      events_.push_back(e);
    }
    model_.record(req, cmd, now_, decided);
    return;
  }
  const auto expected = model_.judge(req, cmd, now_);
  const auto decided = decide(state_, req, cmd, now_);
  RC_LOG() << to_text(operation_of(cmd)) << " at " << to_text(now_.at) << ", today " << to_text(now_.today) << "\n";
  agree(cmd, expected, decided);
  for (const auto& e : decided.events) {
    evolve(state_, e);
    events_.push_back(e);
    RC_ASSERT(invariants_broken(state_) == "");
  }
  if (expected.accepts()) {
    if (const auto* arrive = std::get_if<check_in_guest>(&cmd)) {
      const auto& given = state_.reservations.find(arrive->number)->room_numbers;
      const auto& b = model_.bookings().at(arrive->number.value);
      RC_ASSERT(model_.rooms_wrong(b, {given.begin(), given.end()}, now_.today).empty());
    }
  }
  model_.record(req, cmd, now_, decided);
  if (expected.accepts()) check_limits(decided.events.back());
}

void world::agree(const command& cmd, const model::opinion& expected, const decision& decided) const {
  ++happened[std::string{to_text(operation_of(cmd))} + (expected.repeats ? " repeated"
                                                        : expected.accepts()
                                                            ? " accepted"
                                                            : " refused " + std::string{to_text(expected.refusal())})];
  if (expected.repeats) {
    RC_ASSERT(std::holds_alternative<repeated>(decided.result));
    RC_ASSERT(std::get<repeated>(decided.result).seq == *expected.repeats);
    RC_ASSERT(decided.events.empty());
    return;
  }
  const auto* no = std::get_if<refusal>(&decided.result);
  if (expected.accepts()) {
    if (no != nullptr) RC_FAIL(fmt::format("refused: {}. {}", to_text(no->code), no->detail));
    RC_ASSERT(std::holds_alternative<accepted>(decided.result));
    return;
  }
  if (no == nullptr) RC_FAIL(fmt::format("accepted, should be refused: {}", to_text(expected.refusal())));
  if (no->code != expected.refusal())
    RC_FAIL(fmt::format("refused: {}, should be: {}", to_text(no->code), to_text(expected.refusal())));
  if (no->code != errc::sold_out) return;
  std::map<std::pair<room_type_id, date>, int> short_nights;
  for (const auto& r : no->reasons) {
    if (r.code == errc::sold_out) short_nights[{*r.type, *r.night}] = static_cast<int>(*r.free);
  }
  RC_ASSERT(short_nights == expected.short_nights);
}

// No event that takes rooms leaves a night that it takes on above that night's limit.
void world::check_limits(const event& e) const {
  const auto* r = std::get_if<reservation_event>(&e.body);
  if (r == nullptr || (r->step != reservation_step::rooms_held && r->step != reservation_step::changed)) return;
  const reservation* before = nullptr;
  for (const auto& old : events_) {
    const auto* step = std::get_if<reservation_event>(&old.body);
    if (step != nullptr && old.seq == r->previous) before = &step->after;
  }
  const auto rooms_on = [](const reservation* of, room_type_id type, date night) {
    int rooms = 0;
    if (of == nullptr || !of->stay.sleeps(night)) return rooms;
    for (const auto& item : of->items) rooms += item.type == type ? item.rooms : 0;
    return rooms;
  };
  for (auto night = r->after.stay.check_in; night < r->after.stay.check_out; ++night) {
    for (const auto& item : r->after.items) {
      if (rooms_on(&r->after, item.type, night) <= rooms_on(before, item.type, night)) continue;
      const auto n = model_.look(item.type, night, now_.at);
      RC_ASSERT(n.taken <= n.limit);
    }
  }
}

void world::compare() const {
  RC_ASSERT(state_.seq == (events_.empty() ? 0 : events_.back().seq));
  if (!state_.exists) return;
  for (const auto first : {now_.today, now_.today + 721}) {
    const auto answered = answer(state_, calendar_query{.from = first, .to = first + 10, .type = {}}, now_);
    const auto& seen = std::get<calendar_view>(std::get<view>(answered));
    RC_ASSERT(seen.types.size() == model_.types().size());
    for (const auto& of : seen.types) {
      for (const auto& night : of.nights) {
        const auto n = model_.look(of.type, night.night, now_.at);
        RC_ASSERT(night.limit == n.limit);
        RC_ASSERT(night.taken == n.taken);
        RC_ASSERT(night.free == n.free);
        RC_ASSERT(night.oversold == std::max(0, n.taken - n.limit));
        RC_ASSERT(night.price == n.price);
      }
    }
  }
  compare_bookings();
}

void world::compare_bookings() const {
  std::size_t in_memory = 0;
  for (const auto& [number, b] : model_.bookings()) {
    const auto* r = state_.reservations.find({number});
    RC_ASSERT((r != nullptr) == model_.in_memory(b));
    if (r == nullptr) continue;
    ++in_memory;
    const auto answered = answer(state_, reservation_query{{number}}, now_);
    const auto& seen = std::get<reservation_view>(std::get<view>(answered)).value;
    RC_ASSERT(seen.status == model_.status_at(b, now_.at));
    RC_ASSERT(seen.stay == b.dates);
    RC_ASSERT(seen.items.size() == b.items.size());
    RC_ASSERT(std::ranges::equal(seen.room_numbers, b.rooms));
    std::int64_t sum = 0;
    for (const auto& l : model_.lines()) sum += l.number == number ? l.price : 0;
    RC_ASSERT(total(seen) == sum);
  }
  RC_ASSERT(state_.reservations.size() == in_memory);
}

TEST(HotelProperty, AgreesWithTheClerksList) {
  happened.clear();
  EXPECT_TRUE(rc::check("the hotel agrees with the clerk's list", [] {
    world w;
    for (const auto& d : *draws()) w.step(d);
    w.end();
  }));
  // Rarer ends have tests of their own.
  for (const auto* what : {"add_room_type accepted",
                           "cancel_reservation accepted",
                           "change_calendar accepted",
                           "change_reservation accepted",
                           "change_reservation refused sold_out",
                           "check_in_guest accepted",
                           "check_in_guest refused no_room_ready",
                           "check_out_guest accepted",
                           "confirm_reservation accepted",
                           "confirm_reservation refused hold_lapsed",
                           "confirm_reservation refused wrong_status",
                           "extend_hold accepted",
                           "hold_rooms accepted",
                           "hold_rooms refused closed",
                           "hold_rooms refused closed_to_departure",
                           "hold_rooms refused key_reused",
                           "hold_rooms refused min_stay",
                           "hold_rooms refused sold_out",
                           "hold_rooms refused stay_in_past",
                           "hold_rooms refused stay_too_far",
                           "hold_rooms repeated",
                           "list_rooms accepted",
                           "record_no_show accepted",
                           "remove_room_type accepted",
                           "remove_room_type refused room_type_in_use",
                           "update_hotel accepted",
                           "update_room_type accepted"})
    EXPECT_GT(happened[what], 0) << what;
}

// What availability calls bookable is what a booking gets, and the other way round.
RC_GTEST_PROP(HotelProperty, BooksWhatItCallsBookable, ()) {
  story s;
  s.given(story::hotel({{.rooms = 2}, {.rooms = 1, .max_guests = 1}}));
  for (const auto& d : *draws()) {
    const date from = s.now().today + d[0] % 6;
    if (d[1] % 3 == 0) {
      const calendar_change c{
          .types = {{static_cast<std::uint16_t>(1 + d[2] % 2)}},
          .from = from,
          .to = from + 1 + d[3] % 3,
          .set = {.rooms_to_sell = d[4] % 2 ? set_to(d[5] % 3) : setting<std::int32_t>{},
                  .min_stay = d[4] % 5 == 0 ? set_to<std::uint8_t>(d[5] % 3) : setting<std::uint8_t>{},
                  .closed = d[4] % 3 == 0 ? set_to(d[5] % 2 == 0) : setting<bool>{},
                  .closed_to_arrival = d[4] % 7 == 0 ? set_to(d[5] % 2 == 0) : setting<bool>{}}};
      s.given(calendar_is({c}));
      continue;
    }
    s.after(std::chrono::seconds{d[6] % 60});
    const stay dates{from, from + 1 + d[3] % 3};
    const availability_query q{.stay = dates, .guests = 1 + d[4] % 4, .rooms = 1 + d[5] % 2};
    for (const auto& type : s.ask<availability_view>(q).types) {
      const items wanted = {{.type = type.type, .rooms = q.rooms, .guests = q.guests}};
      const hold_rooms cmd{.stay = dates, .items = wanted, .guest = {}};
      const request req{.key = {.high = 99, .low = 99}, .digest = 1, .by = "desk"};
      const auto decided = decide(s.state(), req, cmd, s.now());
      RC_ASSERT(type.bookable == std::holds_alternative<accepted>(decided.result));
      if (const auto* no = std::get_if<refusal>(&decided.result)) {
        RC_ASSERT(no->code == type.reasons.at(0).code);
      } else {
        const auto& made = std::get<reservation_event>(decided.events.back().body).after;
        RC_ASSERT(std::ranges::equal(made.items[0].night_prices, type.night_prices));
        RC_ASSERT(type.free >= q.rooms);
      }
    }
    s.when(hold(fmt::format("{}", s.state().seq), to_text(dates.check_in) + "/" + to_text(dates.check_out),
                {{.type = {static_cast<std::uint16_t>(1 + d[2] % 2)}}}));
  }
}

}  // namespace
}  // namespace keyrack::tests
