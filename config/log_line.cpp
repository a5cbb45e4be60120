// Writing a log line: escapes, numbers, times. Refuses to know where the line goes.
#include "config/log_line.hpp"

#include <fmt/core.h>

#include <cmath>
#include <iterator>

namespace keyrack {

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates, and what lies past U+10FFFF.
  const unsigned second = byte(at + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

namespace {

void append_control(std::string& out, char c) {
  switch (c) {
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
}

/// The inside of a JSON string.
void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      ++i;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      append_control(out, c);
      ++i;
    } else if (const auto length = utf8_length(text, i); length > 0) {
      out += text.substr(i, length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
}

/// A value that is not a text.
void append_plain(std::string& out, const log_field::any& value) {
  const auto to = std::back_inserter(out);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(to, "{}", *number);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    fmt::format_to(to, "{}", *natural);
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isfinite(*real)) {
      fmt::format_to(to, "{}", *real);
    } else {
      out += "null";
    }
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  }
}

bool is_bare(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || static_cast<unsigned char>(c) >= 0x7F) return false;
  }
  return true;
}

/// Writes `HH:MM:SS` and the fraction with so many digits.
void append_time_of_day(std::string& out, log_time time, int digits) {
  const std::chrono::hh_mm_ss day{time - std::chrono::floor<std::chrono::days>(time)};
  const auto micros = day.subseconds().count();
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}.{:0{}}", day.hours().count(), day.minutes().count(),
                 day.seconds().count(), digits == 3 ? micros / 1000 : micros, digits);
}

}  // namespace

std::string_view to_text(log_level level) {
  switch (level) {
  case log_level::debug: return "debug";
  case log_level::info: return "info";
  case log_level::warn: return "warn";
  case log_level::error: break;
  }
  return "error";
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

void append_json_line(std::string& out, log_time time, log_level level, std::string_view event, log_fields fields) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
  fmt::format_to(std::back_inserter(out), "{{\"time\":\"{:04}-{:02}-{:02}T", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  append_time_of_day(out, time, 6);
  out += "Z\",\"level\":\"";
  out += to_text(level);
  out += "\",\"event\":";
  append_json_text(out, event);
  for (const auto& field : fields) {
    out += ',';
    append_json_text(out, field.name);
    out += ':';
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_json_text(out, *text);
    } else {
      append_plain(out, field.value);
    }
  }
  out += '}';
}

void append_text_line(std::string& out, log_time time, log_level level, std::string_view event, log_fields fields) {
  append_time_of_day(out, time, 3);
  fmt::format_to(std::back_inserter(out), " {:<5} ", to_text(level));
  append_escaped(out, event);
  for (const auto& field : fields) {
    out += ' ';
    append_escaped(out, field.name);
    out += '=';
    const auto* text = std::get_if<std::string_view>(&field.value);
    if (text == nullptr) {
      append_plain(out, field.value);
    } else if (is_bare(*text)) {
      out += *text;
    } else {
      append_json_text(out, *text);
    }
  }
}

}  // namespace keyrack
