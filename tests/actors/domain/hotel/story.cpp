#include "tests/actors/domain/hotel/story.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <utility>

namespace keyrack::tests {

date on(std::string_view text) { return parse_date(text).value(); }

stay nights(std::string_view text) {
  const auto slash = text.find('/');
  return {on(text.substr(0, slash)), on(text.substr(slash + 1))};
}

currency money_of(std::string_view code) { return parse_currency(code).value(); }

hotel_profile profile_of(const hotel_with& h) {
  hotel_profile p;
  p.name = "Astoria";
  p.currency = money_of(h.currency);
  p.overbooking_percent = h.overbooking_percent;
  p.hold_seconds = h.hold_seconds;
  return p;
}

room_type_profile profile_of(const type_with& t) {
  room_type_profile p;
  p.name = "Double";
  p.rooms = t.rooms;
  p.max_guests = t.max_guests;
  p.price = t.price;
  p.overbooking_percent = t.overbooking_percent;
  p.currency = money_of(t.currency);
  return p;
}

asked asked::keyed(std::string text) const {
  auto copy = *this;
  copy.key = std::move(text);
  return copy;
}
asked asked::digested(std::uint64_t value) const {
  auto copy = *this;
  copy.digest = value;
  return copy;
}
asked asked::matching(std::uint64_t version) const {
  auto copy = *this;
  copy.if_match = version;
  return copy;
}

asked create(const hotel_with& h) { return {.what = create_hotel{profile_of(h)}}; }
asked update(const hotel_with& h) { return {.what = update_hotel{profile_of(h)}}; }
asked remove_the_hotel() { return {.what = remove_hotel{}}; }
asked add_type(const type_with& t) { return {.what = add_room_type{profile_of(t)}}; }
asked update_type(std::uint16_t type, const type_with& t) { return {.what = update_room_type{{type}, profile_of(t)}}; }
asked remove_type(std::uint16_t type) { return {.what = remove_room_type{{type}}}; }
asked rooms_are(std::vector<room> rooms) { return {.what = list_rooms{std::move(rooms)}}; }

asked calendar_is(std::string_view range, const night_change& set, std::vector<room_type_id> types,
                  std::uint8_t weekdays) {
  const auto [from, to] = nights(range);
  return calendar_is({{.types = std::move(types), .from = from, .to = to, .weekdays = weekdays, .set = set}});
}
asked calendar_is(std::vector<calendar_change> changes) { return {.what = change_calendar{std::move(changes)}}; }

asked hold(std::string name, std::string_view stay, items wanted) {
  hold_rooms cmd{.stay = nights(stay), .items = std::move(wanted), .guest = {.high = 1, .low = 2}};
  return {.what = std::move(cmd), .of = name, .key = name};
}
asked book(std::string name, std::string_view stay, items wanted) {
  auto made = hold(std::move(name), stay, std::move(wanted));
  std::get<hold_rooms>(made.what).hold = false;
  return made;
}
asked confirm(std::string name) { return {.what = confirm_reservation{}, .of = std::move(name)}; }
asked cancel(std::string name) { return {.what = cancel_reservation{}, .of = std::move(name)}; }
asked extend(std::string name, std::optional<std::chrono::seconds> by) {
  return {.what = extend_hold{.number = {}, .by = by}, .of = std::move(name)};
}
asked check_in(std::string name, std::vector<std::string> rooms) {
  return {.what = check_in_guest{.number = {}, .rooms = std::move(rooms)}, .of = std::move(name)};
}
asked check_out(std::string name) { return {.what = check_out_guest{}, .of = std::move(name)}; }
asked no_show(std::string name) { return {.what = record_no_show{}, .of = std::move(name)}; }
asked change(std::string name, const new_terms& terms) {
  change_reservation cmd;
  if (!terms.check_in.empty()) cmd.check_in = on(terms.check_in);
  if (!terms.check_out.empty()) cmd.check_out = on(terms.check_out);
  cmd.items = terms.wanted;
  return {.what = std::move(cmd), .of = std::move(name)};
}
asked lapse() { return {.what = lapse_holds{}}; }

request_key key_named(std::string_view text) {
  request_key key{.high = 0xCBF29CE484222325U, .low = text.size()};
  for (const char c : text) {
    key.high = (key.high ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    key.low = key.low * 31 + static_cast<unsigned char>(c);
  }
  return key;
}

story::story() : at_(std::chrono::sys_days{std::chrono::days{on("2031-03-01").days}} + 12h) { state_.id = {4711}; }

story::~story() { EXPECT_EQ(difference(replayed(state_.id, events_), state_), ""); }

std::vector<asked> story::hotel(std::vector<type_with> types, const hotel_with& h) {
  std::vector<asked> steps = {create(h)};
  for (auto& type : types) {
    type.currency = h.currency;
    steps.push_back(add_type(type));
  }
  return steps;
}

moment story::now() const { return {.at = at_, .today = hotel_date_.value_or(utc_date(at_))}; }

story& story::after(std::chrono::microseconds time) {
  at_ += time;
  hotel_date_.reset();
  return *this;
}

story& story::on_date(std::string_view text) {
  const instant noon = std::chrono::sys_days{std::chrono::days{on(text).days}} + 12h;
  EXPECT_GE(noon, at_);
  return after(noon - at_);
}

story& story::hotel_date(std::string_view text) {
  hotel_date_ = on(text);
  return *this;
}

request story::request_of(const asked& step) {
  const auto key = step.key.empty() ? fmt::format("key {}", ++keys_drawn_) : step.key;
  return {.key = key_named(key),
          .digest = step.digest,
          .by = "desk",
          .if_match = step.if_match,
          .key_is_client_reference = step.key_is_client_reference};
}

void story::run(const asked& step) {
  auto cmd = step.what;
  std::visit(
      [&](auto& c) {
        if constexpr (requires { c.number = reservation_number{}; }) c.number = number(step.of);
      },
      cmd);
  last_ = decide(state_, request_of(step), cmd, now());
  for (const auto& e : last_.events) {
    evolve(state_, e);
    events_.push_back(e);
    EXPECT_EQ(invariants_broken(state_), "") << "after " << kind_of(e) << ", event " << e.seq;
  }
  if (std::holds_alternative<accepted>(last_.result) && std::holds_alternative<hold_rooms>(cmd))
    numbers_[step.of] = {state_.last_reservation};
}

story& story::given(const std::vector<asked>& steps) {
  for (const auto& step : steps) {
    run(step);
    if (const auto* no = std::get_if<refusal>(&last_.result))
      ADD_FAILURE() << "given " << to_text(operation_of(step.what)) << " " << step.of
                    << " was refused: " << to_text(no->code) << ". " << no->detail;
  }
  return *this;
}

story& story::when(const asked& step) {
  run(step);
  return *this;
}

story& story::then_accepted() {
  if (const auto* no = std::get_if<refusal>(&last_.result))
    ADD_FAILURE() << "refused: " << to_text(no->code) << ". " << no->detail;
  EXPECT_TRUE(std::holds_alternative<accepted>(last_.result));
  return *this;
}

story& story::then_refused(errc code) {
  const auto* no = std::get_if<refusal>(&last_.result);
  EXPECT_NE(no, nullptr) << "not refused, though it should be: " << to_text(code);
  if (no != nullptr) {
    EXPECT_EQ(no->code, code) << no->detail;
    EXPECT_FALSE(no->detail.empty());
  }
  return *this;
}

story& story::then_refused(errc code, std::vector<reason> reasons) {
  then_refused(code);
  if (const auto* no = std::get_if<refusal>(&last_.result)) {
    EXPECT_EQ(no->reasons, reasons);
  }
  return *this;
}

story& story::then_repeated(std::uint64_t seq) {
  const auto* again = std::get_if<repeated>(&last_.result);
  EXPECT_NE(again, nullptr);
  if (again != nullptr) {
    EXPECT_EQ(again->seq, seq);
  }
  return *this;
}

story& story::then_no_answer() {
  EXPECT_TRUE(std::holds_alternative<no_answer>(last_.result));
  return *this;
}

story& story::then_events(const std::vector<std::string>& kinds) {
  std::vector<std::string> found;
  for (const auto& e : last_.events) found.emplace_back(kind_of(e));
  EXPECT_EQ(found, kinds);
  return *this;
}

story& story::then_status(std::string_view name, reservation_status status) {
  EXPECT_EQ(to_text(at(name).status), to_text(status)) << name;
  return *this;
}

story& story::then_free(std::string_view first, const std::vector<std::int32_t>& rooms, std::uint16_t type) {
  const auto from = on(first);
  const auto answered = ask<calendar_view>(
      calendar_query{.from = from, .to = from + static_cast<int>(rooms.size()), .type = room_type_id{type}});
  std::vector<std::int32_t> found;
  for (const auto& night : answered.types.at(0).nights) found.push_back(night.free);
  EXPECT_EQ(found, rooms) << "rooms free from " << first;
  return *this;
}

reservation_number story::number(std::string_view name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? reservation_number{999'999} : found->second;
}

const reservation* story::find(std::string_view name) const { return state_.reservations.find(number(name)); }

const reservation& story::at(std::string_view name) const {
  static const reservation none;
  const auto* found = find(name);
  EXPECT_NE(found, nullptr) << name;
  return found != nullptr ? *found : none;
}

hotel_state replayed(hotel_id id, const std::vector<event>& events) {
  hotel_state state;
  state.id = id;
  for (const auto& e : events) evolve(state, e);
  return state;
}

std::string difference(const hotel_state& a, const hotel_state& b) {
  const auto differs = [](const auto& left, const auto& right, const char* name) {
    return left == right ? std::string{} : std::string{name};
  };
  for (const auto& found : {
           differs(a.id, b.id, "id"),
           differs(a.seq, b.seq, "seq"),
           differs(a.last_at, b.last_at, "last_at"),
           differs(a.exists, b.exists, "exists"),
           differs(a.removed, b.removed, "removed"),
           differs(a.profile, b.profile, "profile"),
           differs(a.version, b.version, "version"),
           differs(a.created_at, b.created_at, "created_at"),
           differs(a.updated_at, b.updated_at, "updated_at"),
           differs(a.types, b.types, "types"),
           differs(a.last_type, b.last_type, "last_type"),
           differs(a.rooms, b.rooms, "rooms"),
           differs(a.rooms_version, b.rooms_version, "rooms_version"),
           differs(a.calendar_version, b.calendar_version, "calendar_version"),
           differs(a.reservations, b.reservations, "reservations"),
           differs(a.last_reservation, b.last_reservation, "last_reservation"),
           differs(a.holds, b.holds, "holds"),
           differs(a.leaving, b.leaving, "leaving"),
           differs(a.occupied, b.occupied, "occupied"),
           differs(a.requests, b.requests, "requests"),
       }) {
    if (!found.empty()) return found;
  }
  return a == b ? "" : "a field that this function does not know";
}

}  // namespace keyrack::tests

namespace keyrack {

void PrintTo(errc code, std::ostream* out) { *out << to_text(code); }
void PrintTo(reservation_status status, std::ostream* out) { *out << to_text(status); }
void PrintTo(date d, std::ostream* out) { *out << to_text(d); }

void PrintTo(const reason& r, std::ostream* out) {
  *out << to_text(r.code);
  if (r.night) *out << " on " << to_text(*r.night);
  if (r.type) *out << " of type " << r.type->value;
  if (r.free) *out << ", free " << *r.free;
  if (r.bound) *out << ", bound " << *r.bound;
}

}  // namespace keyrack
