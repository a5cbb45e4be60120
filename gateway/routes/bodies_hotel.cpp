// Bodies of hotels, room types and rooms.
#include "actors/domain/limits.hpp"
#include "actors/time_zones.hpp"
#include "gateway/json_array.hpp"
#include "gateway/routes/bodies.hpp"

#include <algorithm>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

constexpr text_rule name_rule{.bytes_max = limits::name_bytes_max};
constexpr text_rule address_rule{.bytes_max = limits::name_bytes_max, .lines = true};
constexpr text_rule description_rule{.bytes_max = limits::text_bytes_max, .may_be_empty = true, .lines = true};

bool is_country(std::string_view text) {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

void read_place(object_reader& in, hotel_profile& out, fault_list& faults) {
  out.city = in.text("city", need::required, name_rule);
  out.country = in.text("country", need::required, name_rule);
  if (!out.country.empty() && !is_country(out.country)) {
    in.add_fault("country", "country", "Must be an ISO 3166-1 code, two capitals.");
  }
  out.address = in.text("address", need::required, address_rule);
  out.time_zone = in.text("time_zone", need::required, name_rule);
  if (!out.time_zone.empty() && !time_zone_exists(out.time_zone)) {
    in.add_fault("time_zone", "time_zone", "Must be a name of the IANA time zone database, such as Europe/Zurich.");
  }
  if (const auto* where = in.any("location", need::required)) {
    const auto place = in.place_of("location");
    object_reader point{*where, place, faults};
    out.location.latitude = point.real("lat", need::required, -90, 90).value_or(0);
    out.location.longitude = point.real("lon", need::required, -180, 180).value_or(0);
    point.finish();
  }
}

bool has_nul(const json::value& value) {
  const auto in_text = [](json::string_view text) { return text.find('\0') != json::string_view::npos; };
  if (const auto* text = value.if_string()) return in_text(*text);
  if (const auto* array = value.if_array()) return std::ranges::any_of(*array, has_nul);
  const auto* object = value.if_object();
  return object != nullptr &&
         std::ranges::any_of(*object, [&](const auto& m) { return in_text(m.key()) || has_nul(m.value()); });
}

/// The text as it was sent, if there is one; else a text of the same meaning.
std::string read_attributes(object_reader& in, std::string_view text) {
  const auto* value = in.any("attributes", need::optional);
  if (value == nullptr) return {};
  if (!value->is_object()) {
    in.add_fault("attributes", "type", "Must be an object; what is in it is yours.");
    return {};
  }
  auto kept = std::string{raw_field(text, "attributes")};
  if (kept.empty()) append_json(kept, *value);
  if (kept.size() > limits::attributes_bytes_max) {
    in.add_fault("attributes", "too_long", "At most 16384 bytes as JSON.");
  } else if (has_nul(*value)) {
    in.add_fault("attributes", "characters", "NUL is not allowed.");
  }
  return kept;
}

template <typename Int>
Int narrow(std::optional<std::int64_t> number, Int fallback) {
  return number ? static_cast<Int>(*number) : fallback;
}

bed read_bed(const json::value& value, const json_place& place, fault_list& faults) {
  object_reader in{value, place, faults};
  bed out;
  out.kind = in.text("kind", need::required, name_rule);
  out.count = narrow(in.number("count", need::optional, {1, limits::guests_per_room_max}), 1);
  in.finish();
  return out;
}

out_of_order read_out_of_order(const json::value& value, const json_place& place, fault_list& faults) {
  object_reader in{value, place, faults};
  out_of_order out;
  const auto from = in.day("from", need::required);
  const auto to = in.day("to", need::required);
  if (from && to && *from >= *to) in.add_fault("to", "range", "Must be after from: it is exclusive.");
  out.from = from.value_or(date{});
  out.to = to.value_or(date{});
  in.finish();
  return out;
}

room read_room(const json::value& value, const json_place& place, fault_list& faults) {
  object_reader in{value, place, faults};
  room out;
  out.number = in.text("number", need::required, {.bytes_max = limits::room_number_bytes_max});
  out.type.value = narrow<std::uint16_t>(in.number("room_type_id", need::required, {1, 65'535}), 0);
  in.array("out_of_order", need::optional, 0, limits::out_of_order_per_room_max,
           [&](const json::value& range, const json_place& at) {
             out.out_of_order.push_back(read_out_of_order(range, at, faults));
           });
  in.finish();
  return out;
}

void refuse_repeated_numbers(const std::vector<room>& rooms, const json_place& list, fault_list& faults) {
  std::vector<std::size_t> order(rooms.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::size_t i) -> const std::string& { return rooms[i].number; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (rooms[order[i]].number.empty() || rooms[order[i]].number != rooms[order[i - 1]].number) continue;
    const json_place element{.within = &list, .index = order[i]};
    const json_place number{.within = &element, .field = "number"};
    faults.add(number.pointer(), "repeated", "Another room has this number.");
  }
}

}  // namespace

hotel_profile read_hotel(const json::value& body, std::string_view text, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  hotel_profile out;
  if (!in.is_object()) return out;
  out.name = in.text("name", need::required, name_rule);
  read_place(in, out, faults);
  out.currency = in.currency_code("currency", need::required).value_or(currency{});
  if (const auto stars = in.number("stars", need::optional, {1, 5})) out.stars = static_cast<std::int32_t>(*stars);
  out.description = in.text("description", need::optional, description_rule);
  out.amenities = in.texts("amenities", limits::amenities_max, name_rule);
  out.group = in.text("group", need::optional, {.bytes_max = limits::name_bytes_max, .may_be_empty = true});
  out.overbooking_percent =
      narrow(in.number("overbooking_percent", need::optional, {0, limits::overbooking_percent_max}), 0);
  out.hold_seconds = narrow(
      in.number("hold_seconds", need::optional,
                {std::chrono::seconds{limits::hold_min}.count(), std::chrono::seconds{limits::hold_total_max}.count()}),
      static_cast<std::int32_t>(std::chrono::seconds{limits::hold_default}.count()));
  out.attributes = read_attributes(in, text);
  in.finish();
  return out;
}

room_type_profile read_room_type(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  room_type_profile out;
  if (!in.is_object()) return out;
  out.name = in.text("name", need::required, name_rule);
  out.code = in.text("code", need::optional, {.bytes_max = limits::name_bytes_max, .may_be_empty = true});
  out.rooms = narrow(in.number("rooms", need::required, {0, limits::rooms_per_type_max}), 0);
  out.max_guests = narrow(in.number("max_guests", need::required, {1, limits::guests_per_room_max}), 1);
  in.array("beds", need::optional, 0, limits::beds_max, [&](const json::value& value, const json_place& place) {
    out.beds.push_back(read_bed(value, place, faults));
  });
  out.amenities = in.texts("amenities", limits::amenities_max, name_rule);
  if (const auto price = in.price("price", need::required)) {
    out.price = price->minor;
    out.currency = price->currency;
  }
  if (const auto percent = in.number("overbooking_percent", need::optional, {0, limits::overbooking_percent_max})) {
    out.overbooking_percent = static_cast<std::int32_t>(*percent);
  }
  out.description = in.text("description", need::optional, description_rule);
  in.finish();
  return out;
}

std::vector<room> read_rooms(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  std::vector<room> out;
  if (!in.is_object()) return out;
  in.array("rooms", need::required, 0, limits::rooms_listed_max,
           [&](const json::value& value, const json_place& place) { out.push_back(read_room(value, place, faults)); });
  refuse_repeated_numbers(out, in.place_of("rooms"), faults);
  in.finish();
  return out;
}

}  // namespace keyrack::gateway
