// Foreign bytes as what another node says: refused with a sentence, or a request that a hotel can decide upon and an answer
// that can be rendered, within the domain's bounds, which are said again in the same words.
#include "actors/domain/assert.hpp"
#include "actors/domain/limits.hpp"
#include "cluster/wire_codec.hpp"
#include "persistence/value_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <variant>

using namespace keyrack;

namespace {

const value_codec& values() { return persistence::disk_value_codec(); }

void check(const std::vector<requested_item>& items) {
  KEYRACK_ASSERT(!items.empty() && items.size() <= limits::items_per_reservation_max);
  for (const auto& item : items) {
    KEYRACK_ASSERT(item.rooms > 0 && item.rooms <= limits::rooms_per_type_max && item.guests > 0);
  }
}

/// What `decide` and `answer` assert.
void check(const std::variant<command, query>& body) {
  if (const auto* asked = std::get_if<query>(&body)) {
    if (const auto* q = std::get_if<availability_query>(asked)) KEYRACK_ASSERT(q->rooms > 0 && q->guests > 0);
    if (const auto* q = std::get_if<reservations_query>(asked)) KEYRACK_ASSERT(q->limit > 0);
    return;
  }
  const auto& what = std::get<command>(body);
  if (const auto* c = std::get_if<hold_rooms>(&what)) check(c->items);
  if (const auto* c = std::get_if<change_reservation>(&what); c != nullptr && c->items) check(*c->items);
  if (const auto* c = std::get_if<create_hotel>(&what)) KEYRACK_ASSERT(c->profile.hold_seconds > 0);
  if (const auto* c = std::get_if<add_room_type>(&what)) KEYRACK_ASSERT(c->profile.max_guests > 0);
  if (const auto* c = std::get_if<list_rooms>(&what)) {
    std::set<std::string_view> numbers;
    for (const auto& r : c->rooms) KEYRACK_ASSERT(numbers.insert(r.number).second);
  }
}

void check_request(std::string_view bytes) {
  const auto arrived = cluster::decode_request(bytes, values());
  KEYRACK_ASSERT(arrived.has_value() || !arrived.error().empty());
  if (!arrived) return;
  KEYRACK_ASSERT(arrived->remaining <= cluster::remaining_max && arrived->personal.size() <= 1);
  check(arrived->body);
  envelope e;
  e.hotel = arrived->hotel;
  e.request = arrived->request;
  e.body = arrived->body;
  e.personal = arrived->personal;
  e.request_id = arrived->request_id;
  e.in_doubt = arrived->in_doubt;
  const auto said = cluster::encode_request(e, arrived->remaining, values());
  KEYRACK_ASSERT(cluster::decode_request(said, values()).has_value());
}

void check_answer(std::string_view bytes) {
  const auto arrived = cluster::decode_answer(bytes, values());
  KEYRACK_ASSERT(arrived.has_value() || !arrived.error().empty());
  if (!arrived) return;
  // Names are looked up by number where answers are rendered.
  if (const auto* no = std::get_if<refusal>(&arrived->body)) {
    KEYRACK_ASSERT(no->code <= errc::fenced);
    for (const auto& r : no->reasons) KEYRACK_ASSERT(r.code <= errc::fenced);
  }
  const auto said = cluster::encode_answer(*arrived, values());
  const auto again = cluster::decode_answer(said, values());
  KEYRACK_ASSERT(again.has_value() && cluster::encode_answer(*again, values()) == said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first byte says which of the two it is.
  if (size == 0) return 0;
  const std::string_view message{reinterpret_cast<const char*>(bytes) + 1, size - 1};
  if ((bytes[0] & 1) == 0) {
    check_request(message);
  } else {
    check_answer(message);
  }
  return 0;
}
