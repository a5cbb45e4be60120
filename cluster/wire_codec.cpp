#include "cluster/wire_codec.hpp"

#include "cluster/wire_codec_parts.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::cluster {
namespace {

using wire_parts::fault;

constexpr std::size_t request_id_bytes_max = 200;
constexpr std::size_t contact_bytes_max = 254;  // of an e-mail address, RFC 5321

void write(const request& from, wire::Stamp& to) {
  to.set_key_high(from.key.high);
  to.set_key_low(from.key.low);
  to.set_digest(from.digest);
  to.set_by(from.by);
  if (from.if_match) to.set_if_match(*from.if_match);
  to.set_key_is_client_reference(from.key_is_client_reference);
}

request read(wire::Stamp& from, fault& f) {
  request to;
  to.key = {from.key_high(), from.key_low()};
  to.digest = from.digest();
  to.by = wire_parts::read_plain_text(std::move(*from.mutable_by()), wire_parts::word_bytes_max, f);
  if (from.has_if_match()) to.if_match = from.if_match();
  to.key_is_client_reference = from.key_is_client_reference();
  return to;
}

void write(const personal_record& from, wire::Person& to) {
  to.set_guest_high(from.guest.high);
  to.set_guest_low(from.guest.low);
  to.set_new_guest(from.new_guest);
  to.set_name(from.name);
  to.set_email(from.email);
  to.set_phone(from.phone);
  to.set_notes(from.notes);
}

personal_record read(wire::Person& from, fault& f) {
  personal_record to;
  to.guest = wire_parts::read_guest(from.guest_high(), from.guest_low(), f);
  to.new_guest = from.new_guest();
  to.name = wire_parts::read_plain_text(std::move(*from.mutable_name()), limits::name_bytes_max, f);
  to.email = wire_parts::read_plain_text(std::move(*from.mutable_email()), contact_bytes_max, f);
  to.phone = wire_parts::read_plain_text(std::move(*from.mutable_phone()), contact_bytes_max, f);
  to.notes = wire_parts::read_plain_text(std::move(*from.mutable_notes()), limits::notes_bytes_max, f);
  return to;
}

void write(const envelope& from, std::chrono::milliseconds remaining, const value_codec& values, wire::Request& to) {
  to.set_hotel(from.hotel.value);
  to.set_remaining_ms(static_cast<std::uint32_t>(
      std::clamp(remaining, std::chrono::milliseconds{0}, std::chrono::milliseconds{remaining_max}).count()));
  to.set_request_id(from.request_id);
  to.set_in_doubt(from.in_doubt);
  for (const auto& person : from.personal) write(person, *to.add_personal());
  if (const auto* asked = std::get_if<query>(&from.body)) return wire_parts::write(*asked, to);
  write(from.request, *to.mutable_stamp());
  wire_parts::write(std::get<command>(from.body), values, to);
}

bool is_whole(const wire::Request& from, fault& f) {
  const bool commands = from.command_case() != wire::Request::COMMAND_NOT_SET;
  const bool asks = from.query_case() != wire::Request::QUERY_NOT_SET;
  if (!commands && !asks)
    return f.require(false, wire_parts::unknown_kind(from.has_stamp() ? "a command" : "a query", from.kind()));
  f.require(commands != asks, "a command and a query at once");
  f.require(commands == from.has_stamp(), "a command without a key, or a query with one");
  const int personal_max = from.has_hold_rooms() ? 1 : 0;
  f.require(from.personal_size() <= personal_max, "personal records that nobody asked for");
  f.require(from.remaining_ms() <= remaining_max.count(), "a deadline that is too far away");
  return !f;
}

}  // namespace

std::string encode_request(const envelope& e, std::chrono::milliseconds remaining, const value_codec& values) {
  wire_parts::scratch scratch;
  auto& message = scratch.make<wire::Request>();
  write(e, remaining, values, message);
  return message_bytes(message);
}

std::expected<received_request, std::string> decode_request(std::string_view bytes, const value_codec& values) {
  wire_parts::scratch scratch;
  auto& from = scratch.make<wire::Request>();
  fault f;
  if (!wire_parts::parse(from, bytes, "a request", f) || !is_whole(from, f)) return std::unexpected(f.why());

  std::expected<received_request, std::string> to{std::in_place};
  to->hotel = wire_parts::read_hotel(from.hotel(), f);
  to->remaining = std::chrono::milliseconds{from.remaining_ms()};
  to->request_id = wire_parts::read_plain_text(std::move(*from.mutable_request_id()), request_id_bytes_max, f);
  to->in_doubt = from.in_doubt();
  for (auto& person : *from.mutable_personal()) to->personal.push_back(read(person, f));
  if (from.has_stamp()) {
    to->request = read(*from.mutable_stamp(), f);
    to->body = wire_parts::read_command(from, values, f);
  } else {
    to->body = wire_parts::read_query(from, f);
  }
  if (f) return std::unexpected(f.why());
  return to;
}

}  // namespace keyrack::cluster
