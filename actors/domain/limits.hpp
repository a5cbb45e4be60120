// Every bound of the domain, in one place, each with its reason. Bounds of machinery (queues, sockets) are settings.
#pragma once

#include <chrono>
#include <cstdint>

namespace keyrack::limits {

using namespace std::chrono_literals;

inline constexpr int stay_nights_max = 90;            // longer is a lease, not a stay
inline constexpr int bookable_nights = 730;           // today … today + 729
inline constexpr int rooms_per_type_max = 100'000;    // the largest hotels have 10,000 rooms
inline constexpr int room_types_per_hotel_max = 500;  // removed ones not counted
inline constexpr int items_per_reservation_max = 10;  // groups book in several reservations
inline constexpr int rooms_listed_max = 100'000;      // physical rooms of a hotel
inline constexpr int out_of_order_per_room_max = 20;  // coming ranges of one room
inline constexpr int calendar_changes_max = 1'000;    // per request: keeps one event under a few dozen kilobytes
inline constexpr std::int64_t calendar_type_nights_max = 1'000'000;  // per request: twice all of 500 types × 731 nights
inline constexpr int guests_per_room_max = 50;                       // dormitories
inline constexpr int beds_max = 20;                                  // kinds of beds in a type
inline constexpr int amenities_max = 100;                            // of a hotel, of a type
inline constexpr int overbooking_percent_max = 100;                  // twice the house is a mistake, not a policy
inline constexpr int name_bytes_max = 200;
inline constexpr int text_bytes_max = 10'000;        // descriptions
inline constexpr int attributes_bytes_max = 16'384;  // free-form, kept as given
inline constexpr int notes_bytes_max = 2'000;
inline constexpr int room_number_bytes_max = 20;
inline constexpr std::int64_t price_minor_max = 100'000'000'000;  // 90 nights × 100,000 rooms of it still fit 63 bits
inline constexpr std::int64_t reservation_total_max =
    9'000'000'000'000'000;  // exact in a double, which many clients use

inline constexpr auto hold_default = 120s;
inline constexpr auto hold_min = 5s;
inline constexpr auto hold_total_max = 15min;  // of a hold with all its extensions

/// Request keys of one hotel that are remembered at once; past it new commands are refused, a key is never dropped early.
inline constexpr std::size_t request_keys_max = 20'000'000;
inline constexpr auto request_key_kept = 24h;
inline constexpr auto lapsed_or_cancelled_kept = 24h;  // in memory; the journal keeps all
inline constexpr auto completed_or_no_show_kept = 7 * 24h;

/// Nights before an event's UTC date less this many leave memory: no time zone is further behind than a day.
inline constexpr int nights_kept_behind = 2;

}  // namespace keyrack::limits
