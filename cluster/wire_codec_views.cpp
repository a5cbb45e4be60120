// Views to and from their messages. A calendar goes by columns: it has up to 731 nights of each of 500 types.
#include "actors/domain/assert.hpp"
#include "cluster/wire_codec_parts.hpp"

#include <variant>

namespace keyrack::cluster::wire_parts {
namespace {

constexpr int nights_max = limits::bookable_nights + 1;
enum closed_bits : std::uint32_t { closed_bit = 1, arrival_bit = 2, departure_bit = 4 };

void write(const room_type_view& from, const value_codec& values, wire::RoomTypeView& to) {
  to.set_id(from.id.value);
  to.set_profile(values.encode(from.profile));
  to.set_version(from.version);
  to.set_created_at(to_us(from.created_at));
  to.set_updated_at(to_us(from.updated_at));
}

void write(const calendar_view::of_type& from, wire::NightColumns& to) {
  to.set_type(from.type.value);
  for (const auto& n : from.nights) {
    to.add_night(n.night.days);
    to.add_price(n.price);
    to.add_total(n.total);
    to.add_limit(n.limit);
    to.add_taken(n.taken);
    to.add_free(n.free);
    to.add_oversold(n.oversold);
    to.add_rule_price(n.rule.price);
    to.add_rule_rooms(n.rule.rooms_to_sell);
    to.add_rule_min_stay(n.rule.min_stay);
    to.add_rule_max_stay(n.rule.max_stay);
    to.add_rule_closed((n.rule.closed ? closed_bit : 0U) | (n.rule.closed_to_arrival ? arrival_bit : 0U) |
                       (n.rule.closed_to_departure ? departure_bit : 0U));
  }
}

void write(const availability_view::of_type& from, wire::AvailabilityOfType& to) {
  to.set_type(from.type.value);
  to.set_name(from.name);
  to.set_max_guests(from.max_guests);
  to.set_free(from.free);
  to.set_bookable(from.bookable);
  to.mutable_night_prices()->Add(from.night_prices.begin(), from.night_prices.end());
  for (const auto& r : from.reasons) wire_parts::write(r, *to.add_reasons());
}

void set_currency(const currency& from, std::string& to) { to = to_bytes(from); }

// One for each view: another view does not compile before it has one too.
struct view_writer {
  const value_codec& values;
  wire::Answer& to;

