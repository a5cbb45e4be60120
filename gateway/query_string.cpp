#include "gateway/query_string.hpp"

#include "config/log_line.hpp"

#include <fmt/format.h>

#include <charconv>

namespace keyrack::gateway {
namespace {

constexpr std::size_t parameters_max = 32;  // more than any route has: enough to name all that is wrong

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_word(std::string_view word, std::string_view words) {
  for (std::size_t from = 0; from < words.size();) {
    const auto end = std::min(words.find(' ', from), words.size());
    if (words.substr(from, end - from) == word) return true;
    from = end + 1;
  }
  return false;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto length = utf8_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (c == '%') {
      const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    out += c;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

query_parameters::query_parameters(std::string_view query, std::string_view allowed) {
  while (!query.empty()) {
    if (values_.size() + faults_.size() >= parameters_max) {
      add_fault("", "too_many", "More parameters than any request has.");
      return;
    }
    const auto end = query.find('&');
    take(query.substr(0, end), allowed);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
}

void query_parameters::take(std::string_view pair, std::string_view allowed) {
  const auto equals = pair.find('=');
  auto name = percent_decoded(pair.substr(0, equals), true);
  auto value = equals == std::string_view::npos ? std::string{} : percent_decoded(pair.substr(equals + 1), true);
  // Bytes that are no text could neither be looked up nor be repeated in an answer.
  if (name && !is_utf8(*name)) name.reset();
  if (value && !is_utf8(*value)) value.reset();
  if (!name || !value) {
    add_fault(name.value_or(""), "malformed",
              "Percent signs must be followed by two hexadecimal digits, and what they spell must be UTF-8 without "
              "control characters.");
  } else if (!is_word(*name, allowed)) {
    add_fault(*name, "unknown_parameter",
              allowed.empty() ? "This request takes no parameters." : fmt::format("This request takes: {}.", allowed));
  } else if (has(*name)) {
    add_fault(*name, "repeated", "A parameter stands once.");
  } else if (value->empty()) {
    add_fault(*name, "empty", "A parameter has a value, or is left out.");
  } else {
    values_.emplace_back(std::move(*name), std::move(*value));
  }
}

const std::string* query_parameters::find(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return &value;
  }
  return nullptr;
}

std::string_view query_parameters::text(std::string_view name) const {
  const auto* found = find(name);
  return found == nullptr ? std::string_view{} : std::string_view{*found};
}

std::optional<date> query_parameters::day(std::string_view name) {
  if (!has(name)) return std::nullopt;
  auto read = parse_date(text(name));
  if (!read) add_fault(name, "date", "A date is written YYYY-MM-DD and exists.");
  return read;
}

std::optional<std::int32_t> query_parameters::number(std::string_view name, std::int32_t least, std::int32_t most) {
  if (!has(name)) return std::nullopt;
  const auto digits = text(name);
  std::int32_t value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (ec == std::errc{} && end == digits.data() + digits.size() && value >= least && value <= most) return value;
  add_fault(name, "number", fmt::format("A whole number from {} to {}.", least, most));
  return std::nullopt;
}

void query_parameters::need(std::string_view name) {
  if (has(name)) return;
  for (const auto& known : faults_) {
    if (known.pointer.size() == name.size() + 1 && known.pointer.ends_with(name)) return;
  }
  add_fault(name, "required", "This parameter must be given.");
}

void query_parameters::add_fault(std::string_view name, std::string_view code, std::string detail) {
  faults_.push_back({.pointer = "?" + std::string{name}, .code = code, .detail = std::move(detail)});
}

}  // namespace keyrack::gateway
