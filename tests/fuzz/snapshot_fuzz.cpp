// Foreign bytes as snapshots.payload: refused, or a state without a broken invariant that is written with the same bytes.
#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/evolve.hpp"
#include "persistence/codec.hpp"

#include <cstddef>
#include <cstdint>

using namespace keyrack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view payload{reinterpret_cast<const char*>(bytes), size};
  const auto hotel = persistence::decode_snapshot({1}, payload);
  if (!hotel) return 0;
  const auto broken = invariants_broken(*hotel);
  if (!broken.empty()) std::fprintf(stderr, "%s\n", broken.c_str());
  KEYRACK_ASSERT(broken.empty());
  KEYRACK_ASSERT(persistence::encode_snapshot(*hotel) == payload);
  return 0;
}
