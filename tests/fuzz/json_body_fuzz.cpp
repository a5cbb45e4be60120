// Foreign bytes as the body of a request, all the way: JSON, command, decision, event, journal. Every fault says where;
// what is taken is decided without a broken bound; and whatever is decided can be read from the journal again, because an
// event that cannot would take its hotel away for ever.
#include "actors/domain/assert.hpp"
#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/evolve.hpp"
#include "actors/domain/limits.hpp"
#include "gateway/render.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/patches.hpp"
#include "persistence/codec.hpp"
#include "tests/persistence/codec/history.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

using namespace keyrack;
using namespace keyrack::gateway;
namespace json = boost::json;

namespace {

constexpr int depth_max = 32;

const testing::history& a_hotel() {
  static const auto lived = [] {
    testing::history h{{1}, 7};
    h.live(60);
    return h;
  }();
  return lived;
}

/// JSON has one kind of number: 1e2 may be written 100.
bool same_number(const json::value& a, const json::value& b) {
  const bool exact = !a.is_double() && !b.is_double();
  return exact ? a == b : a.to_number<double>() == b.to_number<double>();
}

bool same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return same_number(a, b);
  if (a.is_array() && b.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), same);
  if (!a.is_object() || !b.is_object()) return a == b;
  return a.get_object().size() == b.get_object().size() && std::ranges::all_of(a.get_object(), [&](const auto& member) {
           const auto* other = b.get_object().if_contains(member.key());
           return other != nullptr && same(member.value(), *other);
         });
}

std::string canonical(const json::value& value) {
  std::string text;
  append_canonical(text, value, "");
  return text;
}

/// Written down again it is the same value; and so is each field of the outermost object, cut out of the text.
void check_document(std::string_view text, const json::value& root) {
  std::string written;
  append_json(written, root);
  const auto again = json_document::parse(written, depth_max);
  KEYRACK_ASSERT(again && same(again->root(), root));
  const auto* object = root.if_object();
  if (object == nullptr) return;
  for (const auto& member : *object) {
    const auto raw = raw_field(text, {member.key().data(), member.key().size()});
    if (raw.empty()) continue;  // its name was written with escapes
    const auto cut = json_document::parse(raw, depth_max);
    KEYRACK_ASSERT(cut && canonical(cut->root()) == canonical(member.value()));
  }
}

/// A pointer into the body: to what is wrong, or to what ought to be there and is not.
void check_faults(const fault_list& faults, const json::value& body) {
  constexpr std::size_t pointer_bytes_max = 200;
  KEYRACK_ASSERT(faults.all().size() <= 100);
  for (const auto& wrong : faults.all()) {
    KEYRACK_ASSERT(!wrong.code.empty() && !wrong.detail.empty() && wrong.pointer.size() <= pointer_bytes_max);
    if (wrong.pointer.size() > pointer_bytes_max - 4) continue;  // cut short, and what is left may be anything
    const auto parent = wrong.pointer.substr(0, wrong.pointer.find_last_of('/'));
    json::error_code ec;
    KEYRACK_ASSERT(body.find_pointer(wrong.code == "required" ? parent : wrong.pointer, ec) != nullptr);
  }
}

/// What stands in the body is taken whole or not at all.
template <typename Read>
auto read_checked(const json::value& body, Read read) {
  fault_list faults;
  std::optional made{read(body, faults)};
  check_faults(faults, body);
  if (!faults.empty()) made.reset();
  return made;
}

/// Decides, evolves, and goes through the journal and back.
void check_decision(hotel_state hotel, const command& what, moment now) {
  const request by{.key = {1, 2}, .digest = 3, .by = "anonymous", .if_match = {}, .key_is_client_reference = false};
  const auto decided = decide(hotel, by, what, now);
  if (decided.events.empty()) return;
  for (const auto& e : decided.events) evolve(hotel, e);
  KEYRACK_ASSERT(invariants_broken(hotel).empty());
  const commit written{.hotel = hotel.id, .events = decided.events, .personal = {}, .notes_of = {}};
  const auto read =
      persistence::decode_commit(persistence::encode_commit(written), written.first_seq(), written.last_seq());
  KEYRACK_ASSERT(read && *read == decided.events);
  const auto kept = persistence::encode_snapshot(hotel);
  const auto state = persistence::decode_snapshot(hotel.id, kept);
  KEYRACK_ASSERT(state && persistence::encode_snapshot(*state) == kept);
}

void check_command(const command& what) { check_decision(a_hotel().hotel, what, a_hotel().now()); }

/// A patch that changes nothing changes nothing: what was taken once is taken again.
template <typename View, typename Patch>
void check_patched(const View& shown, Patch patch) {
  const auto same = patch(shown, "{}", depth_max);
  KEYRACK_ASSERT(same.faults.empty() && same.profile == shown.profile);
}

