// Hotels with a past: random commands through the real `decide` and `evolve`, seeded, so that a test can say which hotel
// it means. For everything that reads journals. Header only: several test programs use it.
#pragma once

#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/evolve.hpp"
#include "actors/envelope.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <variant>
#include <vector>

namespace keyrack::testing {

/// One hotel's whole life so far.
class history {
public:
  explicit history(hotel_id id, std::uint64_t seed, instant begins = instant{std::chrono::days{20'000}})
      : at_(begins), dice_(seed) {
    hotel.id = id;
    apply(create_hotel{profile()});
    for (int rooms : {3, 9}) apply(add_room_type{type_profile(rooms)});
    list_rooms rooms;
    for (int i = 0; i < 6; ++i)
      rooms.rooms.push_back(
          {.number = std::to_string(101 + i), .type = {static_cast<std::uint16_t>(1 + i / 3)}, .out_of_order = {}});
    apply(rooms);
  }

  /// Applies `n` random commands; a refused one counts too.
  void live(int n) {
    for (; n > 0; --n) step();
  }

  /// One command now. True when it was accepted.
  bool apply(const command& cmd, std::optional<request_key> key = {}) {
    request req;
    req.key = key.value_or(request_key{dice_(), dice_()});
    req.digest = dice_();
    req.by = "tester";
    auto decision = decide(hotel, req, cmd, now());
    for (auto& e : decision.events) {
      evolve(hotel, e);
      events.push_back(std::move(e));
    }
    return std::holds_alternative<accepted>(decision.result);
  }

  void wait(std::chrono::microseconds d) { at_ += d; }
  moment now() const { return {.at = at_, .today = utc_date(at_)}; }

  hotel_state hotel;
  std::vector<event> events;

private:
  int roll(int from, int to) { return std::uniform_int_distribution{from, to}(dice_); }

  static hotel_profile profile() {
    hotel_profile p;
    p.name = "Hotel of the tests";
    p.city = "Utrecht";
    p.country = "NL";
    p.time_zone = "Europe/Amsterdam";
    p.currency = {{'E', 'U', 'R'}};
    p.overbooking_percent = 10;
    return p;
  }

  static room_type_profile type_profile(int rooms) {
    room_type_profile p;
    p.name = "Double";
    p.code = "D" + std::to_string(rooms);
    p.rooms = rooms;
    p.max_guests = 4;
    p.price = 12'345;
    p.currency = {{'E', 'U', 'R'}};
    return p;
  }

  stay any_stay() {
    const auto check_in = now().today + roll(0, 12);
    return {check_in, check_in + roll(1, 5)};
  }

  std::vector<requested_item> any_items() {
    std::vector<requested_item> items;
    for (int n = roll(1, 2); n > 0; --n)
      items.push_back({.type = {static_cast<std::uint16_t>(n)}, .rooms = roll(1, 2), .guests = roll(1, 4)});
    return items;
  }

  reservation_number any_known() {
    std::vector<reservation_number> all;
    hotel.reservations.for_each([&](const reservation& r) { all.push_back(r.number); });
    if (all.empty()) return {1};
    return all[static_cast<std::size_t>(roll(0, static_cast<int>(all.size()) - 1))];
  }

  calendar_change any_change() {
    calendar_change c;
    c.types = {{1}, {2}};
    c.from = now().today + roll(0, 20);
    c.to = c.from + roll(1, 10);
    using price = setting<std::int64_t>;
    using rooms = setting<std::int32_t>;
    if (roll(0, 1) == 0) c.set.price = {roll(0, 2) == 0 ? price::kind::clear : price::kind::set, 9'900};
    if (c.set.price.what == price::kind::clear) c.set.price.value = 0;
    if (roll(0, 3) == 0) c.set.rooms_to_sell = {rooms::kind::set, roll(1, 9)};
    if (roll(0, 9) == 0) c.set.closed = {setting<bool>::kind::set, roll(0, 1) == 0};
    if (roll(0, 9) == 0) c.set.min_stay = {setting<std::uint8_t>::kind::set, 2};
    return c;
  }

  void step() {
    using namespace std::chrono_literals;
    wait(roll(0, 9) == 0 ? std::chrono::microseconds{roll(1, 40) * 1h} : std::chrono::microseconds{roll(0, 90) * 1s});
    const int what = roll(0, 99);
    if (what < 40) {
      hold_rooms cmd{
          .stay = any_stay(), .items = any_items(), .guest = {dice_() >> 4, dice_() >> 4}, .hold = roll(0, 3) > 0};
      apply(cmd);
    } else if (what < 60) {
      apply(confirm_reservation{any_known()});
    } else if (what < 66) {
      const auto s = any_stay();
      apply(change_reservation{any_known(), s.check_in, s.check_out, {}});
    } else if (what < 70) {
      apply(extend_hold{any_known(), {}});
    } else if (what < 77) {
      apply(cancel_reservation{any_known()});
    } else if (what < 84) {
      apply(check_in_guest{any_known(), {}});
    } else if (what < 89) {
      apply(check_out_guest{any_known()});
    } else if (what < 92) {
      apply(record_no_show{any_known()});
    } else if (what < 97) {
      apply(change_calendar{{any_change()}});
    } else if (what < 99) {
      apply(lapse_holds{});
    } else {
      apply(update_hotel{profile()});
    }
  }

  instant at_;
  std::mt19937_64 dice_;
};

/// The events of [from, to) as one commit.
inline commit commit_of(const history& h, std::size_t from, std::size_t to) {
  commit c;
  c.hotel = h.hotel.id;
  c.events.assign(h.events.begin() + static_cast<std::ptrdiff_t>(from),
                  h.events.begin() + static_cast<std::ptrdiff_t>(to));
  return c;
}

}  // namespace keyrack::testing
