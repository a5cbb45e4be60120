#include "gateway/json_writer.hpp"

#include <array>
#include <charconv>

namespace keyrack::gateway {
namespace {

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
  case '"': out += "\\\""; return;
  case '\\': out += "\\\\"; return;
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default: break;
  }
  out += "\\u00";
  out += hex[static_cast<unsigned char>(c) >> 4];
  out += hex[static_cast<unsigned char>(c) & 0xF];
}

}  // namespace

json_writer& json_writer::value(std::string_view text) {
  separate();
  out_ += '"';
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) [[likely]]
      continue;
    out_.append(text, plain_from, i - plain_from);
    append_escaped(out_, text[i]);
    plain_from = i + 1;
  }
  out_.append(text, plain_from);
  out_ += '"';
  comma_ = true;
  return *this;
}

json_writer& json_writer::value(double number) {
  separate();
  append_number(out_, number);
  comma_ = true;
  return *this;
}

json_writer& json_writer::value(date day) {
  const std::chrono::year_month_day d{std::chrono::sys_days{std::chrono::days{day.days}}};
  const auto year = static_cast<unsigned>(static_cast<int>(d.year()));
  const auto month = static_cast<unsigned>(d.month());
  const auto in_month = static_cast<unsigned>(d.day());
  const auto digit = [](unsigned n) { return static_cast<char>('0' + n % 10); };
  const std::array<char, 10> text{
      digit(year / 1000),   digit(year / 100), digit(year / 10), digit(year), '-', digit(month / 10), digit(month), '-',
      digit(in_month / 10), digit(in_month)};
  return verbatim({text.data(), text.size()});
}

json_writer& json_writer::value(money m) {
  separate();
  out_ += "{\"amount\":\"";
  out_ += amount_text(m);
  out_ += "\",\"currency\":\"";
  out_ += m.currency.text();
  out_ += "\"}";
  comma_ = true;
  return *this;
}

json_writer& json_writer::integer(std::int64_t number) {
  separate();
  append_number(out_, number);
  comma_ = true;
  return *this;
}

json_writer& json_writer::natural(std::uint64_t number) {
  separate();
  append_number(out_, number);
  comma_ = true;
  return *this;
}

}  // namespace keyrack::gateway
