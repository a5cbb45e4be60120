// Hashes: what makes requests, hotels and guests the same ones again. Owns the recipes, which are for ever: what was made
// with them is in journals. Refuses to know JSON and HTTP.
#pragma once

#include "actors/domain/ids.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace keyrack::gateway {

using sha256_hash = std::array<unsigned char, 32>;
sha256_hash sha256(std::string_view bytes);

/// The first 64 bits of SHA-256.
std::uint64_t digest_of(std::string_view canonical);

/// A text in the form of a UUID is that key; any other is the first 128 bits of its SHA-256.
request_key key_of_text(std::string_view text);

/// A key that nobody has used: 122 random bits in the form of a UUID of version 4.
request_key random_key();

/// 60 bits of SHA-256 of the creating request's key: a repeated creation meets the hotel that it made.
hotel_id hotel_of(request_key key);

/// 120 bits of SHA-256 of hotel and creating request's key: a retry makes the same person.
guest_id guest_of(hotel_id hotel, request_key key);

}  // namespace keyrack::gateway
