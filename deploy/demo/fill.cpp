#include "deploy/demo/fill.hpp"

#include "deploy/demo/dice.hpp"
#include "deploy/demo/seasons.hpp"

#include <algorithm>
#include <array>

namespace keyrack::demo {
namespace {

enum purpose : std::uint64_t { for_quiet = 0x100, for_spans, for_scale };

/// Bookings of one period share the upper bits of their serial: its first day.
std::uint64_t serial_of(date period, std::size_t nth) { return static_cast<std::uint64_t>(period.days) << 16 | nth; }

/// One room type during one block: what is taken so far, and what the house's restrictions say.
struct block {
  room_type_id type;
  date first;
  std::int32_t rooms = 0;
  std::int32_t max_guests = 0;
  std::array<std::int32_t, block_nights> taken{};
  std::array<night_rule, block_nights> rules{};

  /// The most rooms that a stay of `nights` from the block's night `at` could still have below `limit`.
  std::int32_t room_for(int at, int nights, std::int32_t limit) const {
    std::int32_t room = limit;
    for (int night = at; night < at + nights; ++night)
      room = std::min(room, limit - taken[static_cast<std::size_t>(night)]);
    return room;
  }

  bool may_arrive(int at, int nights) const {
    const auto& rule = rules[static_cast<std::size_t>(at)];
    return !rule.closed_to_arrival && nights >= rule.min_stay;
  }

