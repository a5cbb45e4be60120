// Malformed requests whose fault is in the body: JSON, but not what the request takes.
#include "actors/domain/ids.hpp"
#include "tests/gateway/bodies.hpp"
#include "tests/gateway/malformed_requests.hpp"

namespace keyrack::testing {
namespace {

/// A field of an otherwise good body, replaced; added when it is not there.
std::string replaced(std::string body, const std::string& field, const std::string& value) {
  const auto at_field = body.find("\"" + field + "\":");
  if (at_field == std::string::npos) return body.substr(0, body.size() - 1) + ",\"" + field + "\":" + value + "}";
  auto end = at_field + field.size() + 3;
  for (int depth = 0; depth > 0 || (body[end] != ',' && body[end] != '}'); ++end) {
    if (body[end] == '{' || body[end] == '[') ++depth;
    if (body[end] == '}' || body[end] == ']') --depth;
    if (body[end] == '"') end = body.find('"', end + 1);
  }
  return body.substr(0, at_field) + "\"" + field + "\":" + value + body.substr(end);
}

}  // namespace

void hotels(malformed_requests& to) {
  const auto field = [](const std::string& name, const std::string& value, const std::string& code) {
    return malformed{"POST", "/v1/hotels",   replaced(hotel_body(), name, value),
                     422,    "body_invalid", "/" + name + ":" + code};
  };
  const auto q = [](const std::string& text) { return "\"" + text + "\""; };
  to.add({
      {"POST", "/v1/hotels", "[]", 422, "body_invalid", ":type"},
      {"POST", "/v1/hotels", "null", 422, "body_invalid", ":type"},
      {"POST", "/v1/hotels", "{}", 422, "body_invalid",
       "/name:required /city:required /country:required /address:required /time_zone:required /location:required "
       "/currency:required"},
      field("name", "7", "type"),
      field("name", q(""), "empty"),
      field("name", q(std::string(201, 'x')), "too_long"),
      field("name", q("a\\u0000b"), "characters"),
      field("name", "null", "type"),
      field("city", "[]", "type"),
      field("country", q("ch"), "country"),
      field("country", q("CHE"), "country"),
      field("country", q("Č"), "country"),
      field("address", q(""), "empty"),
      field("time_zone", q("Europe/Nowhere"), "time_zone"),
      field("time_zone", q("../../etc/passwd"), "time_zone"),
      field("time_zone", "1", "type"),
      field("currency", q("chf"), "currency"),
      field("currency", q("XQX"), "currency"),
      field("currency", "1", "currency"),
      field("location", "[47,8]", "type"),
      field("location", "null", "type"),
      {"POST", "/v1/hotels", replaced(hotel_body(), "location", R"({"lat":91,"lon":-180.5})"), 422, "body_invalid",
       "/location/lat:range /location/lon:range"},
      {"POST", "/v1/hotels", replaced(hotel_body(), "location", R"({"lat":"47","lon":8,"alt":1})"), 422, "body_invalid",
       "/location/lat:type /location/alt:unknown_field"},
      {"POST", "/v1/hotels", replaced(hotel_body(), "location", "{}"), 422, "body_invalid",
       "/location/lat:required /location/lon:required"},
      field("stars", "0", "range"),
      field("stars", "6", "range"),
      field("stars", "4.5", "type"),
      field("stars", q("4"), "type"),
      field("stars", "99999999999999999999", "type"),
      field("description", q(std::string(10'001, 'x')), "too_long"),
      field("amenities", q("wifi"), "type"),
      field("amenities", "{}", "type"),
      {"POST", "/v1/hotels", replaced(hotel_body(), "amenities", R"(["wifi",1,""])"), 422, "body_invalid",
       "/amenities/1:type /amenities/2:empty"},
      field("overbooking_percent", "-1", "range"),
      field("overbooking_percent", "101", "range"),
      field("overbooking_percent", "true", "type"),
      field("hold_seconds", "4", "range"),
      field("hold_seconds", "901", "range"),
      field("hold_seconds", "1e2", "type"),
      field("attributes", "[]", "type"),
      field("attributes", q("x"), "type"),
      field("attributes", "{\"a\":\"" + std::string(16'384, 'x') + "\"}", "too_long"),
      field("attributes", R"({"a":[{"b":"\u0000"}]})", "characters"),
      field("id", q("7k2m9qx4vd1h"), "unknown_field"),
      field("Name", q("x"), "unknown_field"),
      field("nmae", q("x"), "unknown_field"),
      {"POST", "/v1/hotels", R"({"name":"","stars":9,"colour":"red"})", 422, "body_invalid",
       "/name:empty /city:required /country:required /address:required /time_zone:required /location:required "
       "/currency:required /stars:range /colour:unknown_field"},
  });
}

void room_types_and_rooms(malformed_requests& to) {
  const std::string types = "/v1/hotels/7k2m9qx4vd1h/room-types";
  const std::string rooms = "/v1/hotels/7k2m9qx4vd1h/rooms";
  const auto field = [&](const std::string& name, const std::string& value, const std::string& errors) {
    return malformed{"POST", types, replaced(room_type_body(), name, value), 422, "body_invalid", errors};
  };
  const auto listed = [&](const std::string& list, const std::string& errors) {
    return malformed{"PUT", rooms, R"({"rooms":)" + list + "}", 422, "body_invalid", errors};
  };
  std::string many = "[";
  for (int i = 0; i < 300; ++i) many += (i > 0 ? "," : "") + std::string{"\"a\""};
  to.add({
      {"POST", types, "{}", 422, "body_invalid", "/name:required /rooms:required /max_guests:required /price:required"},
      field("rooms", "-1", "/rooms:range"),
      field("rooms", "100001", "/rooms:range"),
      field("rooms", "4.0", "/rooms:type"),
      field("max_guests", "0", "/max_guests:range"),
      field("max_guests", "51", "/max_guests:range"),
      field("amenities", many + "]", "/amenities:count"),
      field("beds", R"([{"kind":"king","count":0},{"count":1},{"kind":"x","size":2}])",
            "/beds/0/count:range /beds/1/kind:required /beds/2/size:unknown_field"),
      field("price", R"({"amount":"1e9","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"-0.001","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"210.005","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"1000000000.01","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"1E9","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":" 1.00","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"+1.00","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"1,00","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":".50","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"١٢.٠٠","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"NaN","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"99999999999999999999.00","currency":"CHF"})", "/price/amount:amount"),
      field("price", R"({"amount":"210.50","currency":"JPY"})", "/price/amount:amount"),
      field("price", R"({"currency":"CHF"})", "/price/amount:required"),
      field("price", R"({"amount":"1.00"})", "/price/currency:required"),
      field("rooms", "1e9", "/rooms:type"),
      field("rooms", "-0.001", "/rooms:type"),
      field("rooms", "9223372036854775808", "/rooms:range"),
      field("max_guests", "\"2\"", "/max_guests:type"),
      field("max_guests", "null", "/max_guests:type"),
      field("beds", many + "]", "/beds:count"),
      field("price", R"({"amount":210,"currency":"CHF"})", "/price/amount:type"),
      field("price", "210", "/price:type"),
      field("price", R"({"amount":"1.00","currency":"CHF","tax":1})", "/price/tax:unknown_field"),
      field("overbooking_percent", "1000", "/overbooking_percent:range"),
      field("code", "5", "/code:type"),
      {"PUT", rooms, "{}", 422, "body_invalid", "/rooms:required"},
      {"PUT", rooms, "[]", 422, "body_invalid", ":type"},
      listed("{}", "/rooms:type"),
      listed("[1]", "/rooms/0:type"),
      listed(R"([{"number":"101"}])", "/rooms/0/room_type_id:required"),
      listed(R"([{"number":"","room_type_id":1}])", "/rooms/0/number:empty"),
      listed(R"([{"number":"123456789012345678901","room_type_id":1}])", "/rooms/0/number:too_long"),
      listed(R"([{"number":101,"room_type_id":1}])", "/rooms/0/number:type"),
      listed(R"([{"number":"101","room_type_id":0}])", "/rooms/0/room_type_id:range"),
      listed(
          R"([{"number":"101","room_type_id":1},{"number":"102","room_type_id":1},{"number":"101","room_type_id":2}])",
          "/rooms/2/number:repeated"),
      listed(R"([{"number":"101","room_type_id":1,"out_of_order":[{"from":"2027-06-02","to":"2027-06-02"}]}])",
             "/rooms/0/out_of_order/0/to:range"),
      listed(R"([{"number":"101","room_type_id":1,"out_of_order":[{"from":"2027-06-31"}]}])",
             "/rooms/0/out_of_order/0/from:date /rooms/0/out_of_order/0/to:required"),
  });
}

void calendar_changes(malformed_requests& to) {
  const auto change = [](const std::string& text, const std::string& errors) {
    return malformed{"PATCH", "/v1/hotels/7k2m9qx4vd1h/calendar", R"({"changes":[)" + text + "]}", 422, "body_invalid",
                     errors};
  };
  const auto set = [&](const std::string& text, const std::string& errors) {
    return change(R"({"from":"2027-06-01","to":"2027-06-08","set":)" + text + "}", errors);
  };
  std::string many = R"({"from":"2027-06-01","to":"2027-06-08","set":{"closed":true}})";
  for (int i = 0; i < 1'000; ++i) many += R"(,{"from":"2027-06-01","to":"2027-06-08","set":{"closed":true}})";
  to.add({
      change("", "/changes:count"),
      change(many, "/changes:count"),
      change("1", "/changes/0:type"),
      change("{}", "/changes/0/from:required /changes/0/to:required /changes/0/set:required"),
      change(R"({"from":"2027-02-29","to":"June","set":{"closed":true}})", "/changes/0/from:date /changes/0/to:date"),
      change(R"({"room_types":[],"from":"2027-06-01","to":"2027-06-08","set":{"closed":true}})",
             "/changes/0/room_types:count"),
      change(R"({"room_types":[1,"2",0,1,70000],"from":"2027-06-01","to":"2027-06-08","set":{"closed":true}})",
             "/changes/0/room_types/1:id /changes/0/room_types/2:id /changes/0/room_types/3:repeated "
             "/changes/0/room_types/4:id"),
      change(R"({"weekdays":[],"from":"2027-06-01","to":"2027-06-08","set":{"closed":true}})",
             "/changes/0/weekdays:count"),
      change(R"({"weekdays":["Fri","saturday",6],"from":"2027-06-01","to":"2027-06-08","set":{"closed":true}})",
             "/changes/0/weekdays/0:weekday /changes/0/weekdays/1:weekday /changes/0/weekdays/2:weekday"),
      set("{}", "/changes/0/set:empty"),
      set("null", "/changes/0/set:type"),
      set(R"({"prize":1})", "/changes/0/set/prize:unknown_field"),
      set(R"({"price":{"amount":"1e9","currency":"CHF"}})", "/changes/0/set/price/amount:amount"),
      set(R"({"rooms_to_sell":-1})", "/changes/0/set/rooms_to_sell:range"),
      set(R"({"rooms_to_sell":100001})", "/changes/0/set/rooms_to_sell:range"),
      set(R"({"min_stay":0})", "/changes/0/set/min_stay:range"),
      set(R"({"max_stay":91})", "/changes/0/set/max_stay:range"),
      set(R"({"closed":"yes"})", "/changes/0/set/closed:type"),
      set(R"({"closed_to_arrival":1})", "/changes/0/set/closed_to_arrival:type"),
  });
}

void reservations(malformed_requests& to) {
  const std::string hotel = "7k2m9qx4vd1h";
  const auto field = [&](const std::string& name, const std::string& value, const std::string& errors) {
    return malformed{"POST", "/v1/reservations", replaced(reservation_body(hotel), name, value),
                     422,    "body_invalid",     errors};
  };
  std::string many = "[";
  for (int i = 0; i < 300; ++i) many += (i > 0 ? "," : "") + std::string{R"({"room_type_id":1})"};
  to.add({
      {"POST", "/v1/reservations", "{}", 422, "body_invalid",
       "/hotel_id:required /check_in:required /check_out:required /items:required /guest:required"},
      field("hotel_id", "\"x\"", "/hotel_id:id"),
      field("hotel_id", "7", "/hotel_id:type"),
      field("hotel_id", "\"\"", "/hotel_id:empty"),
      field("reservation_id", "\"1234\"", "/reservation_id:id"),
      field("reservation_id", "\"2f6c0a4e00004000800000000000000a\"", "/reservation_id:id"),
      field("check_in", "\"2027-02-30\"", "/check_in:date"),
      field("check_in", "\"2027-6-4\"", "/check_in:date"),
      field("check_in", "\"04.06.2027\"", "/check_in:date"),
      field("check_in", "\"2027-06-04T00:00:00Z\"", "/check_in:date"),
      field("check_in", "20270604", "/check_in:type"),
      field("check_in", "\"2027-02-29\"", "/check_in:date"),
      field("check_in", "\"2027-00-10\"", "/check_in:date"),
      field("check_in", "\"2027-13-01\"", "/check_in:date"),
      field("check_in", "\"-2027-06-04\"", "/check_in:date"),
      field("check_in", "\"12027-06-04\"", "/check_in:date"),
      field("check_in", "\" 2027-06-04\"", "/check_in:date"),
      field("check_in", "\"2027/06/04\"", "/check_in:date"),
      field("check_in", "\"２０２７-06-04\"", "/check_in:date"),
      field("check_in", "\"\"", "/check_in:date"),
      field("check_in", "[\"2027-06-04\"]", "/check_in:type"),
      field("check_out", "\"tomorrow\"", "/check_out:date"),
      field("check_out", "null", "/check_out:type"),
      field("items", "[]", "/items:count"),
      field("items", many + "]", "/items:count"),
      field("items", "{}", "/items:type"),
      field("items", R"([{"rooms":1}])", "/items/0/room_type_id:required"),
      field("items", R"([{"room_type_id":0}])", "/items/0/room_type_id:range"),
      field("items", R"([{"room_type_id":"1"}])", "/items/0/room_type_id:type"),
      field("items", R"([{"room_type_id":1,"rooms":0}])", "/items/0/rooms:range"),
      field("items", R"([{"room_type_id":1,"rooms":100001}])", "/items/0/rooms:range"),
      field("items", R"([{"room_type_id":1,"rooms":-3}])", "/items/0/rooms:range"),
      field("items", R"([{"room_type_id":1,"guests":0}])", "/items/0/guests:range"),
      field("items", R"([{"room_type_id":1,"guests":1.5}])", "/items/0/guests:type"),
      field("items", R"([{"room_type_id":1,"price":"0.01"}])", "/items/0/price:unknown_field"),
      field("items", "[null]", "/items/0:type"),

      field("guest", "\"Ada\"", "/guest:type"),
      field("guest", "{}", "/guest/name:required"),
      field("guest", R"({"name":""})", "/guest/name:empty"),
      field("guest", R"({"name":"A","email":"nobody"})", "/guest/email:email"),
      field("guest", R"({"name":"A","email":"a@b@c"})", "/guest/email:email"),
      field("guest", R"({"name":"A\u0000"})", "/guest/name:characters"),
      field("guest", R"({"name":"A","age":36})", "/guest/age:unknown_field"),
      field("guest", R"({"name":["Ada"]})", "/guest/name:type"),
      field("guest", R"({"name":null})", "/guest/name:type"),
      field("guest", "{\"name\":\"" + std::string(201, 'x') + "\"}", "/guest/name:too_long"),
      field("guest", R"({"name":"A\u001b[31m"})", "/guest/name:characters"),
      field("guest", R"({"name":"A\u007f"})", "/guest/name:characters"),
      field("guest", R"({"name":"A\nBcc: all"})", "/guest/name:characters"),
      field("guest", R"({"name":"A","email":"a b@c"})", "/guest/email:email"),
      field("guest", R"({"name":"A","email":"a@"})", "/guest/email:email"),
      field("guest", R"({"name":"A","phone":7})", "/guest/phone:type"),
      field("guest", "[]", "/guest:type"),
      field("guest", "null", "/guest:type"),
      field("guest_id", "\"abc\"", "/guest_id:id /guest:not_both"),
      field("hold", "\"no\"", "/hold:type"),
      field("hold", "0", "/hold:type"),
      field("notes", "\"" + std::string(2'001, 'x') + "\"", "/notes:too_long"),
      field("status", "\"CONFIRMED\"", "/status:unknown_field"),
      field("total", "{}", "/total:unknown_field"),
  });
  const std::string one = "/v1/reservations/" + to_text(reservation_id{{1}, {1}});
  to.add({
      {"POST", "/v1/reservations", reservation_body(hotel, ",\"rooms\":1"), 422, "body_invalid", "/items:not_both"},
      {"PATCH", one, "{}", 422, "body_invalid", ":empty"},
      {"PATCH", one, "[]", 422, "body_invalid", ":type"},
      {"PATCH", one, R"({"check_in":null})", 422, "body_invalid", "/check_in:type"},
      {"PATCH", one, R"({"items":[]})", 422, "body_invalid", "/items:count"},
      {"PATCH", one, R"({"guest":{"name":"B"}})", 422, "body_invalid", "/guest:unknown_field"},
      {"POST", one + "/confirm", R"({"now":true})", 422, "body_invalid", "/now:unknown_field"},
      {"POST", one + "/cancel", "[]", 422, "body_invalid", ":type"},
      {"POST", one + "/cancel", "{", 400, "json_invalid"},
      {"POST", one + "/extend", R"({"hold_seconds":0})", 422, "body_invalid", "/hold_seconds:range"},
      {"POST", one + "/extend", R"({"hold_seconds":"60"})", 422, "body_invalid", "/hold_seconds:type"},
      {"POST", one + "/check-in", R"({"room_numbers":"101"})", 422, "body_invalid", "/room_numbers:type"},
      {"POST", one + "/check-in", R"({"room_numbers":[101,""]})", 422, "body_invalid",
       "/room_numbers/0:type /room_numbers/1:empty"},
      {"PATCH", "/v1/guests/" + to_text(guest_id{1, 1}), R"({"name":null})", 422, "body_invalid", "/name:type"},
      {"PATCH", "/v1/guests/" + to_text(guest_id{1, 1}), R"({"email":"x","vip":true})", 422, "body_invalid",
       "/email:email /vip:unknown_field"},
  });
}

}  // namespace keyrack::testing
