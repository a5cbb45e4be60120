#include "persistence/codec_values.hpp"

#include "actors/domain/limits.hpp"

#include <cmath>

namespace keyrack::persistence {
namespace {

using wire::fault;

std::string_view to_bytes(const currency& c) { return c == currency{} ? std::string_view{} : c.text(); }

currency read_currency(const std::string& code, fault& f) {
  if (code.empty()) return {};
  bool good = code.size() == 3;
  for (const char c : code) good = good && c >= 'A' && c <= 'Z';
  if (!f.require(good, "a currency that is not three capitals")) return {};
  return {{code[0], code[1], code[2]}};
}

std::string read_text(const std::string& text, std::size_t bytes_max, fault& f) {
  f.require(text.size() <= bytes_max, "a text that is too long");
  return text;
}

template <typename T>
std::int32_t read_count(T value, std::int32_t max, fault& f) {
  f.require(value >= 0 && value <= max, "a count out of range");
  return static_cast<std::int32_t>(value);
}

std::int64_t read_price(std::int64_t minor, fault& f) {
  f.require(minor >= 0 && minor <= limits::price_minor_max, "a price out of range");
  return minor;
}

std::uint8_t read_nights(std::uint32_t nights, fault& f) {
  f.require(nights <= 255, "a length of stay out of range");
  return static_cast<std::uint8_t>(nights);
}

template <typename Texts>
std::vector<std::string> read_words(const Texts& texts, int max, fault& f) {
  f.require(texts.size() <= max, "too many words in a list");
  std::vector<std::string> words;
  words.reserve(static_cast<std::size_t>(texts.size()));
  for (const auto& text : texts) words.push_back(read_text(text, word_bytes_max, f));
  return words;
}

// `clear` names the fields of NightChange by their numbers, in order.
enum night_field : std::uint32_t { price, rooms_to_sell, min_stay, max_stay, closed, to_arrival, to_departure, count };

template <typename T, typename Set>
void write_setting(const setting<T>& from, night_field field, pb::NightChange& to, Set set) {
  if (from.what == setting<T>::kind::set) set(from.value);
  if (from.what == setting<T>::kind::clear) to.add_clear(field + 1);
}

void write(const night_change& from, pb::NightChange& to) {
  write_setting(from.price, price, to, [&](auto v) { to.set_price(v); });
  write_setting(from.rooms_to_sell, rooms_to_sell, to, [&](auto v) { to.set_rooms_to_sell(v); });
  write_setting(from.min_stay, min_stay, to, [&](auto v) { to.set_min_stay(v); });
  write_setting(from.max_stay, max_stay, to, [&](auto v) { to.set_max_stay(v); });
  write_setting(from.closed, closed, to, [&](auto v) { to.set_closed(v); });
  write_setting(from.closed_to_arrival, to_arrival, to, [&](auto v) { to.set_closed_to_arrival(v); });
  write_setting(from.closed_to_departure, to_departure, to, [&](auto v) { to.set_closed_to_departure(v); });
}

template <typename T>
setting<T> read_setting(bool given, T value, night_field field, const bool (&cleared)[count], fault& f) {
  using kind = typename setting<T>::kind;
  f.require(!(given && cleared[field]), "a night's field both set and cleared");
  if (given) return {kind::set, value};
  return {cleared[field] ? kind::clear : kind::keep, T{}};
}

night_change read(const pb::NightChange& from, fault& f) {
  wire::require_known(from, f);
  bool cleared[count] = {};
  std::uint32_t last = 0;
  for (const auto field : from.clear()) {
    if (!f.require(field > last && field <= count, "cleared fields out of order")) return {};
    cleared[field - 1] = true;
    last = field;
  }
  night_change to;
  to.price = read_setting(from.has_price(), read_price(from.price(), f), price, cleared, f);
  to.rooms_to_sell =
      read_setting(from.has_rooms_to_sell(), read_count(from.rooms_to_sell(), limits::rooms_per_type_max, f),
                   rooms_to_sell, cleared, f);
  to.min_stay = read_setting(from.has_min_stay(), read_nights(from.min_stay(), f), min_stay, cleared, f);
  to.max_stay = read_setting(from.has_max_stay(), read_nights(from.max_stay(), f), max_stay, cleared, f);
  to.closed = read_setting(from.has_closed(), from.closed(), closed, cleared, f);
  to.closed_to_arrival = read_setting(from.has_closed_to_arrival(), from.closed_to_arrival(), to_arrival, cleared, f);
  to.closed_to_departure =
      read_setting(from.has_closed_to_departure(), from.closed_to_departure(), to_departure, cleared, f);
  return to;
}

reserved_item read(const pb::ReservedItem& from, int nights, fault& f) {
  wire::require_known(from, f);
  constexpr int guests_max = limits::rooms_per_type_max * limits::guests_per_room_max;
  reserved_item to{.type = read_type(from.type(), f),
                   .rooms = read_count(from.rooms(), limits::rooms_per_type_max, f),
                   .guests = read_count(from.guests(), guests_max, f),
                   .night_prices = {from.night_prices().begin(), from.night_prices().end()}};
  f.require(to.rooms > 0, "an item without rooms");
  f.require(from.night_prices_size() == nights, "prices that are not one for each night");
  for (const auto minor : to.night_prices) read_price(minor, f);
  return to;
}

}  // namespace

instant read_instant(std::int64_t us, fault& f) {
  f.require(us >= 0 && us <= instant_us_max, "an instant out of range");
  return instant{std::chrono::microseconds{us}};
}

date read_date(std::int32_t days, fault& f) {
  f.require(days >= 0 && days <= date_days_max, "a date out of range");
  return {days};
}

room_type_id read_type(std::uint32_t id, fault& f) {
  f.require(id >= 1 && id <= 0xFFFF, "a room type's id out of range");
  return {static_cast<std::uint16_t>(id)};
}

operation read_operation(std::uint32_t number, fault& f) {
  f.require(number <= static_cast<std::uint32_t>(operation::lapse_holds), "an operation that is not known");
  return static_cast<operation>(number);
}

void write(const hotel_profile& from, pb::HotelProfile& to) {
  to.set_name(from.name);
  to.set_city(from.city);
  to.set_country(from.country);
  to.set_address(from.address);
  to.set_latitude(from.location.latitude);
  to.set_longitude(from.location.longitude);
  to.set_time_zone(from.time_zone);
  to.set_currency(std::string(to_bytes(from.currency)));
  if (from.stars) to.set_stars(*from.stars);
  to.set_description(from.description);
  for (const auto& a : from.amenities) to.add_amenities(a);
  to.set_group(from.group);
  to.set_overbooking_percent(from.overbooking_percent);
  to.set_hold_seconds(from.hold_seconds);
  to.set_attributes(from.attributes);
}

hotel_profile read(const pb::HotelProfile& from, fault& f) {
  wire::require_known(from, f);
  // Written so that a NaN fails too.
  f.require(std::abs(from.latitude()) <= 90 && std::abs(from.longitude()) <= 180, "a place that is not on the map");
  hotel_profile to;
  to.name = read_text(from.name(), word_bytes_max, f);
  to.city = read_text(from.city(), word_bytes_max, f);
  to.country = read_text(from.country(), word_bytes_max, f);
  to.address = read_text(from.address(), word_bytes_max, f);
  to.location = {from.latitude(), from.longitude()};
  to.time_zone = read_text(from.time_zone(), word_bytes_max, f);
  to.currency = read_currency(from.currency(), f);
  if (from.has_stars()) to.stars = read_count(from.stars(), 10, f);
  to.description = read_text(from.description(), limits::text_bytes_max, f);
  to.amenities = read_words(from.amenities(), limits::amenities_max, f);
  to.group = read_text(from.group(), word_bytes_max, f);
  to.overbooking_percent = read_count(from.overbooking_percent(), limits::overbooking_percent_max, f);
  to.hold_seconds = read_count(from.hold_seconds(), std::chrono::seconds{limits::hold_total_max}.count(), f);
  to.attributes = read_text(from.attributes(), limits::attributes_bytes_max, f);
  return to;
}

void write(const room_type_profile& from, pb::RoomTypeProfile& to) {
  to.set_name(from.name);
  to.set_code(from.code);
  to.set_rooms(from.rooms);
  to.set_max_guests(from.max_guests);
  for (const auto& b : from.beds) {
    auto& bed = *to.add_beds();
    bed.set_kind(b.kind);
    bed.set_count(b.count);
  }
  for (const auto& a : from.amenities) to.add_amenities(a);
  to.set_price(from.price);
  to.set_currency(std::string(to_bytes(from.currency)));
  if (from.overbooking_percent) to.set_overbooking_percent(*from.overbooking_percent);
  to.set_description(from.description);
}

room_type_profile read(const pb::RoomTypeProfile& from, fault& f) {
  wire::require_known(from, f);
  room_type_profile to;
  to.name = read_text(from.name(), word_bytes_max, f);
  to.code = read_text(from.code(), word_bytes_max, f);
  to.rooms = read_count(from.rooms(), limits::rooms_per_type_max, f);
  to.max_guests = read_count(from.max_guests(), limits::guests_per_room_max, f);
  f.require(from.beds_size() <= limits::beds_max, "too many kinds of beds");
  for (const auto& b : from.beds()) {
    wire::require_known(b, f);
    to.beds.push_back({read_text(b.kind(), word_bytes_max, f), read_count(b.count(), limits::guests_per_room_max, f)});
  }
  to.amenities = read_words(from.amenities(), limits::amenities_max, f);
  to.price = read_price(from.price(), f);
  to.currency = read_currency(from.currency(), f);
  if (from.has_overbooking_percent())
    to.overbooking_percent = read_count(from.overbooking_percent(), limits::overbooking_percent_max, f);
  to.description = read_text(from.description(), limits::text_bytes_max, f);
  return to;
}

void write(const room& from, pb::Room& to) {
  to.set_number(from.number);
  to.set_type(from.type.value);
  for (const auto& range : from.out_of_order) {
    auto& o = *to.add_out_of_order();
    o.set_from(range.from.days);
    o.set_to(range.to.days);
  }
}

room read(const pb::Room& from, fault& f) {
  wire::require_known(from, f);
  f.require(from.out_of_order_size() <= limits::out_of_order_per_room_max, "a room out of order too often");
  room to{.number = read_text(from.number(), limits::room_number_bytes_max, f),
          .type = read_type(from.type(), f),
          .out_of_order = {}};
  for (const auto& o : from.out_of_order()) {
    wire::require_known(o, f);
    to.out_of_order.push_back({read_date(o.from(), f), read_date(o.to(), f)});
    f.require(o.from() < o.to(), "a range that ends before it begins");
  }
  return to;
}

void write(const calendar_change& from, pb::CalendarChange& to) {
  for (const auto type : from.types) to.add_types(type.value);
  to.set_from(from.from.days);
  to.set_to(from.to.days);
  to.set_weekdays(from.weekdays);
  write(from.set, *to.mutable_set());
  if (from.price_currency) to.set_price_currency(std::string(to_bytes(*from.price_currency)));
}

calendar_change read(const pb::CalendarChange& from, fault& f) {
  wire::require_known(from, f);
  f.require(from.types_size() <= limits::room_types_per_hotel_max, "too many room types in a change");
  f.require(from.weekdays() <= 0x7F && from.has_set(), "a calendar change that says nothing");
  calendar_change to;
  for (const auto type : from.types()) to.types.push_back(read_type(type, f));
  to.from = read_date(from.from(), f);
  to.to = read_date(from.to(), f);
  to.weekdays = static_cast<std::uint8_t>(from.weekdays());
  to.set = read(from.set(), f);
  if (!from.price_currency().empty()) to.price_currency = read_currency(from.price_currency(), f);
  return to;
}

void require_nights(const calendar_change& change, fault& f) {
  f.require(change.from < change.to, "a calendar change without nights");
  const auto nights = std::int64_t{change.to.days} - change.from.days;  // of dates that may be out of range
  f.require(nights <= 2 * limits::bookable_nights, "a calendar change of too many nights");
}

void write(const reservation& from, pb::Reservation& to) {
  to.set_number(from.number.value);
  to.set_status(static_cast<std::uint32_t>(from.status));
  to.set_key_is_client_reference(from.key_is_client_reference);
  to.set_created_by_high(from.created_by.high);
  to.set_created_by_low(from.created_by.low);
  to.set_guest_high(from.guest.high);
  to.set_guest_low(from.guest.low);
  to.set_check_in(from.stay.check_in.days);
  to.set_check_out(from.stay.check_out.days);
  for (const auto& i : from.items) {
    auto& item = *to.add_items();
    item.set_type(i.type.value);
    item.set_rooms(i.rooms);
    item.set_guests(i.guests);
    item.mutable_night_prices()->Add(i.night_prices.begin(), i.night_prices.end());
  }
  for (const auto& number : from.room_numbers) to.add_room_numbers(number);
  const auto priced_in = to_bytes(from.priced_in);
  to.set_priced_in(priced_in.data(), priced_in.size());
  to.set_created_at(to_us(from.created_at));
  to.set_updated_at(to_us(from.updated_at));
  to.set_hold_expires_at(to_us(from.hold_expires_at));
  to.set_version(from.version);
}

reservation read(const pb::Reservation& from, fault& f) {
  wire::require_known(from, f);
  f.require(from.number() > 0 && from.version() > 0, "a reservation without number or version");
  f.require(from.status() <= static_cast<std::uint32_t>(reservation_status::no_show), "a status that is not known");
  reservation to;
  to.number = {from.number()};
  to.status = static_cast<reservation_status>(from.status());
  to.key_is_client_reference = from.key_is_client_reference();
  to.created_by = {from.created_by_high(), from.created_by_low()};
  to.guest = {from.guest_high(), from.guest_low()};
  to.stay = {read_date(from.check_in(), f), read_date(from.check_out(), f)};
  const auto nights = static_cast<std::int64_t>(from.check_out()) - from.check_in();
  f.require(nights >= 1 && nights <= limits::stay_nights_max, "a stay of no or of too many nights");
  f.require(from.items_size() >= 1 && from.items_size() <= limits::items_per_reservation_max,
            "no or too many items in a reservation");
  if (f) return to;  // what follows counts on these bounds
  std::int64_t rooms = 0;
  to.items.reserve(static_cast<std::size_t>(from.items_size()));
  for (const auto& item : from.items()) rooms += to.items.emplace_back(read(item, to.stay.nights(), f)).rooms;
  f.require(from.room_numbers_size() <= rooms, "more room numbers than rooms");
  for (const auto& number : from.room_numbers())
    to.room_numbers.push_back(read_text(number, limits::room_number_bytes_max, f));
  to.priced_in = read_currency(from.priced_in(), f);
  to.created_at = read_instant(from.created_at(), f);
  to.updated_at = read_instant(from.updated_at(), f);
  to.hold_expires_at = read_instant(from.hold_expires_at(), f);
  to.version = from.version();
  return to;
}

}  // namespace keyrack::persistence
