// Calendar changes as JSON, as they were applied: types spelt out, absent fields absent, cleared ones null.
#include "gateway/render.hpp"

namespace keyrack::gateway {
namespace {

template <typename T, typename Write>
void write_setting(json_writer& json, std::string_view name, const setting<T>& of, Write write) {
  using kind = typename setting<T>::kind;
  if (of.what == kind::keep) return;
  json.name(name);
  if (of.what == kind::clear) {
    json.null();
  } else {
    write(of.value);
  }
}

void write_change(json_writer& json, const calendar_change& change) {
  const auto plain = [&json](auto value) { json.value(value); };
  json.begin_object().name("room_types").begin_array();
  for (const auto type : change.types) json.value(type.value);
  json.end_array().field("from", change.from).field("to", change.to);
  if (change.weekdays != 0x7F) {
    json.name("weekdays").begin_array();
    for (std::uint8_t day = 0; day < 7; ++day) {
      if ((change.weekdays >> day & 1) != 0) json.value(to_text(weekday{day}));
    }
    json.end_array();
  }
  json.name("set").begin_object();
  const auto& set = change.set;
  write_setting(json, "price", set.price,
                [&](std::int64_t minor) { json.value(money{minor, change.price_currency.value_or(currency{})}); });
  write_setting(json, "rooms_to_sell", set.rooms_to_sell, plain);
  write_setting(json, "min_stay", set.min_stay, plain);
  write_setting(json, "max_stay", set.max_stay, plain);
  write_setting(json, "closed", set.closed, plain);
  write_setting(json, "closed_to_arrival", set.closed_to_arrival, plain);
  write_setting(json, "closed_to_departure", set.closed_to_departure, plain);
  json.end_object().end_object();
}

}  // namespace

void write_calendar_changes(json_writer& json, const std::vector<calendar_change>& changes) {
  json.begin_array();
  for (const auto& change : changes) write_change(json, change);
  json.end_array();
}

}  // namespace keyrack::gateway
