// Views to and from their messages. A calendar goes by columns: it has up to 731 nights of each of 500 types.
#include "actors/domain/assert.hpp"
#include "cluster/wire_codec_parts.hpp"

#include <algorithm>
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

std::uint32_t closed_of(const night_rule& rule) {
  return (rule.closed ? closed_bit : 0U) | (rule.closed_to_arrival ? arrival_bit : 0U) |
         (rule.closed_to_departure ? departure_bit : 0U);
}

/// One value of each night, unless all are `usual`.
template <typename T, typename Get>
void write_column(const std::vector<night_view>& from, google::protobuf::RepeatedField<T>& to, T usual, Get get) {
  if (std::ranges::all_of(from, [&](const night_view& n) { return get(n) == usual; })) return;
  to.Reserve(static_cast<int>(from.size()));
  for (const auto& n : from) to.AddAlreadyReserved(get(n));
}

void write(const calendar_view::of_type& from, wire::NightColumns& to) {
  using night = const night_view&;
  const auto& nights = from.nights;
  to.set_type(from.type.value);
  to.set_nights(static_cast<std::int32_t>(nights.size()));
  write_column(nights, *to.mutable_night(), 0, [](night n) { return n.night.days; });
  write_column(nights, *to.mutable_price(), std::int64_t{0}, [](night n) { return n.price; });
  write_column(nights, *to.mutable_total(), 0, [](night n) { return n.total; });
  write_column(nights, *to.mutable_limit(), 0, [](night n) { return n.limit; });
  write_column(nights, *to.mutable_taken(), 0, [](night n) { return n.taken; });
  write_column(nights, *to.mutable_free(), 0, [](night n) { return n.free; });
  write_column(nights, *to.mutable_oversold(), 0, [](night n) { return n.oversold; });
  write_column(nights, *to.mutable_rule_price(), night_rule::price_unset, [](night n) { return n.rule.price; });
  write_column(nights, *to.mutable_rule_rooms(), night_rule::rooms_unset, [](night n) { return n.rule.rooms_to_sell; });
  write_column(nights, *to.mutable_rule_min_stay(), 0U, [](night n) { return std::uint32_t{n.rule.min_stay}; });
  write_column(nights, *to.mutable_rule_max_stay(), 0U, [](night n) { return std::uint32_t{n.rule.max_stay}; });
  write_column(nights, *to.mutable_rule_closed(), 0U, [](night n) { return closed_of(n.rule); });
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

/// A column, or nothing: `usual` is of all nights then.
template <typename T>
T at(const google::protobuf::RepeatedField<T>& column, int i, T usual) {
  return column.empty() ? usual : column[i];
}

night_rule read_rule(const wire::NightColumns& from, int i, fault& f) {
  night_rule to;
  const auto price = at(from.rule_price(), i, night_rule::price_unset);
  if (price != night_rule::price_unset) to.price = read_price(price, f);
  to.rooms_to_sell = read_count(at(from.rule_rooms(), i, night_rule::rooms_unset), night_rule::rooms_unset,
                                limits::rooms_per_type_max, f);
  to.min_stay = read_nights(at(from.rule_min_stay(), i, 0U), f);
  to.max_stay = read_nights(at(from.rule_max_stay(), i, 0U), f);
  const auto closed = at(from.rule_closed(), i, 0U);
  to.closed = (closed & closed_bit) != 0;
  to.closed_to_arrival = (closed & arrival_bit) != 0;
  to.closed_to_departure = (closed & departure_bit) != 0;
  return to;
}

bool columns_fit(const wire::NightColumns& from) {
  const int nights = from.nights();
  if (nights < 0 || nights > nights_max) return false;
  const int sizes[] = {from.night_size(),         from.price_size(),         from.total_size(),
                       from.limit_size(),         from.taken_size(),         from.free_size(),
                       from.oversold_size(),      from.rule_price_size(),    from.rule_rooms_size(),
                       from.rule_min_stay_size(), from.rule_max_stay_size(), from.rule_closed_size()};
  return std::ranges::all_of(sizes, [&](int size) { return size == 0 || size == nights; });
}

calendar_view::of_type read(const wire::NightColumns& from, fault& f) {
  calendar_view::of_type to{.type = read_type(from.type(), f), .nights = {}};
  if (!f.require(columns_fit(from), "columns of nights that are too long or not equally long")) return to;
  to.nights.reserve(static_cast<std::size_t>(from.nights()));
  for (int i = 0; i < from.nights(); ++i) {
    to.nights.push_back({.night = read_date(at(from.night(), i, 0), f),
                         .price = read_price(at(from.price(), i, std::int64_t{0}), f),
                         .total = at(from.total(), i, 0),
                         .limit = at(from.limit(), i, 0),
                         .taken = at(from.taken(), i, 0),
                         .free = at(from.free(), i, 0),
                         .oversold = at(from.oversold(), i, 0),
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
