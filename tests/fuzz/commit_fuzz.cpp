// Foreign bytes as commits.payload: refused, or the very bytes that the encoder writes for what they say.
#include "actors/domain/assert.hpp"
#include "persistence/codec.hpp"

#include <cstddef>
#include <cstdint>

using namespace keyrack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first byte says how many events the row claims to hold.
  if (size == 0) return 0;
  const std::string_view payload{reinterpret_cast<const char*>(bytes) + 1, size - 1};
  const std::uint64_t count = bytes[0];
  auto events = persistence::decode_commit(payload, 1, count);
  if (!events) return 0;
  KEYRACK_ASSERT(events->size() == count);
  commit again;
  again.events = std::move(*events);
  KEYRACK_ASSERT(persistence::encode_commit(again) == payload);
  return 0;
}