void check_hotel(const json::value& body, std::string_view text) {
  const auto profile = read_checked(body, [&](const auto& b, auto& faults) { return read_hotel(b, text, faults); });
  if (!profile) return;
  check_patched(hotel_view{.profile = *profile}, patch_hotel);
  check_decision({.id = {2}}, create_hotel{*profile}, a_hotel().now());
  check_command(update_hotel{*profile});
}

void check_room_type(const json::value& body) {
  const auto profile = read_checked(body, read_room_type);
  if (!profile) return;
  check_patched(room_type_view{.id = {1}, .profile = *profile}, patch_room_type);
  check_command(add_room_type{*profile});
  check_command(update_room_type{{1}, *profile});
}

void check_patches(std::string_view text) {
  const auto& hotel = a_hotel().hotel;
  const auto as_hotel = patch_hotel({.profile = hotel.profile, .version = 1}, text, depth_max);
  if (as_hotel.faults.empty()) check_command(update_hotel{as_hotel.profile});
  const auto& type = hotel.types.front();
  const auto as_type = patch_room_type({.id = type.id, .profile = type.profile, .version = 1}, text, depth_max);
  if (as_type.faults.empty()) check_command(update_room_type{type.id, as_type.profile});
}

void check_new_reservation(const json::value& body) {
  auto made = read_checked(body, read_new_reservation);
  if (!made) return;
  KEYRACK_ASSERT(made->person.name.size() <= limits::name_bytes_max &&
                 made->person.notes.size() <= limits::notes_bytes_max);
  KEYRACK_ASSERT(made->known_guest.has_value() != made->person.new_guest);
  made->command.guest = made->known_guest.value_or(guest_id{3, 4});
  check_command(made->command);
}

/// One of the commands about a reservation, of which `number` may be one.
template <typename Read>
void check_step(const json::value& body, std::uint64_t number, Read read) {
  auto what = read_checked(body, read);
  if (!what) return;
  what->number = {number};
  check_command(*what);
}

void check_body(unsigned kind, std::uint64_t number, std::string_view text, const json::value& body) {
  switch (kind) {
  case 0: return check_hotel(body, text);
  case 1: return check_room_type(body);
  case 2:
    if (auto rooms = read_checked(body, read_rooms)) check_command(list_rooms{*rooms});
    return;
  case 3:
    if (auto changes = read_checked(body, read_calendar_changes)) check_command(*changes);
    return;
  case 4: return check_new_reservation(body);
  case 5: return check_step(body, number, read_reservation_change);
  case 6: return check_step(body, number, read_extension);
  case 7: return check_step(body, number, read_check_in);
  case 8: read_checked(body, read_guest_change); return;
  default: return check_patches(text);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size, std::size_t size_max);

/// Every other time one token of the text becomes another: what is read by fields is not found by changing letters.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  static constexpr std::array tokens{"null",
                                     "true",
                                     "{}",
                                     "[]",
                                     "\"\"",
                                     "\"x\"",
                                     "0",
                                     "-1",
                                     "1",
                                     "2",
                                     "6",
                                     "51",
                                     "101",
                                     "1000",
                                     "100001",
                                     "65536",
                                     "-0.5",
                                     "1e9",
                                     "18446744073709551615",
                                     "\"2024-12-21\"",
                                     "\"9999-12-31\"",
                                     "\"1970-01-01\"",
                                     "\"0.00\"",
                                     "\"1000000000.01\"",
                                     "\"EUR\"",
                                     "\"\\u0001\"",
                                     "\"101\"",
                                     "\"000000000001\""};
  std::minstd_rand dice{seed};
  if (size < 3 || dice() % 2 == 0) return LLVMFuzzerMutate(bytes, size, size_max);
  std::string text{reinterpret_cast<const char*>(bytes), size};
  const auto is_edge = [](char c) { return std::string_view{"{}[],:"}.find(c) != std::string_view::npos; };
  const auto from =
      std::find_if(text.begin() + 2 + static_cast<std::ptrdiff_t>(dice() % (size - 2)), text.end(), is_edge);
  if (from == text.end()) return LLVMFuzzerMutate(bytes, size, size_max);
  text.replace(from + 1, std::find_if(from + 1, text.end(), is_edge), tokens[dice() % tokens.size()]);
  if (text.size() > size_max) return size;
  std::ranges::copy(text, bytes);
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first two bytes are the route's part: whose body it is, and of which reservation.
  if (size < 2) return 0;
  const std::string_view text{reinterpret_cast<const char*>(bytes) + 2, size - 2};
  const auto body = json_document::parse(text, depth_max);
  KEYRACK_ASSERT(body || !body.error().empty());
  if (!body) return 0;
  check_document(text, body->root());
  check_body(bytes[0] % 10U, bytes[1], text, body->root());
  return 0;
}
