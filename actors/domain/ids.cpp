#include "actors/domain/ids.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack {

namespace {

// Crockford's alphabet: no i, l, o, u.
constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t half_chars = 12;  // of 60 bits
constexpr std::size_t counter_chars_min = 5;
constexpr std::size_t counter_chars_max = 12;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (std::size_t c = 0; c < values.size(); ++c) {
    const char small = lower(static_cast<char>(c));
    const char meant = small == 'o' ? '0' : small == 'i' || small == 'l' ? '1' : small;
    const auto place = alphabet.find(meant);
    values[c] = place == std::string_view::npos ? std::int8_t{-1} : static_cast<std::int8_t>(place);
  }
  return values;
}
constexpr auto values = make_values();

void append_base32(std::string& out, std::uint64_t value, std::size_t chars) {
  for (std::size_t i = chars; i-- > 0;) out += alphabet[value >> (5 * i) & 31];
}

// Up to 12 characters.
std::optional<std::uint64_t> read_base32(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = values[static_cast<unsigned char>(c)];
    if (digit < 0) return std::nullopt;
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

std::size_t counter_chars(std::uint64_t number) {
  auto chars = counter_chars_min;
  while (chars < counter_chars_max && number >> (5 * chars) != 0) ++chars;
  return chars;
}

// Luhn's check modulo 32 over the characters of hotel and counter: every second digit from the right counts twice.
// Finds every single wrong character and nearly all swapped neighbours.
std::uint64_t check_digit(reservation_id id) {
  std::uint64_t sum = 0;
  bool twice = true;
  const auto add = [&](std::uint64_t value, std::size_t chars) {
    for (std::size_t i = 0; i < chars; ++i, value >>= 5, twice = !twice) {
      const auto digit = (value & 31) * (twice ? 2 : 1);
      sum += digit / 32 + digit % 32;
    }
  };
  add(id.number.value, counter_chars(id.number.value));
  add(id.hotel.value, half_chars);
  return (32 - sum % 32) % 32;
}

std::optional<std::uint64_t> read_hex(std::string_view digits, std::uint64_t above) {
  for (const char c : digits) {
    const char small = lower(c);
    const bool decimal = small >= '0' && small <= '9';
    if (!decimal && (small < 'a' || small > 'f')) return std::nullopt;
    above = above << 4 | static_cast<std::uint64_t>(decimal ? small - '0' : small - 'a' + 10);
  }
  return above;
}

void append_hex(std::string& out, std::uint64_t value, int from_digit, int digits) {
  for (int i = from_digit; i < from_digit + digits; ++i) out += "0123456789abcdef"[value >> (60 - 4 * i) & 15];
}

}  // namespace

std::string to_text(hotel_id id) {
  std::string out;
  append_base32(out, id.value, half_chars);
  return out;
}

std::string to_text(reservation_id id) {
  std::string out = to_text(id.hotel);
  out += '-';
  append_base32(out, id.number.value, counter_chars(id.number.value));
  out += alphabet[check_digit(id)];
  return out;
}

std::string to_text(guest_id id) {
  std::string out;
  append_base32(out, id.high, half_chars);
  append_base32(out, id.low, half_chars);
  return out;
}

std::string to_uuid_text(request_key key) {
  std::string out;
  out.reserve(36);
  append_hex(out, key.high, 0, 8);
  out += '-';
  append_hex(out, key.high, 8, 4);
  out += '-';
  append_hex(out, key.high, 12, 4);
  out += '-';
  append_hex(out, key.low, 0, 4);
  out += '-';
  append_hex(out, key.low, 4, 12);
  return out;
}

std::optional<hotel_id> parse_hotel_id(std::string_view text) {
  if (text.size() != half_chars) return std::nullopt;
  const auto value = read_base32(text);
  if (!value) return std::nullopt;
  return hotel_id{*value};
}

std::optional<guest_id> parse_guest_id(std::string_view text) {
  if (text.size() != 2 * half_chars) return std::nullopt;
  const auto high = read_base32(text.substr(0, half_chars));
  const auto low = read_base32(text.substr(half_chars));
  if (!high || !low) return std::nullopt;
  return guest_id{.high = *high, .low = *low};
}

std::optional<reservation_id> parse_reservation_id(std::string_view text) {
  constexpr auto before_counter = half_chars + 1;
  if (text.size() < before_counter + counter_chars_min + 1) return std::nullopt;
  if (text.size() > before_counter + counter_chars_max + 1 || text[half_chars] != '-') return std::nullopt;
  const auto hotel = parse_hotel_id(text.substr(0, half_chars));
  const auto counter = text.substr(before_counter, text.size() - before_counter - 1);
  const auto number = read_base32(counter);
  const auto check = read_base32(text.substr(text.size() - 1));
  if (!hotel || !number || *number == 0 || !check) return std::nullopt;
  const reservation_id id{.hotel = *hotel, .number = {*number}};
  // One way to write it: no zeros in front beyond the shortest form.
  if (counter.size() != counter_chars(*number) || *check != check_digit(id)) return std::nullopt;
  return id;
}

std::optional<request_key> parse_uuid(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
  auto high = read_hex(text.substr(0, 8), 0);
  if (high) high = read_hex(text.substr(9, 4), *high);
  if (high) high = read_hex(text.substr(14, 4), *high);
  auto low = read_hex(text.substr(19, 4), 0);
  if (low) low = read_hex(text.substr(24, 12), *low);
  if (!high || !low) return std::nullopt;
  return request_key{.high = *high, .low = *low};
}

}  // namespace keyrack
