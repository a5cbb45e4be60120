// Malformed requests whose fault is in the request line, the header fields, the query or the JSON itself.
#include "tests/gateway/malformed_requests.hpp"

#include "actors/domain/ids.hpp"
#include "tests/gateway/bodies.hpp"

namespace keyrack::testing {
namespace {

std::string nested(const std::string& open, int times, const std::string& close) {
  std::string out;
  for (int i = 0; i < times; ++i) out += open;
  out += "1";
  for (int i = 0; i < times; ++i) out += close;
  return out;
}

}  // namespace

void methods_paths_and_types(malformed_requests& to) {
  const std::string hotel = "/v1/hotels/7k2m9qx4vd1h";
  to.add({
      {"GET", "/", "", 404, "not_found"},
      {"GET", "/v1", "", 404, "not_found"},
      {"GET", "/v1/hotel", "", 404, "not_found"},
      {"GET", "/v1/hotels/", "", 404, "hotel_unknown"},
      {"GET", "/V1/hotels", "", 404, "not_found"},
      {"GET", "//v1/hotels", "", 404, "not_found"},
      {"GET", "/v1/hotels/../../etc/passwd", "", 404, "not_found"},
      {"GET", "/v1/hotels/%37k2m9qx4vd1h", "", 404, "hotel_unknown"},
      {"GET", "/v1/hotels/nosuchhotel!", "", 404, "hotel_unknown"},
      {"GET", "/v1/hotels/7k2m9qx4vd1", "", 404, "hotel_unknown"},
      {"GET", "/v1/hotels/7k2m9qx4vd1hh", "", 404, "hotel_unknown"},
      {"GET", hotel + "/room-types/x", "", 404, "room_type_unknown"},
      {"GET", hotel + "/room-types/-1", "", 404, "room_type_unknown"},
      {"GET", hotel + "/room-types/65536", "", 404, "room_type_unknown"},
      {"GET", hotel + "/room-types/1.0", "", 404, "room_type_unknown"},
      {"GET", hotel + "/room-types/1/x", "", 404, "not_found"},
      {"GET", "/v1/reservations/x", "", 404, "reservation_unknown"},
      {"GET", "/v1/reservations/7k2m9qx4vd1h-0003f9", "", 404, "reservation_unknown"},
      {"GET", "/v1/guests/x", "", 404, "guest_unknown"},
      {"GET", "/v1/a/b/c/d/e/f/g/h/i/j", "", 404, "not_found"},
      {"PUT", "/v1/hotels", hotel_body(), 405, "method_not_allowed"},
      {"DELETE", "/v1/hotels", "", 405, "method_not_allowed"},
      {"POST", hotel, hotel_body(), 405, "method_not_allowed"},
      {"GET", "/v1/reservations/7k2m9qx4vd1h-0003f8/confirm", "", 405, "method_not_allowed"},
      {"DELETE", "/v1/reservations/7k2m9qx4vd1h-0003f8", "", 405, "method_not_allowed"},
      {"POST", "/healthz", "", 405, "method_not_allowed"},
      {"TRACE", "/v1/hotels", "", 405, "method_not_allowed"},
      {"PROPFIND", "/v1/hotels", "", 405, "method_not_allowed"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "", "Content-Type: text/plain\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "",
       "Content-Type: application/x-www-form-urlencoded\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "",
       "Content-Type: application/merge-patch+json\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "", "Content-Type: \r\n"},
      {"PATCH", hotel, "{}", 415, "media_type_unsupported", "", "Content-Type: application/json-patch+json\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "",
       "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"},
      {"GET", "/v1/hotels", "", 406, "not_acceptable", "", "Accept: text/html\r\n"},
      {"GET", "/v1/hotels", "", 406, "not_acceptable", "", "Accept: application/json;q=0\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 406, "not_acceptable", "", "Accept: image/png, text/*\r\n"},
      {"GET", "/v1/hotels", "{}", 400, "request_invalid"},
      {"DELETE", hotel, "{}", 400, "request_invalid"},
      {"GET", "/v1/hotels/" + std::string(4'000, '7'), "", 404, "hotel_unknown"},
      {"GET", hotel + "/", "", 404, "not_found"},
      {"GET", hotel + "/room-types/99999999999999999999", "", 404, "room_type_unknown"},
      {"GET", hotel + "/room-types/%31", "", 404, "room_type_unknown"},
      {"GET", "/v1/reservations/7k2m9qx4vd1h", "", 404, "reservation_unknown"},
      {"GET", "/v1/reservations/7k2m9qx4vd1h-", "", 404, "reservation_unknown"},
      {"POST", "/v1/reservations/7k2m9qx4vd1h-0003f8-1/confirm", "", 404, "reservation_unknown"},
      {"POST", "/v1/reservations/7k2m9qx4vd1h-0003f8/destroy", "", 404, "not_found"},
      {"GET", "/v1/guests/1-1", "", 404, "guest_unknown"},
      {"GET", "/metrics/x", "", 404, "not_found"},
      {"get", "/v1/hotels", "", 405, "method_not_allowed"},
      {"CONNECT", "/v1/hotels", "", 405, "method_not_allowed"},
      {"PATCH", hotel + "/rooms", "{}", 405, "method_not_allowed"},
      {"PUT", "/v1/reservations/7k2m9qx4vd1h-0003f8", "{}", 405, "method_not_allowed"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "", "Content-Type: text/json\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "", "Content-Type: application/jsonx\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "",
       "Content-Type: multipart/form-data; boundary=x\r\n"},
      {"PUT", hotel + "/rooms", "{}", 415, "media_type_unsupported", "",
       "Content-Type: application/merge-patch+json\r\n"},
      {"POST", "/v1/hotels", hotel_body(), 415, "media_type_unsupported", "",
       "Content-Type: application/json\r\nContent-Encoding: br\r\n"},
      {"GET", "/v1/hotels", "", 406, "not_acceptable", "", "Accept: application/xml\r\n"},
      {"GET", "/v1/hotels", "", 406, "not_acceptable", "", "Accept: application/json;q=0, */*\r\n"},
      {"GET", "/v1/hotels", "", 406, "not_acceptable", "", "Accept: text/html;q=1, */*;q=0.0\r\n"},
      {"GET", "/v1/hotels", "", 406, "not_acceptable", "", "Accept: ,\r\n"},
  });
}

void json_texts(malformed_requests& to) {
  const auto post = [](std::string body) {
    return malformed{"POST", "/v1/reservations", std::move(body), 400, "json_invalid"};
  };
  to.add({
      post(""),
      post("x"),
      post("{"),
      post("{}{}"),
      post("{\"a\":1,}"),
      post("{'a':1}"),
      post("[1,2"),
      post("\"\\ud800\""),
      post("{\"a\":\"\x80\"}"),
      post("{\"hotel_id\":\"a\",\"hotel_id\":\"b\"}"),
      post("nul"),
      post("{\"a\":01}"),
      post("{\"a\":+1}"),
      post("{\"a\":1e999}"),
      post("/* */{}"),
      post(std::string(1'000, '[')),
      post(std::string(33, '[') + std::string(33, ']')),
      post(std::string(40'000, '{')),
      post("\xef\xbb\xbf{}"),
      post(std::string{"{\"a\":\"\0\"}", 9}),
      post("{\"a\":\"\n\"}"),
      post("<xml/>"),
      post("a=1&b=2"),
      post(nested("[", 1'000, "]")),
      post(nested("{\"a\":", 1'000, "}")),
      post("{\"a\":[1,]}"),
      post("{\"a\":.5}"),
      post("{\"a\":1.}"),
      post("{\"a\":-}"),
      post("{\"a\":NaN}"),
      post("{\"a\":Infinity}"),
      post("{\"a\":0x10}"),
      post("// why\n{}"),
      post("\"\\udc00\""),
      post("\"\\u12\""),
      post("\"\\x41\""),
      post("{\"a\":\"\xc0\xaf\"}"),          // overlong
      post("{\"a\":\"\xed\xa0\x80\"}"),      // a surrogate
      post("{\"a\":\"\xf4\x90\x80\x80\"}"),  // beyond the last character
      post("{\"a\":\"\xe2\x82\"}"),          // cut off
      post("{\"\xff\":1}"),
      post("\xff\xfe{\0}\0"),  // UTF-16
      post(std::string{"{}\0", 3}),
      post(R"({"hold":true,"h\u006fld":false})"),
      post(R"({"items":[{"room_type_id":1,"rooms":1,"rooms":9}]})"),
      post(R"({"guest":{"name":"Ada","name":"Bob"}})"),
      post("\"" + std::string(60'000, 'x')),
  });
}

void keys_and_preconditions(malformed_requests& to) {
  const auto key = [](std::string value) {
    return malformed{"POST",
                     "/v1/hotels",
                     hotel_body(),
                     400,
                     "request_invalid",
                     "Idempotency-Key:format",
                     "Idempotency-Key: " + value + "\r\n"};
  };
  const auto match = [](std::string value) {
    return malformed{"DELETE",          "/v1/hotels/7k2m9qx4vd1h",    "", 400, "request_invalid",
                     "If-Match:format", "If-Match: " + value + "\r\n"};
  };
  to.add({
      key(""),
      key("a b"),
      key(std::string(256, 'x')),
      key("é"),
      key("a\tb"),
      match("1"),
      match("\"1"),
      match("\"1\", \"2\""),
      match("\"1\" \"2\""),
      match(""),
      match("'1'"),
      match("1\""),
      match("W/1"),
      match("*, \"1\""),
      match("\"1\", *"),
  });
  const auto uuid = std::string{"2f6c0a4e-0000-4000-8000-00000000000a"};
  to.add({{"POST", "/v1/reservations", reservation_body("7k2m9qx4vd1h", ",\"reservation_id\":\"" + uuid + "\""), 422,
           "key_reused", "", "Idempotency-Key: another\r\n"}});
}

void queries_and_cursors(malformed_requests& to) {
  const std::string hotel = "/v1/hotels/7k2m9qx4vd1h";
  const auto get = [](std::string target, std::string errors, std::string code = "query_invalid") {
    return malformed{"GET", std::move(target), "", 400, std::move(code), std::move(errors)};
  };
  to.add({
      get("/v1/hotels?limit=0", "?limit:number"),
      get("/v1/hotels?limit=101", "?limit:number"),
      get("/v1/hotels?limit=x", "?limit:number"),
      get("/v1/hotels?limit=1&limit=2", "?limit:repeated"),
      get("/v1/hotels?city=Z%C3%BCrich", "?city:unknown_parameter"),
      get("/v1/hotels?cursor=abc", "?cursor:cursor", "cursor_invalid"),
      get("/v1/hotels?cursor=%20", "?cursor:cursor", "cursor_invalid"),
      get("/v1/hotels?cursor=abc&limit=0", "?limit:number ?cursor:cursor"),
      get(hotel + "?x=1", "?x:unknown_parameter"),
      get(hotel + "/calendar", "?from:required ?to:required"),
      get(hotel + "/calendar?from=2027-02-30&to=x", "?from:date ?to:date"),
      get(hotel + "/calendar?from=2027-06-01&to=2027-06-02&room_type=0", "?room_type:number"),
      get(hotel + "/availability?check_in=2027-06-01", "?check_out:required"),
      get(hotel + "/availability?check_in=2027-06-01&check_out=2027-06-02&rooms=0&guests=-1",
          "?rooms:number ?guests:number"),
      get(hotel + "/reservations?status=paid", "?status:value"),
      get(hotel + "/reservations?arriving=today", "?arriving:date"),
      get(hotel + "/reservations?guest_name=%ff%0", "?guest_name:malformed"),
      get("/v1/reservations", "?guest_id:required"),
      get("/v1/reservations?guest_id=x", "?guest_id:id"),
      get("/v1/reservations?guest_id=" + to_text(guest_id{1, 1}) + "&when=later", "?when:value"),
      get("/v1/reservations/" + to_text(reservation_id{{1}, {1}}) + "?expand=hotel", "?expand:value"),
      get("/healthz?verbose=1", "?verbose:unknown_parameter"),
      get("/v1/hotels?a=%00", "?a:malformed"),
      get("/v1/hotels?limit=", "?limit:empty"),
      get("/v1/hotels?limit=-1", "?limit:number"),
      get("/v1/hotels?limit=+5", "?limit:number"),
      get("/v1/hotels?limit=1e1", "?limit:number"),
      get("/v1/hotels?limit=5.0", "?limit:number"),
      get("/v1/hotels?limit=99999999999999999999", "?limit:number"),
      get("/v1/hotels?limit=%zz", "?limit:malformed"),
      get("/v1/hotels?limit", "?limit:empty"),
      get("/v1/hotels?=5", "?:unknown_parameter"),
      get("/v1/hotels?Limit=5", "?Limit:unknown_parameter"),
      get("/v1/hotels?limit[]=5", "?limit[]:unknown_parameter"),
      get("/v1/hotels?cursor=" + std::string(4'000, 'A'), "?cursor:cursor", "cursor_invalid"),
      get("/v1/hotels?cursor=MDAwMDAwMDA", "?cursor:cursor", "cursor_invalid"),
      get("/v1/hotels?cursor=%3D%3D", "?cursor:cursor", "cursor_invalid"),
      get(hotel + "/room-types?cursor=abc", "?cursor:cursor", "cursor_invalid"),
      get(hotel + "/rooms?cursor=abc", "?cursor:cursor", "cursor_invalid"),
      get(hotel + "/reservations?cursor=abc&status=paid", "?status:value ?cursor:cursor"),
      get(hotel + "/reservations?guest_name=%ff", "?guest_name:malformed"),
      get(hotel + "/reservations?guest_name=%c0%af", "?guest_name:malformed"),
      get(hotel + "/reservations?in_house=2027-13-01", "?in_house:date"),
      get(hotel + "/reservations?departing=2027-00-00", "?departing:date"),
      get(hotel + "/calendar?from=2027-06-01&to=", "?to:empty"),
      get(hotel + "/calendar?from=2027-06-01&to=2027-06-02&room_type=65536", "?room_type:number"),
      get(hotel + "/availability?check_in=2027-06-01T00:00&check_out=2027-06-02", "?check_in:date"),
      get(hotel + "/availability?check_in=2027-06-01&check_out=2027-06-02&guests=2;rooms=1", "?guests:number"),
      get("/metrics?format=json", "?format:unknown_parameter"),
  });
}

malformed_requests all_malformed_requests() {
  malformed_requests all;
  for (const auto table : {methods_paths_and_types, json_texts, keys_and_preconditions, queries_and_cursors, hotels,
                           room_types_and_rooms, calendar_changes, reservations, clusters}) {
    table(all);
  }
  return all;
}

}  // namespace keyrack::testing
