#include "deploy/demo/json.hpp"

#include <fmt/format.h>

#include <iterator>
#include <numeric>

namespace keyrack::demo {
namespace {

std::string money_json(std::int64_t minor, currency paid_in) {
  return fmt::format(R"({{"amount":"{}","currency":"{}"}})", amount_text({minor, paid_in}), paid_in.text());
}

/// `,"name":[…]`, or nothing for an empty list.
std::string optional_list(std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::string out = fmt::format(R"(,"{}":[)", name);
  for (const auto& item : items) out += json_text(item) + ',';
  out.back() = ']';
  return out;
}

/// `,"name":"…"`, or nothing for an empty text.
std::string optional_text(std::string_view name, std::string_view text) {
  return text.empty() ? std::string{} : fmt::format(R"(,"{}":{})", name, json_text(text));
}

std::string beds_json(const std::vector<bed>& beds) {
  if (beds.empty()) return {};
  std::string out = R"(,"beds":[)";
  for (const auto& b : beds) out += fmt::format(R"({{"kind":{},"count":{}}},)", json_text(b.kind), b.count);
  out.back() = ']';
  return out;
}

std::string weekdays_json(std::uint8_t weekdays) {
  if (weekdays == 0x7F) return {};
  std::string out = R"(,"weekdays":[)";
  for (std::uint8_t day = 0; day < 7; ++day) {
    if ((weekdays >> day & 1) != 0) out += fmt::format(R"("{}",)", to_text(weekday{day}));
  }
  out.back() = ']';
  return out;
}

/// What the generator sets: a price, a minimum stay, or closed to arrival.
std::string set_json(const calendar_change& change) {
  std::string out;
  const auto& set = change.set;
  if (set.price.what == setting<std::int64_t>::kind::set && change.price_currency) {
    out += fmt::format(R"("price":{},)", money_json(set.price.value, *change.price_currency));
  }
  if (set.min_stay.what == setting<std::uint8_t>::kind::set)
    out += fmt::format(R"("min_stay":{},)", set.min_stay.value);
  if (set.closed_to_arrival.what == setting<bool>::kind::set) {
    out += fmt::format(R"("closed_to_arrival":{},)", set.closed_to_arrival.value);
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string change_json(const calendar_change& change, const std::vector<room_type_id>& ids) {
  std::string types;
  for (const auto type : change.types) types += fmt::format("{},", ids.at(type.value - 1U).value);
  if (!types.empty()) types = fmt::format(R"("room_types":[{}],)", types.substr(0, types.size() - 1));
  return fmt::format(R"({{{}"from":"{}","to":"{}"{},"set":{{{}}}}})", types, to_text(change.from), to_text(change.to),
                     weekdays_json(change.weekdays), set_json(change));
}

/// `[` an item a line `]`.
template <typename Items, typename Render>
std::string lines(const Items& items, Render render) {
  std::string out = "[";
  for (const auto& item : items) out += "\n    " + render(item) + ",";
  if (out.back() == ',') out.pop_back();
  return out + "]";
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string hotel_body(const hotel_profile& hotel) {
  std::string out =
      fmt::format(R"({{"name":{},"city":{},"country":"{}","address":{},"location":{{"lat":{},"lon":{}}},)",
                  json_text(hotel.name), json_text(hotel.city), hotel.country, json_text(hotel.address),
                  hotel.location.latitude, hotel.location.longitude);
  out += fmt::format(R"("time_zone":"{}","currency":"{}")", hotel.time_zone, hotel.currency.text());
  if (hotel.stars) out += fmt::format(R"(,"stars":{})", *hotel.stars);
  out += optional_text("description", hotel.description) + optional_list("amenities", hotel.amenities);
  out += optional_text("group", hotel.group);
  if (hotel.overbooking_percent > 0) out += fmt::format(R"(,"overbooking_percent":{})", hotel.overbooking_percent);
  if (!hotel.attributes.empty()) out += fmt::format(R"(,"attributes":{})", hotel.attributes);
  return out + "}";
}

std::string room_type_body(const room_type_profile& type) {
  return fmt::format(R"({{"name":{},"code":{},"rooms":{},"max_guests":{}{}{},"price":{}{}}})", json_text(type.name),
                     json_text(type.code), type.rooms, type.max_guests, beds_json(type.beds),
                     optional_list("amenities", type.amenities), money_json(type.price, type.currency),
                     optional_text("description", type.description));
}

std::string calendar_body(const std::vector<calendar_change>& changes, const std::vector<room_type_id>& ids) {
  std::string out = R"({"changes":[)";
  for (const auto& change : changes) out += change_json(change, ids) + ',';
  if (out.back() == ',') out.pop_back();
  return out + "]}";
}

std::string reservation_body(std::string_view hotel_id, room_type_id type, const booking& booked,
                             std::string_view guest_name) {
  return fmt::format(R"({{"hotel_id":"{}","check_in":"{}","check_out":"{}",)"
                     R"("items":[{{"room_type_id":{},"rooms":{},"guests":{}}}],"guest":{{"name":{}}},"hold":false}})",
                     hotel_id, to_text(booked.stay.check_in), to_text(booked.stay.check_out), type.value, booked.rooms,
                     booked.guests, json_text(guest_name));
}

std::string show(const hotel_plan& hotel, const std::vector<calendar_change>& calendar,
                 const std::vector<booking>& bookings) {
  std::vector<room_type_id> ids(hotel.room_types.size());
  for (std::size_t n = 0; n < ids.size(); ++n) ids[n].value = static_cast<std::uint16_t>(n + 1);
  const auto render_change = [&ids](const calendar_change& change) { return change_json(change, ids); };
  const auto render_booking = [](const booking& b) {
    return fmt::format(R"({{"room_type":{},"check_in":"{}","check_out":"{}","rooms":{},"guests":{}}})", b.type.value,
                       to_text(b.stay.check_in), to_text(b.stay.check_out), b.rooms, b.guests);
  };
  return fmt::format(
      "{{\n  \"index\":{},\n  \"hotel\":{},\n  \"room_types\":{},\n  \"calendar\":{},\n  \"bookings\":{}\n}}",
      hotel.index, hotel_body(hotel.profile), lines(hotel.room_types, room_type_body), lines(calendar, render_change),
      lines(bookings, render_booking));
}

}  // namespace keyrack::demo
