// Values that many messages have, and what is refused of each.
#include "cluster/wire_codec.hpp"
#include "cluster/wire_codec_parts.hpp"
#include "config/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace keyrack::cluster::wire_parts {
namespace {

constexpr std::int32_t date_days_max = 2'932'896;
constexpr std::int64_t instant_us_max = 253'402'300'799'999'999;
constexpr std::uint64_t sixty_bits = (std::uint64_t{1} << 60) - 1;

// Numbers of the wire are given once; the domain's list is in the order of its decisions. No default: a code that is added
// there does not compile before it has a number here.
constexpr wire::Code number_of(errc code) {
  switch (code) {
  case errc::key_reused: return wire::CODE_KEY_REUSED;
  case errc::hotel_unknown: return wire::CODE_HOTEL_UNKNOWN;
  case errc::room_type_unknown: return wire::CODE_ROOM_TYPE_UNKNOWN;
  case errc::reservation_unknown: return wire::CODE_RESERVATION_UNKNOWN;
  case errc::wrong_status: return wire::CODE_WRONG_STATUS;
  case errc::version_conflict: return wire::CODE_VERSION_CONFLICT;
  case errc::stay_invalid: return wire::CODE_STAY_INVALID;
  case errc::stay_in_past: return wire::CODE_STAY_IN_PAST;
  case errc::stay_too_far: return wire::CODE_STAY_TOO_FAR;
  case errc::too_many_guests: return wire::CODE_TOO_MANY_GUESTS;
  case errc::sold_out: return wire::CODE_SOLD_OUT;
  case errc::closed: return wire::CODE_CLOSED;
  case errc::closed_to_arrival: return wire::CODE_CLOSED_TO_ARRIVAL;
  case errc::closed_to_departure: return wire::CODE_CLOSED_TO_DEPARTURE;
  case errc::min_stay: return wire::CODE_MIN_STAY;
  case errc::max_stay: return wire::CODE_MAX_STAY;
  case errc::hold_lapsed: return wire::CODE_HOLD_LAPSED;
  case errc::no_room_ready: return wire::CODE_NO_ROOM_READY;
  case errc::room_type_in_use: return wire::CODE_ROOM_TYPE_IN_USE;
  case errc::currency_mismatch: return wire::CODE_CURRENCY_MISMATCH;
  case errc::calendar_invalid: return wire::CODE_CALENDAR_INVALID;
  case errc::limit_reached: return wire::CODE_LIMIT_REACHED;
  case errc::room_taken: return wire::CODE_ROOM_TAKEN;
  case errc::hotel_in_use: return wire::CODE_HOTEL_IN_USE;
  case errc::json_invalid: return wire::CODE_JSON_INVALID;
  case errc::cursor_invalid: return wire::CODE_CURSOR_INVALID;
  case errc::body_invalid: return wire::CODE_BODY_INVALID;
  case errc::guest_unknown: return wire::CODE_GUEST_UNKNOWN;
  case errc::overloaded: return wire::CODE_OVERLOADED;
  case errc::unavailable: return wire::CODE_UNAVAILABLE;
  case errc::deadline_exceeded: return wire::CODE_DEADLINE_EXCEEDED;
  case errc::node_unknown: return wire::CODE_NODE_UNKNOWN;
  case errc::shard_unknown: return wire::CODE_SHARD_UNKNOWN;
  case errc::last_node: return wire::CODE_LAST_NODE;
  case errc::node_unfit: return wire::CODE_NODE_UNFIT;
  case errc::already_there: return wire::CODE_ALREADY_THERE;
  case errc::shard_pinned: return wire::CODE_SHARD_PINNED;
  case errc::move_open: return wire::CODE_MOVE_OPEN;
  case errc::rebalance_running: return wire::CODE_REBALANCE_RUNNING;
  case errc::moving: return wire::CODE_MOVING;
  case errc::fenced: return wire::CODE_FENCED;
  }
  return wire::CODE_UNSPECIFIED;
}

constexpr auto codes_by_number = [] {
  std::array<std::optional<errc>, wire::Code_ARRAYSIZE> codes{};
  for (int i = 0; i <= static_cast<int>(errc::fenced); ++i) {
    const auto code = static_cast<errc>(i);
    codes[static_cast<std::size_t>(number_of(code))] = code;
  }
  return codes;
}();
// Every number but 0 is some code's, and so no two codes have the same one.
static_assert(!codes_by_number[0] && std::count(codes_by_number.begin(), codes_by_number.end(), std::nullopt) == 1);
static_assert(codes_by_number.size() == static_cast<std::size_t>(errc::fenced) + 2);

bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto length = text[i] == '\0' ? 0 : utf8_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

date read_date(std::int32_t days, fault& f) {
  f.require(days >= 0 && days <= date_days_max, "a date out of range");
  return {days};
}

instant read_instant(std::int64_t us, fault& f) {
  f.require(us >= 0 && us <= instant_us_max, "an instant out of range");
  return instant{std::chrono::microseconds{us}};
}

// Whether there is such a type is for the hotel to say.
room_type_id read_type(std::uint32_t id, fault& f) {
  f.require(id <= 0xFFFF, "a room type's id out of range");
  return {static_cast<std::uint16_t>(id)};
}

currency read_currency(std::string_view code, fault& f) {
  if (code.empty()) return {};
  if (!f.require(code.size() == 3 && std::ranges::all_of(code, is_capital), "a currency that is not three capitals"))
    return {};
  return {{code[0], code[1], code[2]}};
}

std::int32_t read_count(std::int32_t count, std::int32_t least, std::int32_t most, fault& f) {
  f.require(count >= least && count <= most, "a count out of range");
  return count;
}

std::int64_t read_price(std::int64_t minor, fault& f) {
  f.require(minor >= 0 && minor <= limits::price_minor_max, "a price out of range");
  return minor;
}

hotel_id read_hotel(std::uint64_t id, fault& f) {
  f.require(id <= sixty_bits, "a hotel's id of more than 60 bits");
  return {id};
}

guest_id read_guest(std::uint64_t high, std::uint64_t low, fault& f) {
  f.require(high <= sixty_bits && low <= sixty_bits, "a guest's id of more than 120 bits");
  return {high, low};
}

std::string read_text(std::string&& text, std::size_t bytes_max, fault& f) {
  f.require(text.size() <= bytes_max, "a text that is too long");
  return std::move(text);
}

std::string read_plain_text(std::string&& text, std::size_t bytes_max, fault& f) {
  f.require(is_plain_text(text), "a text that is not UTF-8, or has a NUL");
  return read_text(std::move(text), bytes_max, f);
}

wire::Code to_wire(errc code) { return number_of(code); }

errc read_code(int code, fault& f) {
  const bool in_range = code >= 0 && static_cast<std::size_t>(code) < codes_by_number.size();
  const auto known = in_range ? codes_by_number[static_cast<std::size_t>(code)] : std::nullopt;
  if (!known) f.require(false, fmt::format("code {}, which this version does not know", code));
  return known.value_or(errc::unavailable);
}

void write(const reason& from, wire::Reason& to) {
  to.set_code(to_wire(from.code));
  if (from.night) to.set_night(from.night->days);
  if (from.type) to.set_type(from.type->value);
  if (from.free) to.set_free(*from.free);
  if (from.bound) to.set_bound(*from.bound);
}

reason read(const wire::Reason& from, fault& f) {
  reason to;
  to.code = read_code(from.code(), f);
  if (from.has_night()) to.night = read_date(from.night(), f);
  if (from.has_type()) to.type = read_type(from.type(), f);
  if (from.has_free()) to.free = from.free();
  if (from.has_bound()) to.bound = from.bound();
  return to;
}

std::string unknown_kind(std::string_view what, std::string_view kind) {
  std::string name{kind.substr(0, 64)};
  std::ranges::replace_if(name, [](char c) { return !(c == '_' || (c >= 'a' && c <= 'z')); }, '?');
  return fmt::format("{} of a kind that this version does not know: {}", what, name.empty() ? "unnamed" : name);
}

template <typename Message>
bool parse(Message& m, std::string_view bytes, std::string_view what, fault& f) {
  if (!f.require(bytes.size() <= message_bytes_max, "a message that is too long")) return false;
  if (!m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return f.require(false, fmt::format("bytes that are not {}", what));
  if (m.needs() > wire_version)
    return f.require(false,
                     fmt::format("{} that needs version {} of the format, this is {}", what, m.needs(), wire_version));
  return true;
}

template bool parse(wire::Request&, std::string_view, std::string_view, fault&);
template bool parse(wire::Answer&, std::string_view, std::string_view, fault&);

}  // namespace keyrack::cluster::wire_parts
