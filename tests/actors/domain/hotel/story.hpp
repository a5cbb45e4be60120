// Given, when, then for a hotel. A story keeps the clock and the hotel, checks the invariants after each step and the
// replay of all events at its end, so that a test only says what it is about.
#pragma once

#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/evolve.hpp"
#include "actors/domain/hotel/queries.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack::tests {

using namespace std::chrono_literals;

/// "2031-03-01".
date on(std::string_view text);
/// "2031-03-01/2031-03-04": three nights.
stay nights(std::string_view text);
currency money_of(std::string_view code);

struct hotel_with {
  std::string currency = "EUR";
  std::int32_t overbooking_percent = 0;
  std::int32_t hold_seconds = 120;
};
struct type_with {
  std::int32_t rooms = 1;
  std::int32_t max_guests = 2;
  std::int64_t price = 100'00;
  std::optional<std::int32_t> overbooking_percent = {};
  std::string currency = "EUR";
};
hotel_profile profile_of(const hotel_with& h);
room_type_profile profile_of(const type_with& t);

/// A command and the request that carries it. Reservations go by the name under which they were held: their number is
/// filled in when the story comes to it. The request key is made from `key`; each command draws its own unless told.
struct asked {
  command what;
  std::string of = {};
  std::string key = {};
  std::uint64_t digest = 1;
  std::optional<std::uint64_t> if_match = {};
  bool key_is_client_reference = false;

  asked keyed(std::string text) const;
  asked digested(std::uint64_t value) const;
  asked matching(std::uint64_t version) const;
};

asked create(const hotel_with& h = {});
asked update(const hotel_with& h);
asked remove_the_hotel();
asked add_type(const type_with& t = {});
asked update_type(std::uint16_t type, const type_with& t);
asked remove_type(std::uint16_t type);
asked rooms_are(std::vector<room> rooms);
/// One range, all types unless named.
asked calendar_is(std::string_view range, const night_change& set, std::vector<room_type_id> types = {},
                  std::uint8_t weekdays = 0x7F);
asked calendar_is(std::vector<calendar_change> changes);

using items = std::vector<requested_item>;
/// One room of type 1 for one guest unless said otherwise. The name is the request key too.
asked hold(std::string name, std::string_view stay, items wanted = {{.type = {1}}});
/// Confirmed at once.
asked book(std::string name, std::string_view stay, items wanted = {{.type = {1}}});
asked confirm(std::string name);
asked cancel(std::string name);
asked extend(std::string name, std::optional<std::chrono::seconds> by = {});
asked check_in(std::string name, std::vector<std::string> rooms = {});
asked check_out(std::string name);
asked no_show(std::string name);
/// Absent dates and items stay.
struct new_terms {
  std::string check_in = {};
  std::string check_out = {};
  std::optional<items> wanted = {};
};
asked change(std::string name, const new_terms& terms);
asked lapse();

template <typename T>
setting<T> set_to(T value) {
  return {.what = setting<T>::kind::set, .value = value};
}
template <typename T>
setting<T> cleared() {
  return {.what = setting<T>::kind::clear, .value = {}};
}

request_key key_named(std::string_view text);

class story {
public:
  /// It is noon UTC of 2031-03-01, at the hotel too. Nothing has happened yet.
  story();
  /// Replays all events and compares.
  ~story();
  story(const story&) = delete;
  story& operator=(const story&) = delete;

  /// A new hotel with these room types, one room each unless said otherwise.
  static std::vector<asked> hotel(std::vector<type_with> types = {{}}, const hotel_with& h = {});

  /// All are accepted.
  story& given(const std::vector<asked>& steps);
  story& given(const asked& step) { return given(std::vector{step}); }

  /// Later that day, or days; the hotel's date moves with UTC's.
  story& after(std::chrono::microseconds time);
  /// Noon of that date, which must not be before now.
  story& on_date(std::string_view text);
  /// The hotel's own date, where it is not UTC's, for as long as the clock stands still.
  story& hotel_date(std::string_view text);

  story& when(const asked& step);

  story& then_accepted();
  story& then_refused(errc code);
  story& then_refused(errc code, std::vector<reason> reasons);
  /// Repeats what the event at this number was answered with.
  story& then_repeated(std::uint64_t seq);
  story& then_no_answer();
  /// So many events, of these kinds, came of the last command.
  story& then_events(const std::vector<std::string>& kinds);

  story& then_status(std::string_view name, reservation_status status);
  /// Free rooms night by night, from this one on.
  story& then_free(std::string_view first, const std::vector<std::int32_t>& rooms, std::uint16_t type = 1);

  const reservation& at(std::string_view name) const;
  const reservation* find(std::string_view name) const;
  reservation_number number(std::string_view name) const;
  const hotel_state& state() const { return state_; }
  const std::vector<event>& events() const { return events_; }
  const decision& last() const { return last_; }
  const refusal& why() const { return std::get<refusal>(last_.result); }
  moment now() const;
  template <typename View>
  View ask(const query& q) const {
    return std::get<View>(std::get<view>(answer(state_, q, now())));
  }
  errc ask_refused(const query& q) const { return std::get<refusal>(answer(state_, q, now())).code; }

private:
  request request_of(const asked& step);
  void run(const asked& step);

  instant at_;
  std::optional<date> hotel_date_;
  hotel_state state_;
  std::vector<event> events_;
  decision last_;
  std::map<std::string, reservation_number, std::less<>> numbers_;
  int keys_drawn_ = 0;
};

/// What the events make of an empty hotel.
hotel_state replayed(hotel_id id, const std::vector<event>& events);

/// The first field in which two states differ, for people; empty when they are equal.
std::string difference(const hotel_state& a, const hotel_state& b);

}  // namespace keyrack::tests

namespace keyrack {
// For the words of a failed expectation.
void PrintTo(const reason& r, std::ostream* out);
void PrintTo(errc code, std::ostream* out);
void PrintTo(reservation_status status, std::ostream* out);
void PrintTo(date d, std::ostream* out);
}  // namespace keyrack
