// Writes JSON straight into one string. Owns escaping and the forms of dates, instants, money and ids; refuses to know
// which fields a resource has.
#pragma once

#include "actors/domain/ids.hpp"
#include "actors/domain/money.hpp"
#include "actors/domain/stay.hpp"

#include <concepts>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>

namespace keyrack::gateway {

/// Names of fields are written as they are: they are ours and need no escaping.
class json_writer {
public:
  explicit json_writer(std::string& out) : out_(out) {}

  json_writer& begin_object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array() { return open('['); }
  json_writer& end_array() { return close(']'); }
  json_writer& name(std::string_view field) {
    separate();
    out_ += '"';
    out_ += field;
    out_ += "\":";
    comma_ = false;
    return *this;
  }

  /// A name that is not ours.
  json_writer& escaped_name(std::string_view field) {
    value(field);
    out_ += ':';
    comma_ = false;
    return *this;
  }

  json_writer& value(std::string_view text);
  json_writer& value(const std::string& text) { return value(std::string_view{text}); }
  json_writer& value(const char* text) { return value(std::string_view{text}); }
  json_writer& value(std::same_as<bool> auto truth) { return plain(truth ? "true" : "false"); }
  json_writer& value(std::signed_integral auto number) { return integer(static_cast<std::int64_t>(number)); }
  json_writer& value(std::unsigned_integral auto number)
    requires(!std::same_as<decltype(number), bool>)
  {
    return natural(static_cast<std::uint64_t>(number));
  }
  /// The shortest text that reads back as the same number.
  json_writer& value(double number);
  json_writer& value(date day);
  json_writer& value(instant at) { return verbatim(to_text(at)); }
  json_writer& value(hotel_id id) { return verbatim(to_text(id)); }
  json_writer& value(guest_id id) { return verbatim(to_text(id)); }
  json_writer& value(reservation_id id) { return verbatim(to_text(id)); }
  json_writer& value(money m);
  /// A list of texts.
  template <std::ranges::range Texts>
    requires std::same_as<std::ranges::range_value_t<Texts>, std::string>
  json_writer& value(const Texts& texts) {
    begin_array();
    for (const auto& text : texts) value(text);
    return end_array();
  }
  json_writer& null() { return plain("null"); }

  /// `text` is JSON already.
  json_writer& raw(std::string_view text) { return plain(text); }

  template <typename T>
  json_writer& field(std::string_view field_name, const T& v) {
    return name(field_name).value(v);
  }

private:
  void separate() {
    if (comma_) out_ += ',';
  }
  json_writer& open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
    return *this;
  }
  json_writer& close(char bracket) {
    out_ += bracket;
    comma_ = true;
    return *this;
  }
  json_writer& plain(std::string_view text) {
    separate();
    out_ += text;
    comma_ = true;
    return *this;
  }
  json_writer& verbatim(std::string_view text) {
    separate();
    out_ += '"';
    out_ += text;
    out_ += '"';
    comma_ = true;
    return *this;
  }
  json_writer& integer(std::int64_t number);
  json_writer& natural(std::uint64_t number);

  std::string& out_;
  bool comma_ = false;
};

}  // namespace keyrack::gateway
