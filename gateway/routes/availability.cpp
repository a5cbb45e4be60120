// What can be had of a hotel for a stay, at what price, or why not: exact, from the hotel itself.
#include "actors/domain/limits.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

namespace keyrack::gateway::routes {
namespace {

void write_type(json_writer& json, const availability_view& all, const availability_view::of_type& of) {
  json.begin_object().field("room_type_id", of.type.value).field("name", of.name);
  json.field("max_guests", of.max_guests).field("free", of.free).field("bookable", of.bookable);
  json.name("nights").begin_array();
  auto night = all.stay.check_in;
  std::int64_t one_room = 0;
  for (const auto price : of.night_prices) {
    json.begin_object().field("date", night).field("price", money{price, all.priced_in}).end_object();
    one_room += price;
    ++night;
  }
  json.end_array().field("total", money{one_room * all.rooms, all.priced_in});
  json.name("reasons").begin_array();
  for (const auto& why : of.reasons) write_reason(json, why);
  json.end_array().end_object();
}

}  // namespace

task<> get_availability(exchange& x) {
  x.query->need("check_in");
  x.query->need("check_out");
  const auto check_in = x.query->day("check_in");
  const auto check_out = x.query->day("check_out");
  const auto rooms = x.query->number("rooms", 1, limits::rooms_per_type_max);
  const auto guests = x.query->number("guests", 1, limits::rooms_per_type_max * limits::guests_per_room_max);
  if (x.query_failed()) co_return;
  const availability_query asked{{*check_in, *check_out}, guests.value_or(1), rooms.value_or(1)};
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, asked));
  const auto* shown = view_of<availability_view>(x, from);
  if (shown == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().field("hotel_id", from.hotel);
  json.field("check_in", shown->stay.check_in).field("check_out", shown->stay.check_out);
  json.field("guests", shown->guests).field("rooms", shown->rooms).name("room_types").begin_array();
  for (const auto& type : shown->types) write_type(json, *shown, type);
  json.end_array().end_object();
}

}  // namespace keyrack::gateway::routes