  booking take(int at, int nights, std::int32_t count, dice& roll) {
    for (int night = at; night < at + nights; ++night) taken[static_cast<std::size_t>(night)] += count;
    return {.type = type,
            .stay = {first + at, first + at + nights},
            .rooms = count,
            .guests = roll.between(count, count * max_guests)};
  }
};

block block_of(const hotel_plan& hotel, std::size_t type, date first, const std::vector<calendar_change>& changes) {
  block made{.type = {static_cast<std::uint16_t>(type + 1)}, .first = first};
  made.rooms = hotel.room_types[type].rooms;
  made.max_guests = hotel.room_types[type].max_guests;
  for (int night = 0; night < block_nights; ++night) {
    made.rules[static_cast<std::size_t>(night)] = rule_on(changes, made.type, first + night);
  }
  return made;
}

/// Up to four stays somewhere in the block, leaving a quarter of the rooms free.
void book_quiet(block& in, std::vector<booking>& out, dice& roll) {
  for (int tries = roll.between(1, 4); tries > 0; --tries) {
    const int nights = 1 + static_cast<int>(roll.weighted({35, 30, 18, 9, 5, 0, 3}));
    const int at = roll.between(0, block_nights - nights);
    const int count = 1 + static_cast<int>(roll.weighted({85, 10, 5}));
    if (!in.may_arrive(at, nights) || in.room_for(at, nights, in.rooms * 3 / 4) < count) continue;
    out.push_back(in.take(at, nights, count, roll));
  }
}

/// Arrivals of one night until it is full up to `limit`; stays end with the span, unless a minimum stay makes them longer.
void book_night(block& in, int at, int span_end, std::int32_t limit, std::vector<booking>& out, dice& roll) {
  static constexpr std::array<std::int32_t, 4> party{1, 2, 4, 8};
  const int least = std::max<int>(1, in.rules[static_cast<std::size_t>(at)].min_stay);
  while (in.room_for(at, 1, limit) > 0) {
    int nights = std::max(least, std::min(roll.between(1, 4), span_end - at));
    if (at + nights > block_nights) return;
    while (nights > least && in.room_for(at, nights, limit) == 0) --nights;
    const auto room = in.room_for(at, nights, limit);
    if (room <= 0 || !in.may_arrive(at, nights)) return;
    const auto wanted = party[roll.weighted({50, 25, 15, 10})];
    out.push_back(in.take(at, nights, std::min(room, wanted), roll));
  }
}

/// One or two spans of nights on which no more than two rooms are left, where arrivals allow it.
void book_spans(block& in, std::vector<booking>& out, dice& roll) {
  for (int spans = roll.between(1, 2); spans > 0; --spans) {
    const int length = roll.between(3, 7);
    const int begin = roll.between(0, block_nights - length);
    const auto limit = std::max(0, in.rooms - roll.between(0, 2));
    for (int at = begin; at < begin + length; ++at) book_night(in, at, begin + length, limit, out, roll);
  }
}

std::vector<booking> bookings_of_block(const hotel_plan& hotel, std::uint64_t seed, date first) {
  const auto changes = season_changes(hotel, {first, first + block_nights}, true);
  const auto number = static_cast<std::uint64_t>(first.days);
  std::vector<booking> made;
  for (std::size_t type = 0; type < hotel.room_types.size(); ++type) {
    auto filled = block_of(hotel, type, first, changes);
    dice quiet{seed, for_quiet, hotel.index, number, type};
    book_quiet(filled, made, quiet);
    if (!hotel.sought_after) continue;
    dice spans{seed, for_spans, hotel.index, number, type};
    book_spans(filled, made, spans);
  }
  for (std::size_t nth = 0; nth < made.size(); ++nth) made[nth].serial = serial_of(first, nth);
  return made;
}

/// Fills `rooms` rooms of a type for the whole window: rows of one to three rooms, each row cut into two or three stays.
/// Four rows in five have three stays, so 7 / 2.8 = 2.5 nights each; rows are 1.2 rooms wide on average.
void fill_type(room_type_id type, std::int32_t max_guests, std::int32_t rooms, date from, std::vector<booking>& out,
               dice& roll) {
  while (rooms > 0) {
    const auto width = std::min(rooms, 1 + static_cast<std::int32_t>(roll.weighted({85, 10, 5})));
    rooms -= width;
    int first_cut = roll.between(1, scale_nights - 1);
    int second_cut = scale_nights;
    if (roll.chance(80)) {
      // Two different cuts out of six, each pair as likely as any other.
      second_cut = roll.between(1, scale_nights - 2);
      if (second_cut >= first_cut) ++second_cut;
      if (second_cut < first_cut) std::swap(first_cut, second_cut);
    }
    int begin = 0;
    for (const int end : {first_cut, second_cut, scale_nights}) {
      if (end == begin) continue;
      out.push_back({.type = type,
                     .stay = {from + begin, from + end},
                     .rooms = width,
                     .guests = roll.between(width, width * max_guests)});
      begin = end;
    }
  }
}

}  // namespace

std::vector<booking> demo_bookings(const hotel_plan& hotel, std::uint64_t seed, date from) {
  std::vector<booking> kept;
  // Rounded down, so that the block of `from` is made whole and then clipped.
  date first = from - from.days % block_nights;
  for (; first < from + booked_ahead_nights; first = first + block_nights) {
    for (const auto& made : bookings_of_block(hotel, seed, first)) {
      if (made.stay.check_in >= from) kept.push_back(made);
    }
  }
  return kept;
}

std::vector<booking> scale_bookings(const hotel_plan& hotel, std::uint64_t seed, date from) {
  std::array<int, scale_room_types> fill_percent{60, 65, 70, 75, 80};
  dice roll{seed, for_scale, hotel.index, static_cast<std::uint64_t>(from.days)};
  for (std::size_t last = fill_percent.size() - 1; last > 0; --last) {
    std::swap(fill_percent[last], fill_percent[static_cast<std::size_t>(roll.between(0, static_cast<int>(last)))]);
  }
  std::vector<booking> made;
  for (std::size_t type = 0; type < hotel.room_types.size(); ++type) {
    const auto& sold = hotel.room_types[type];
    fill_type({static_cast<std::uint16_t>(type + 1)}, sold.max_guests, sold.rooms * fill_percent[type] / 100, from,
              made, roll);
  }
  for (std::size_t nth = 0; nth < made.size(); ++nth) made[nth].serial = serial_of(from, nth);
  return made;
}

}  // namespace keyrack::demo
