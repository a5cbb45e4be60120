// The calendar of a hotel: what each night of each room type is, and how it is changed.
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <limits>

namespace keyrack::gateway::routes {
namespace {

// Nights of room types in one answer: some 10 MB of JSON.
constexpr std::size_t nights_max = 50'000;

void write_night(json_writer& json, const night_view& of, currency priced_in) {
  json.begin_object().field("date", of.night).field("price", money{of.price, priced_in});
  json.field("total", of.total).field("limit", of.limit).field("taken", of.taken).field("free", of.free);
  if (of.oversold > 0) json.field("oversold", of.oversold);
  const auto& rule = of.rule;
  if (rule.rooms_to_sell != night_rule::rooms_unset) json.field("rooms_to_sell", rule.rooms_to_sell);
  if (rule.min_stay > 0) json.field("min_stay", rule.min_stay);
  if (rule.max_stay > 0) json.field("max_stay", rule.max_stay);
  if (rule.closed) json.field("closed", true);
  if (rule.closed_to_arrival) json.field("closed_to_arrival", true);
  if (rule.closed_to_departure) json.field("closed_to_departure", true);
  json.end_object();
}

bool is_too_long(const calendar_view& view) {
  std::size_t nights = 0;
  for (const auto& type : view.types) nights += type.nights.size();
  return nights > nights_max;
}

struct next_turn {
  exchange& x;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const { x.use.later(waiting); }
  void await_resume() const {}
};

}  // namespace

task<> get_calendar(exchange& x) {
  x.query->need("from");
  x.query->need("to");
  const auto first = x.query->day("from");
  const auto end = x.query->day("to");
  const auto type = x.query->number("room_type", 1, std::numeric_limits<std::uint16_t>::max());
  if (x.query_failed()) co_return;
  calendar_query asked{*first, *end, {}};
  if (type) asked.type = room_type_id{static_cast<std::uint16_t>(*type)};
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, asked));
  const auto* shown = view_of<calendar_view>(x, from);
  if (shown == nullptr) co_return;
  if (is_too_long(*shown)) {
    x.query->add_fault(
        "to", "too_many",
        fmt::format("An answer has at most {} nights of room types: ask for fewer, or for one room_type.", nights_max));
    x.query_failed();
    co_return;
  }
  x.answer.etag(shown->version);
  json_writer json{x.answer.body};
  json.begin_object().field("hotel_id", from.hotel).field("from", *first).field("to", *end);
  json.name("room_types").begin_array();
  for (const auto& of : shown->types) {
    json.begin_object().field("room_type_id", of.type.value).name("nights").begin_array();
    for (const auto& night : of.nights) write_night(json, night, shown->priced_in);
    json.end_array().end_object();
    // Two years of a type are half a millisecond: others have their turn between two of them.
    if (of.nights.size() > 90) co_await next_turn{x};
  }
  json.end_array().field("version", shown->version).end_object();
}

task<> change_calendar(exchange& x) {
  auto ready = read_and_begin(x, read_calendar_changes);
  if (!ready) co_return;
  command what = std::move(ready->second);
  co_await run_command(x, std::move(ready->first), std::move(what));
}

}  // namespace keyrack::gateway::routes
