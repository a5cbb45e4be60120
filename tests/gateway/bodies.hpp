// Bodies that tests send, and the one way they look into answers.
#pragma once

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace keyrack::testing {

/// A field's text; of anything that is not a text, its JSON.
inline std::string text_of(const boost::json::value& object, std::string_view field) {
  const auto& value = object.at(boost::json::string_view{field.data(), field.size()});
  return value.is_string() ? std::string{value.as_string()} : boost::json::serialize(value);
}

/// `more` are further fields, each after a comma.
inline std::string hotel_body(std::string_view more = "") {
  return R"({"name":"Hotel Astoria","city":"Zürich","country":"CH","address":"Bahnhofstrasse 1",)"
         R"("location":{"lat":47.3717,"lon":8.5389},"time_zone":"Europe/Zurich","currency":"CHF","stars":4)" +
         std::string{more} + "}";
}

inline std::string room_type_body(int rooms = 40) {
  return R"({"name":"Double, lake view","code":"DLX","rooms":)" + std::to_string(rooms) +
         R"(,"max_guests":2,"price":{"amount":"210.00","currency":"CHF"}})";
}

/// One room from 2027-06-04 to 2027-06-06.
inline std::string reservation_body(std::string_view hotel, std::string_view more = "") {
  return R"({"hotel_id":")" + std::string{hotel} +
         R"(","check_in":"2027-06-04","check_out":"2027-06-06","items":[{"room_type_id":1,"rooms":1,"guests":2}],)"
         R"("guest":{"name":"Ada Lovelace"})" +
         std::string{more} + "}";
}

}  // namespace keyrack::testing
