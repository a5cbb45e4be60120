#include "deploy/demo/journal_plan.hpp"

#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/evolve.hpp"
#include "deploy/demo/dice.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace keyrack::demo {
namespace {

enum purpose : std::uint64_t { for_id = 0x200, for_guests, for_keys };

constexpr std::uint64_t bits_60 = (1ULL << 60) - 1;

/// Carries out commands as a hotel actor does, and keeps the events.
class hotel_writer {
public:
  hotel_writer(hotel_id id, moment now, dice keys) : now_(now), keys_(keys) {
    state_.id = id;
    made_.hotel = id;
  }

  void carry_out(const command& cmd) {
    request req;
    req.key = {keys_.next(), keys_.next()};
    req.digest = keys_.next();
    req.by = "keyrack-demo";
    auto decided = decide(state_, req, cmd, now_);
    KEYRACK_ASSERT(std::holds_alternative<accepted>(decided.result));
    for (auto& e : decided.events) {
      evolve(state_, e);
      made_.events.push_back(std::move(e));
    }
  }

  void add_guest(guest_id guest, std::string name) {
    personal_record person;
    person.guest = guest;
    person.new_guest = true;
    person.name = std::move(name);
    made_.personal.push_back(std::move(person));
    made_.notes_of.emplace_back();
  }

  void expect_events(std::size_t count) { made_.events.reserve(count); }
  commit take() && { return std::move(made_); }

private:
  hotel_state state_;
  moment now_;
  dice keys_;
  commit made_;
};

}  // namespace

commit commit_of_hotel(const generator& from, std::uint32_t index, instant now) {
  const auto& with = from.made_with();
  const auto path = static_cast<std::uint64_t>(with.profile);
  dice ids{with.seed, for_id, path, index};
  hotel_writer writer({ids.next() & bits_60}, {.at = now, .today = utc_date(now)},
                      dice{with.seed, for_keys, path, index});

  const auto hotel = from.hotel(index);
  const auto bookings = from.bookings(hotel);
  writer.expect_events(2 + hotel.room_types.size() + bookings.size());
  writer.carry_out(create_hotel{hotel.profile});
  for (const auto& type : hotel.room_types) writer.carry_out(add_room_type{type});
  writer.carry_out(change_calendar{from.calendar(hotel)});

  std::array<guest_id, guests_per_hotel> guests;
  dice people{with.seed, for_guests, path, index};
  for (std::size_t n = 0; n < guests.size(); ++n) {
    guests[n].high = people.next() & bits_60;
    guests[n].low = people.next() & bits_60;
    if (n < bookings.size()) writer.add_guest(guests[n], fmt::format("Guest {}-{}", index, n));
  }
  for (std::size_t n = 0; n < bookings.size(); ++n) {
    const auto& booked = bookings[n];
    const requested_item item{.type = booked.type, .rooms = booked.rooms, .guests = booked.guests};
    writer.carry_out(
        hold_rooms{.stay = booked.stay, .items = {item}, .guest = guests[n % guests.size()], .hold = false});
  }
  return std::move(writer).take();
}

}  // namespace keyrack::demo