  void operator()(const hotel_view& v) const {
    auto& m = *to.mutable_hotel_view();
    m.set_profile(values.encode(v.profile));
    m.set_version(v.version);
    m.set_created_at(to_us(v.created_at));
    m.set_updated_at(to_us(v.updated_at));
  }
  void operator()(const room_type_view& v) const { write(v, values, *to.mutable_room_type_view()); }
  void operator()(const room_types_view& v) const {
    auto& m = *to.mutable_room_types_view();
    for (const auto& type : v.types) write(type, values, *m.add_types());
  }
  void operator()(const rooms_view& v) const {
    auto& m = *to.mutable_rooms_view();
    for (const auto& r : v.rooms) m.add_rooms(values.encode(r));
    m.set_version(v.version);
  }
  void operator()(const calendar_view& v) const {
    auto& m = *to.mutable_calendar_view();
    set_currency(v.priced_in, *m.mutable_priced_in());
    for (const auto& type : v.types) write(type, *m.add_types());
    m.set_version(v.version);
  }
  void operator()(const availability_view& v) const {
    auto& m = *to.mutable_availability_view();
    m.set_check_in(v.stay.check_in.days);
    m.set_check_out(v.stay.check_out.days);
    set_currency(v.priced_in, *m.mutable_priced_in());
    m.set_guests(v.guests);
    m.set_rooms(v.rooms);
    for (const auto& type : v.types) write(type, *m.add_types());
  }
  void operator()(const reservation_view& v) const {
    to.mutable_reservation_view()->set_reservation(values.encode(v.value));
  }
  void operator()(const reservation_departed& v) const {
    to.mutable_reservation_departed()->set_number(v.number.value);
  }
  void operator()(const reservations_view& v) const {
    auto& m = *to.mutable_reservations_view();
    for (const auto& r : v.values) m.add_reservations(values.encode(r));
    m.set_more(v.more);
  }
};

hotel_view read(const wire::HotelView& from, const value_codec& values, fault& f) {
  return {.profile = f.take(values.decode_hotel_profile(from.profile())),
          .version = from.version(),
          .created_at = read_instant(from.created_at(), f),
          .updated_at = read_instant(from.updated_at(), f)};
}

room_type_view read(const wire::RoomTypeView& from, const value_codec& values, fault& f) {
  return {.id = read_type(from.id(), f),
          .profile = f.take(values.decode_room_type_profile(from.profile())),
          .version = from.version(),
          .created_at = read_instant(from.created_at(), f),
          .updated_at = read_instant(from.updated_at(), f)};
}

room_types_view read(const wire::RoomTypesView& from, const value_codec& values, fault& f) {
  room_types_view to;
  if (!f.require(from.types_size() <= limits::room_types_per_hotel_max, "too many room types")) return to;
  for (const auto& type : from.types()) to.types.push_back(read(type, values, f));
  return to;
}

rooms_view read(const wire::RoomsView& from, const value_codec& values, fault& f) {
  rooms_view to{.rooms = {}, .version = from.version()};
  if (!f.require(from.rooms_size() <= limits::rooms_listed_max, "too many rooms in a list")) return to;
  to.rooms.reserve(static_cast<std::size_t>(from.rooms_size()));
  for (const auto& bytes : from.rooms()) to.rooms.push_back(f.take(values.decode_room(bytes)));
  return to;
}

std::uint8_t read_nights(std::uint32_t nights, fault& f) {
  f.require(nights <= 0xFF, "a length of stay out of range");
  return static_cast<std::uint8_t>(nights);
}

night_rule read_rule(const wire::NightColumns& from, int i, fault& f) {
  night_rule to;
  to.price =
      from.rule_price(i) == night_rule::price_unset ? night_rule::price_unset : read_price(from.rule_price(i), f);
  to.rooms_to_sell = read_count(from.rule_rooms(i), night_rule::rooms_unset, limits::rooms_per_type_max, f);
  to.min_stay = read_nights(from.rule_min_stay(i), f);
  to.max_stay = read_nights(from.rule_max_stay(i), f);
  to.closed = (from.rule_closed(i) & closed_bit) != 0;
  to.closed_to_arrival = (from.rule_closed(i) & arrival_bit) != 0;
  to.closed_to_departure = (from.rule_closed(i) & departure_bit) != 0;
  return to;
}

calendar_view::of_type read(const wire::NightColumns& from, fault& f) {
  calendar_view::of_type to{.type = read_type(from.type(), f), .nights = {}};
  const int nights = from.night_size();
  bool whole = nights <= nights_max;
  for (const auto size : {from.price_size(), from.total_size(), from.limit_size(), from.taken_size(), from.free_size(),
                          from.oversold_size(), from.rule_price_size(), from.rule_rooms_size(),
                          from.rule_min_stay_size(), from.rule_max_stay_size(), from.rule_closed_size()})
    whole = whole && size == nights;
  if (!f.require(whole, "columns of nights that are too long or not equally long")) return to;
  to.nights.reserve(static_cast<std::size_t>(nights));
  for (int i = 0; i < nights; ++i) {
    to.nights.push_back({.night = read_date(from.night(i), f),
                         .price = read_price(from.price(i), f),
                         .total = from.total(i),
                         .limit = from.limit(i),
                         .taken = from.taken(i),
                         .free = from.free(i),
                         .oversold = from.oversold(i),
                         .rule = read_rule(from, i, f)});
  }
  return to;
}

calendar_view read(const wire::CalendarView& from, fault& f) {
  calendar_view to{.priced_in = read_currency(from.priced_in(), f), .types = {}, .version = from.version()};
  if (!f.require(from.types_size() <= limits::room_types_per_hotel_max, "too many room types")) return to;
  to.types.reserve(static_cast<std::size_t>(from.types_size()));
  for (const auto& type : from.types()) to.types.push_back(read(type, f));
  return to;
}

availability_view::of_type read(wire::AvailabilityOfType& from, fault& f) {
  availability_view::of_type to{.type = read_type(from.type(), f),
                                .name = read_text(std::move(*from.mutable_name()), word_bytes_max, f),
                                .max_guests = from.max_guests(),
                                .free = from.free(),
                                .bookable = from.bookable(),
                                .night_prices = {},
                                .reasons = {}};
  const bool few = from.night_prices_size() <= limits::stay_nights_max && from.reasons_size() <= reasons_max;
  if (!f.require(few, "too many prices or reasons")) return to;
  for (const auto minor : from.night_prices()) to.night_prices.push_back(read_price(minor, f));
  for (const auto& r : from.reasons()) to.reasons.push_back(wire_parts::read(r, f));
  return to;
}

availability_view read(wire::AvailabilityView& from, fault& f) {
  availability_view to{.stay = {read_date(from.check_in(), f), read_date(from.check_out(), f)},
                       .priced_in = read_currency(from.priced_in(), f),
                       .guests = read_count(from.guests(), 0, guests_max, f),
                       .rooms = read_count(from.rooms(), 0, limits::rooms_per_type_max, f),
                       .types = {}};
  if (!f.require(from.types_size() <= limits::room_types_per_hotel_max, "too many room types")) return to;
  to.types.reserve(static_cast<std::size_t>(from.types_size()));
  for (auto& type : *from.mutable_types()) to.types.push_back(read(type, f));
  return to;
}

reservations_view read(const wire::ReservationsView& from, const value_codec& values, fault& f) {
  reservations_view to{.values = {}, .more = from.more()};
  if (!f.require(from.reservations_size() <= page_max, "too many reservations in a list")) return to;
  to.values.reserve(static_cast<std::size_t>(from.reservations_size()));
  for (const auto& bytes : from.reservations()) to.values.push_back(f.take(values.decode_reservation(bytes)));
  return to;
}

}  // namespace

void write(const view& from, const value_codec& values, wire::Answer& to) {
  std::visit(view_writer{values, to}, from);
  name_kind(to.view_case(), to);
}

view read_view(wire::Answer& from, const value_codec& values, fault& f) {
  switch (from.view_case()) {
  case wire::Answer::kHotelView: return read(from.hotel_view(), values, f);
  case wire::Answer::kRoomTypeView: return read(from.room_type_view(), values, f);
  case wire::Answer::kRoomTypesView: return read(from.room_types_view(), values, f);
  case wire::Answer::kRoomsView: return read(from.rooms_view(), values, f);
  case wire::Answer::kCalendarView: return read(from.calendar_view(), f);
  case wire::Answer::kAvailabilityView: return read(*from.mutable_availability_view(), f);
  case wire::Answer::kReservationView:
    return reservation_view{f.take(values.decode_reservation(from.reservation_view().reservation()))};
  case wire::Answer::kReservationDeparted: return reservation_departed{{from.reservation_departed().number()}};
  case wire::Answer::kReservationsView: return read(from.reservations_view(), values, f);
  case wire::Answer::VIEW_NOT_SET: break;
  }
  KEYRACK_ASSERT(false);
  std::unreachable();
}

}  // namespace keyrack::cluster::wire_parts
