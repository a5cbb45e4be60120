// Foreign bytes as the bodies of projected rows, guest_reservations.body and hotels_list.profile: refused with a sentence,
// or the very bytes that the encoder writes for what they say.
#include "actors/domain/assert.hpp"
#include "persistence/codec.hpp"

#include <cstddef>
#include <cstdint>

using namespace keyrack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body{reinterpret_cast<const char*>(bytes), size};
  const auto booked = persistence::decode_reservation(body);
  KEYRACK_ASSERT(booked.has_value() || !booked.error().empty());
  if (booked) KEYRACK_ASSERT(persistence::encode_reservation(*booked) == body);
  const auto profile = persistence::decode_profile(body);
  KEYRACK_ASSERT(profile.has_value() || !profile.error().empty());
  if (profile) KEYRACK_ASSERT(persistence::encode_profile(*profile) == body);
  return 0;
}
