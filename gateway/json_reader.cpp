#include "gateway/json_reader.hpp"

#include "gateway/json_array.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

std::string_view view_of(const json::string& text) { return {text.data(), text.size()}; }

std::string kind_name(const json::value& value) {
  switch (value.kind()) {
  case json::kind::null: return "null";
  case json::kind::bool_: return "a boolean";
  case json::kind::int64:
  case json::kind::uint64:
  case json::kind::double_: return "a number";
  case json::kind::string: return "a text";
  case json::kind::array: return "an array";
  case json::kind::object: return "an object";
  }
  return "something else";
}

void wrong_type(const json::value& value, std::string_view wanted, const json_place& place, fault_list& faults) {
  faults.add(place.pointer(), "type", fmt::format("Must be {}, not {}.", wanted, kind_name(value)));
}

}  // namespace

std::string json_place::pointer() const {
  if (within == nullptr) return {};
  auto text = within->pointer() + '/';
  if (index) return text + std::to_string(*index);
  for (const char c : field) {
    // RFC 6901.
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

void fault_list::add(std::string pointer, std::string_view code, std::string detail) {
  constexpr std::size_t faults_max = 100;
  constexpr std::size_t pointer_bytes_max = 200;  // names of unknown fields are the client's
  if (faults_.size() >= faults_max) return;
  if (pointer.size() > pointer_bytes_max) {
    pointer.resize(pointer_bytes_max);
    // Not in the middle of a character.
    while (!pointer.empty() && (static_cast<unsigned char>(pointer.back()) & 0xC0) == 0x80) pointer.pop_back();
    if (!pointer.empty() && static_cast<unsigned char>(pointer.back()) >= 0xC0) pointer.pop_back();
  }
  faults_.push_back({.pointer = std::move(pointer), .code = code, .detail = std::move(detail)});
}

object_reader::object_reader(const json::value& value, const json_place& place, fault_list& faults)
    : object_(value.if_object()), place_(place), faults_(faults) {
  if (object_ == nullptr) wrong_type(value, "an object", place, faults);
}

const json::value* object_reader::any(std::string_view field, need n) {
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(json::string_view{field.data(), field.size()});
  if (found == object_->end()) {
    if (n == need::required) add_fault(field, "required", "This field must be given.");
    return nullptr;
  }
  const auto position = static_cast<std::size_t>(found - object_->begin());
  if (position < 64) seen_ |= 1ULL << position;
  return &found->value();
}

bool object_reader::has(std::string_view field) const {
  return object_ != nullptr && object_->contains(json::string_view{field.data(), field.size()});
}

std::string object_reader::text(std::string_view field, need n, text_rule rule) {
  const auto* value = any(field, n);
  if (value == nullptr) return {};
  return read_text(*value, rule, place_of(field), faults_).value_or(std::string{});
}

std::optional<std::int64_t> object_reader::number(std::string_view field, need n, number_rule rule) {
  const auto* value = any(field, n);
  if (value == nullptr) return std::nullopt;
  const auto* number = value->if_int64();
  if (number != nullptr && *number >= rule.least && *number <= rule.most) return *number;
  if (!value->is_number()) {
    wrong_type(*value, "a whole number", place_of(field), faults_);
  } else if (value->is_double()) {
    add_fault(field, "type", "Must be a whole number, without point and exponent.");
  } else {
    add_fault(field, "range", fmt::format("Must be from {} to {}.", rule.least, rule.most));
  }
  return std::nullopt;
}

std::optional<double> object_reader::real(std::string_view field, need n, double least, double most) {
  const auto* value = any(field, n);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    wrong_type(*value, "a number", place_of(field), faults_);
    return std::nullopt;
  }
  const auto number = value->to_number<double>();
  if (number >= least && number <= most) return number;
  add_fault(field, "range", fmt::format("Must be from {} to {}.", least, most));
  return std::nullopt;
}

bool object_reader::flag(std::string_view field, bool fallback) {
  const auto* value = any(field, need::optional);
  if (value == nullptr) return fallback;
  if (const auto* truth = value->if_bool()) return *truth;
  wrong_type(*value, "true or false", place_of(field), faults_);
  return fallback;
}

std::optional<date> object_reader::day(std::string_view field, need n) {
  const auto* value = any(field, n);
  if (value == nullptr) return std::nullopt;
  const auto* text = value->if_string();
  if (text == nullptr) {
    wrong_type(*value, "a date YYYY-MM-DD", place_of(field), faults_);
    return std::nullopt;
  }
  auto read = parse_date(view_of(*text));
  if (!read) add_fault(field, "date", "A date is written YYYY-MM-DD and exists.");
  return read;
}

std::optional<keyrack::currency> object_reader::currency_code(std::string_view field, need n) {
  const auto* value = any(field, n);
  if (value == nullptr) return std::nullopt;
  const auto* text = value->if_string();
  auto read = text == nullptr ? std::nullopt : parse_currency(view_of(*text));
  if (!read) add_fault(field, "currency", "Must be an ISO 4217 currency in use, three capitals.");
  return read;
}

std::optional<money> object_reader::price(std::string_view field, need n) {
  const auto* value = any(field, n);
  if (value == nullptr) return std::nullopt;
  const auto place = place_of(field);
  object_reader read{*value, place, faults_};
  const auto paid_in = read.currency_code("currency", need::required);
  const auto* amount = read.any("amount", need::required);
  read.finish();
  if (amount == nullptr) return std::nullopt;
  const auto* text = amount->if_string();
  if (text == nullptr) {
    wrong_type(*amount, "a decimal text such as \"412.50\"", read.place_of("amount"), faults_);
    return std::nullopt;
  }
  if (!paid_in) return std::nullopt;
  auto m = parse_amount(view_of(*text), *paid_in);
  if (!m) {
    read.add_fault("amount", "amount",
                   fmt::format("A decimal without sign and exponent, at most {} digits after the point, at most {}.",
                               currency_digits(*paid_in), amount_text({limits::price_minor_max, *paid_in})));
  }
  return m;
}

std::vector<std::string> object_reader::texts(std::string_view field, std::size_t count_max, text_rule rule) {
  std::vector<std::string> read;
  array(field, need::optional, 0, count_max, [&](const json::value& element, const json_place& place) {
    if (auto text = read_text(element, rule, place, faults_)) read.push_back(std::move(*text));
  });
  return read;
}

bool object_reader::elements(std::string_view field, need n, std::size_t least, std::size_t most,
                             const json::value*& first, std::size_t& count) {
  const auto* value = any(field, n);
  if (value == nullptr) return false;
  const auto* found = value->if_array();
  if (found == nullptr) {
    wrong_type(*value, "an array", place_of(field), faults_);
    return false;
  }
  if (found->size() < least || found->size() > most) {
    add_fault(field, "count", fmt::format("Must have from {} to {} elements, not {}.", least, most, found->size()));
    return false;
  }
  first = found->data();
  count = found->size();
  return true;
}

void object_reader::add_fault(std::string_view field, std::string_view code, std::string detail) {
  faults_.add(place_of(field).pointer(), code, std::move(detail));
}

void object_reader::finish() {
  if (object_ == nullptr) return;
  std::size_t position = 0;
  for (const auto& member : *object_) {
    if (position >= 64 || (seen_ >> position & 1) == 0) {
      add_fault({member.key().data(), member.key().size()}, "unknown_field", "There is no such field here.");
    }
    ++position;
  }
}

bool text_fits(std::string_view text, text_rule rule, const json_place& place, fault_list& faults) {
  if (text.empty() && !rule.may_be_empty) {
    faults.add(place.pointer(), "empty", "Must not be empty.");
    return false;
  }
  if (text.size() > rule.bytes_max) {
    faults.add(place.pointer(), "too_long", fmt::format("At most {} bytes of UTF-8.", rule.bytes_max));
    return false;
  }
  for (const char c : text) {
    const bool line = rule.lines && (c == '\n' || c == '\t' || c == '\r');
    if ((static_cast<unsigned char>(c) < 0x20 && !line) || c == 0x7F) {
      faults.add(place.pointer(), "characters", "Control characters are not allowed.");
      return false;
    }
  }
  return true;
}

std::optional<std::string> read_text(const json::value& value, text_rule rule, const json_place& place,
                                     fault_list& faults) {
  const auto* text = value.if_string();
  if (text == nullptr) {
    wrong_type(value, "a text", place, faults);
    return std::nullopt;
  }
  if (!text_fits(view_of(*text), rule, place, faults)) return std::nullopt;
  return std::string{view_of(*text)};
}

}  // namespace keyrack::gateway
