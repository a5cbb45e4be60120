// Queries to and from their messages. What `answer` asserts of a query is refused here.
#include "cluster/wire_codec_parts.hpp"

#include <variant>

namespace keyrack::cluster::wire_parts {
namespace {

// One for each query: another query does not compile before it has one too.
struct query_writer {
  wire::Request& to;

  void operator()(const hotel_query&) const { to.mutable_hotel_query(); }
  void operator()(const room_type_query& q) const { to.mutable_room_type_query()->set_type(q.type.value); }
  void operator()(const room_types_query&) const { to.mutable_room_types_query(); }
  void operator()(const rooms_query&) const { to.mutable_rooms_query(); }
  void operator()(const calendar_query& q) const {
    auto& m = *to.mutable_calendar_query();
    m.set_from(q.from.days);
    m.set_to(q.to.days);
    if (q.type) m.set_type(q.type->value);
  }
  void operator()(const availability_query& q) const {
    auto& m = *to.mutable_availability_query();
    m.set_check_in(q.stay.check_in.days);
    m.set_check_out(q.stay.check_out.days);
    m.set_guests(q.guests);
    m.set_rooms(q.rooms);
  }
  void operator()(const reservation_query& q) const { to.mutable_reservation_query()->set_number(q.number.value); }
  void operator()(const reservations_query& q) const {
    auto& m = *to.mutable_reservations_query();
    if (q.status) m.set_status(static_cast<std::uint32_t>(*q.status));
    if (q.arriving) m.set_arriving(q.arriving->days);
    if (q.departing) m.set_departing(q.departing->days);
    if (q.in_house) m.set_in_house(q.in_house->days);
    if (q.before) m.set_before(q.before->value);
    m.set_limit(q.limit);
    if (!q.guests) return;
    auto& guests = *m.mutable_guests();
    for (const auto& guest : *q.guests) {
      guests.add_high(guest.high);
      guests.add_low(guest.low);
    }
  }
};

calendar_query read_calendar(const wire::CalendarQuery& from, fault& f) {
  calendar_query to{.from = read_date(from.from(), f), .to = read_date(from.to(), f), .type = {}};
  if (from.has_type()) to.type = read_type(from.type(), f);
  return to;
}

availability_query read_availability(const wire::AvailabilityQuery& from, fault& f) {
  return {.stay = {read_date(from.check_in(), f), read_date(from.check_out(), f)},
          .guests = read_count(from.guests(), 1, guests_max, f),
          .rooms = read_count(from.rooms(), 1, limits::rooms_per_type_max, f)};
}

std::vector<guest_id> read_guests(const wire::Guests& from, fault& f) {
  std::vector<guest_id> to;
  if (!f.require(from.high_size() == from.low_size() && from.high_size() <= page_max,
                 "guests that are not halves of ids"))
    return to;
  to.reserve(static_cast<std::size_t>(from.high_size()));
  for (int i = 0; i < from.high_size(); ++i) to.push_back(read_guest(from.high(i), from.low(i), f));
  return to;
}

reservations_query read_list(const wire::ReservationsQuery& from, fault& f) {
  reservations_query to;
  if (from.has_status()) {
    f.require(from.status() <= static_cast<std::uint32_t>(reservation_status::no_show), "a status that is not known");
    to.status = static_cast<reservation_status>(from.status());
  }
  if (from.has_arriving()) to.arriving = read_date(from.arriving(), f);
  if (from.has_departing()) to.departing = read_date(from.departing(), f);
  if (from.has_in_house()) to.in_house = read_date(from.in_house(), f);
  if (from.has_guests()) to.guests = read_guests(from.guests(), f);
  if (from.has_before()) to.before = reservation_number{from.before()};
  to.limit = read_count(from.limit(), 1, page_max, f);
  return to;
}

}  // namespace

void write(const query& from, wire::Request& to) {
  std::visit(query_writer{to}, from);
  name_kind(to.query_case(), to);
}

query read_query(const wire::Request& from, fault& f) {
  switch (from.query_case()) {
  case wire::Request::kRoomTypeQuery: return room_type_query{read_type(from.room_type_query().type(), f)};
  case wire::Request::kRoomTypesQuery: return room_types_query{};
  case wire::Request::kRoomsQuery: return rooms_query{};
  case wire::Request::kCalendarQuery: return read_calendar(from.calendar_query(), f);
  case wire::Request::kAvailabilityQuery: return read_availability(from.availability_query(), f);
  case wire::Request::kReservationQuery: return reservation_query{{from.reservation_query().number()}};
  case wire::Request::kReservationsQuery: return read_list(from.reservations_query(), f);
  case wire::Request::kHotelQuery:
  case wire::Request::QUERY_NOT_SET: break;
  }
  return hotel_query{};
}

}  // namespace keyrack::cluster::wire_parts
