// Domain values to and from their messages, with the domain's limits checked on the way in. Shared by the codec's files;
// refuses to know about payloads.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "actors/domain/hotel/profile.hpp"
#include "actors/domain/hotel/reservation.hpp"
#include "persistence/codec_wire.hpp"

#include <persistence/proto/journal.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace keyrack::persistence {

/// Dates that the domain can write: 1970-01-01 … 9999-12-31.
inline constexpr std::int32_t date_days_max = 2'932'896;
/// The end of the year 9999.
inline constexpr std::int64_t instant_us_max = 253'402'300'799'999'999;

/// Names in events and lists have no other bound on the disk than this one.
inline constexpr std::size_t word_bytes_max = 2'000;

inline std::int64_t to_us(instant at) { return at.time_since_epoch().count(); }

void write(const hotel_profile& from, pb::HotelProfile& to);
void write(const room_type_profile& from, pb::RoomTypeProfile& to);
void write(const room& from, pb::Room& to);
void write(const calendar_change& from, pb::CalendarChange& to);
void write(const reservation& from, pb::Reservation& to);

hotel_profile read(const pb::HotelProfile& from, wire::fault& f);
room_type_profile read(const pb::RoomTypeProfile& from, wire::fault& f);
room read(const pb::Room& from, wire::fault& f);
calendar_change read(const pb::CalendarChange& from, wire::fault& f);
reservation read(const pb::Reservation& from, wire::fault& f);

/// Of a change that has happened. One that is asked for may still have a range that its hotel refuses.
void require_nights(const calendar_change& change, wire::fault& f);

instant read_instant(std::int64_t us, wire::fault& f);
date read_date(std::int32_t days, wire::fault& f);
room_type_id read_type(std::uint32_t id, wire::fault& f);
operation read_operation(std::uint32_t number, wire::fault& f);

}  // namespace keyrack::persistence
