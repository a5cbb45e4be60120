// The body of a calendar change.
#include "actors/domain/limits.hpp"
#include "gateway/json_array.hpp"
#include "gateway/routes/bodies.hpp"

#include <algorithm>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

/// An absent field stays, `null` clears, a value sets: `read(field)` reads it.
template <typename T, typename Read>
setting<T> read_setting(object_reader& in, std::string_view field, Read read) {
  const auto* value = in.any(field, need::optional);
  if (value == nullptr) return {};
  if (value->is_null()) return {.what = setting<T>::kind::clear};
  return {.what = setting<T>::kind::set, .value = read(field)};
}

template <typename T>
setting<T> read_number(object_reader& in, std::string_view field, number_rule rule) {
  return read_setting<T>(in, field, [&](std::string_view name) {
    return static_cast<T>(in.number(name, need::optional, rule).value_or(rule.least));
  });
}

setting<bool> read_flag(object_reader& in, std::string_view field) {
  return read_setting<bool>(in, field, [&](std::string_view name) { return in.flag(name, false); });
}

void read_set(const json::value& value, const json_place& place, calendar_change& out, fault_list& faults) {
  object_reader in{value, place, faults};
  if (!in.is_object()) return;
  out.set.price = read_setting<std::int64_t>(in, "price", [&](std::string_view name) {
    const auto price = in.price(name, need::optional);
    if (price) out.price_currency = price->currency;
    return price ? price->minor : 0;
  });
  out.set.rooms_to_sell = read_number<std::int32_t>(in, "rooms_to_sell", {0, limits::rooms_per_type_max});
  out.set.min_stay = read_number<std::uint8_t>(in, "min_stay", {1, limits::stay_nights_max});
  out.set.max_stay = read_number<std::uint8_t>(in, "max_stay", {1, limits::stay_nights_max});
  out.set.closed = read_flag(in, "closed");
  out.set.closed_to_arrival = read_flag(in, "closed_to_arrival");
  out.set.closed_to_departure = read_flag(in, "closed_to_departure");
  in.finish();
  if (value.get_object().empty()) faults.add(place.pointer(), "empty", "Set something, or clear it with null.");
}

void read_types(object_reader& in, calendar_change& out, fault_list& faults) {
  in.array("room_types", need::optional, 1, limits::room_types_per_hotel_max,
           [&](const json::value& value, const json_place& place) {
             const auto* id = value.if_int64();
             const auto type = room_type_id{static_cast<std::uint16_t>(id == nullptr ? 0 : *id)};
             if (id == nullptr || *id < 1 || *id > 65'535) {
               faults.add(place.pointer(), "id", "Must be a room type's id.");
             } else if (std::ranges::find(out.types, type) != out.types.end()) {
               faults.add(place.pointer(), "repeated", "This room type stands here already.");
             } else {
               out.types.push_back(type);
             }
           });
}

void read_weekdays(object_reader& in, calendar_change& out, fault_list& faults) {
  if (!in.has("weekdays")) return;
  out.weekdays = 0;
  in.array("weekdays", need::optional, 1, 7, [&](const json::value& value, const json_place& place) {
    const auto* text = value.if_string();
    const auto day = text == nullptr ? std::nullopt : parse_weekday({text->data(), text->size()});
    if (!day) {
      faults.add(place.pointer(), "weekday", "Must be one of mon, tue, wed, thu, fri, sat, sun.");
    } else {
      out.weekdays = static_cast<std::uint8_t>(out.weekdays | 1U << static_cast<unsigned>(*day));
    }
  });
}

calendar_change read_change(const json::value& value, const json_place& place, fault_list& faults) {
  object_reader in{value, place, faults};
  calendar_change out;
  if (!in.is_object()) return out;
  read_types(in, out, faults);
  out.from = in.day("from", need::required).value_or(date{});
  out.to = in.day("to", need::required).value_or(date{});
  read_weekdays(in, out, faults);
  if (const auto* set = in.any("set", need::required)) read_set(*set, in.place_of("set"), out, faults);
  in.finish();
  return out;
}

}  // namespace

change_calendar read_calendar_changes(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  change_calendar out;
  if (!in.is_object()) return out;
  in.array("changes", need::required, 1, limits::calendar_changes_max,
           [&](const json::value& value, const json_place& place) {
             out.changes.push_back(read_change(value, place, faults));
           });
  in.finish();
  return out;
}

}  // namespace keyrack::gateway
