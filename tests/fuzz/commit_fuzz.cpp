// Foreign bytes as commits.payload: refused with a sentence, or the very bytes that the encoder writes for events that are
// numbered without a gap, in order of time and within the domain's bounds.
#include "actors/domain/assert.hpp"
#include "actors/domain/limits.hpp"
#include "persistence/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <variant>

using namespace keyrack;

namespace {

void check_bounds(const reservation& r) {
  KEYRACK_ASSERT(r.stay.nights() >= 1 && r.stay.nights() <= limits::stay_nights_max);
  KEYRACK_ASSERT(!r.items.empty() && r.items.size() <= limits::items_per_reservation_max);
  for (const auto& item : r.items) {
    KEYRACK_ASSERT(item.type.value > 0 && item.rooms > 0 && item.rooms <= limits::rooms_per_type_max);
    KEYRACK_ASSERT(item.night_prices.size() == static_cast<std::size_t>(r.stay.nights()));
    for (const auto price : item.night_prices) KEYRACK_ASSERT(price >= 0 && price <= limits::price_minor_max);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first byte says how many events the row claims to hold.
  if (size == 0) return 0;
  const std::string_view payload{reinterpret_cast<const char*>(bytes) + 1, size - 1};
  const std::uint64_t count = bytes[0];
  auto events = persistence::decode_commit(payload, 1, count);
  KEYRACK_ASSERT(events.has_value() || !events.error().empty());
  if (!events) return 0;
  KEYRACK_ASSERT(count > 0 && events->size() == count);
  const auto* before = &events->front();
  for (const auto& e : *events) {
    KEYRACK_ASSERT(e.seq == static_cast<std::uint64_t>(&e - &events->front()) + 1 && e.at >= before->at);
    if (const auto* booked = std::get_if<reservation_event>(&e.body)) {
      KEYRACK_ASSERT(booked->after.version == e.seq && booked->previous < e.seq);
      check_bounds(booked->after);
    }
    before = &e;
  }
  commit again;
  again.events = std::move(*events);
  KEYRACK_ASSERT(persistence::encode_commit(again) == payload);
  return 0;
}
