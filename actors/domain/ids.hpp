// The names of things. An id never authorises anything, and carries its hotel where it can, so that it routes itself.
// Owns their text forms (Crockford's base 32, lower case); refuses to know how ids are drawn or hashed.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack {

/// A property. 60 bits, written as 12 characters; made from the creating request's key.
struct hotel_id {
  std::uint64_t value = 0;
  auto operator<=>(const hotel_id&) const = default;
};

/// What is sold in a hotel. Given in order from 1, never used again after removal.
struct room_type_id {
  std::uint16_t value = 0;
  auto operator<=>(const room_type_id&) const = default;
};

/// A reservation within its hotel: the hotel's counter, from 1.
struct reservation_number {
  std::uint64_t value = 0;
  auto operator<=>(const reservation_number&) const = default;
};

/// A reservation anywhere, written `7k2m9qx4vd1h-0003f8`: hotel, counter, check character (Luhn modulo 32 over both).
struct reservation_id {
  hotel_id hotel;
  reservation_number number;
  auto operator<=>(const reservation_id&) const = default;
};

/// The person. 120 bits in two halves of 60, written as 24 characters; made from hotel and request key.
struct guest_id {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const guest_id&) const = default;
};

/// What makes a request the same request: the client's UUID itself, or a hash of its `Idempotency-Key`. 128 bits.
struct request_key {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const request_key&) const = default;
};

std::string to_text(hotel_id id);
std::string to_text(reservation_id id);
std::string to_text(guest_id id);

/// The key in the form of a UUID, 36 characters, lower case.
std::string to_uuid_text(request_key key);

/// Read what people type: capitals count as small, o as 0, i and l as 1. Nothing when it is not an id of that kind.
std::optional<hotel_id> parse_hotel_id(std::string_view text);
std::optional<guest_id> parse_guest_id(std::string_view text);

/// Nothing when the form is wrong or the check character does not match: a mistyped id is recognised, not looked up.
std::optional<reservation_id> parse_reservation_id(std::string_view text);

/// 8-4-4-4-12 hexadecimal digits, any version; nothing otherwise.
std::optional<request_key> parse_uuid(std::string_view text);

}  // namespace keyrack

template <>
struct std::hash<keyrack::hotel_id> {
  std::size_t operator()(keyrack::hotel_id id) const noexcept { return id.value * 0x9E3779B97F4A7C15ULL >> 7; }
};
template <>
struct std::hash<keyrack::request_key> {
  // Keys are hashes or random already; one half is as good as any mixture, but a client's counter may sit in either.
  std::size_t operator()(const keyrack::request_key& key) const noexcept {
    return (key.high ^ (key.low << 32 | key.low >> 32)) * 0x9E3779B97F4A7C15ULL;
  }
};
