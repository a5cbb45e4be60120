// Events to and from `commits.payload`.
#include "actors/domain/limits.hpp"
#include "persistence/codec.hpp"
#include "persistence/codec_values.hpp"

#include <fmt/format.h>

#include <variant>

namespace keyrack::persistence {
namespace {

using persistence::read;
using persistence::write;
using wire::fault;

constexpr std::uint32_t events_field = pb::Commit::kEventsFieldNumber;
constexpr std::uint32_t commit_format = 1;
constexpr std::string_view commit_head{"\x08\x01", 2};  // format = 1

struct body_writer {
  pb::Event& to;

  void operator()(const hotel_created& e) const { write(e.profile, *to.mutable_hotel_created()->mutable_profile()); }
  void operator()(const hotel_updated& e) const {
    auto& body = *to.mutable_hotel_updated();
    write(e.profile, *body.mutable_profile());
    body.set_created_at(to_us(e.created_at));
  }
  void operator()(const hotel_removed&) const { to.mutable_hotel_removed(); }
  void operator()(const room_type_added& e) const {
    auto& body = *to.mutable_room_type_added();
    body.set_type(e.type.value);
    write(e.profile, *body.mutable_profile());
  }
  void operator()(const room_type_updated& e) const {
    auto& body = *to.mutable_room_type_updated();
    body.set_type(e.type.value);
    write(e.profile, *body.mutable_profile());
    body.set_created_at(to_us(e.created_at));
  }
  void operator()(const room_type_removed& e) const { to.mutable_room_type_removed()->set_type(e.type.value); }
  void operator()(const rooms_listed& e) const {
    auto& body = *to.mutable_rooms_listed();
    for (const auto& r : e.rooms) write(r, *body.add_rooms());
  }
  void operator()(const calendar_changed& e) const {
    auto& body = *to.mutable_calendar_changed();
    for (const auto& change : e.changes) write(change, *body.add_changes());
  }
  void operator()(const reservation_event& e) const {
    auto& body = *to.mutable_reservation();
    body.set_step(static_cast<std::uint32_t>(e.step));
    write(e.after, *body.mutable_after());
    body.set_previous(e.previous);
  }
};

void write(const event& from, pb::Event& to) {
  to.set_at(to_us(from.at));
  to.set_by(from.by);
  if (from.answers) {
    auto& stamp = *to.mutable_answers();
    stamp.set_key_high(from.answers->key.high);
    stamp.set_key_low(from.answers->key.low);
    stamp.set_digest(from.answers->digest);
    stamp.set_operation(static_cast<std::uint32_t>(from.answers->op));
  }
  std::visit(body_writer{to}, from.body);
}

rooms_listed read(const pb::RoomsListed& from, fault& f) {
  wire::require_known(from, f);
  f.require(from.rooms_size() <= limits::rooms_listed_max, "too many rooms in a list");
  rooms_listed to;
  to.rooms.reserve(static_cast<std::size_t>(from.rooms_size()));
  for (const auto& r : from.rooms()) to.rooms.push_back(read(r, f));
  return to;
}

calendar_changed read(const pb::CalendarChanged& from, fault& f) {
  wire::require_known(from, f);
  f.require(from.changes_size() <= limits::calendar_changes_max, "too many calendar changes");
  calendar_changed to;
  to.changes.reserve(static_cast<std::size_t>(from.changes_size()));
  for (const auto& change : from.changes()) require_nights(to.changes.emplace_back(read(change, f)), f);
  return to;
}

reservation_event read(const pb::ReservationEvent& from, std::uint64_t seq, fault& f) {
  wire::require_known(from, f);
  f.require(from.step() <= static_cast<std::uint32_t>(reservation_step::no_show_recorded), "a step that is not known");
  f.require(from.has_after(), "a step without a reservation");
  reservation_event to{
      .step = static_cast<reservation_step>(from.step()), .after = read(from.after(), f), .previous = from.previous()};
  f.require(to.previous < seq && to.after.version == seq, "a reservation's version that is not its event's number");
  f.require((to.previous == 0) == (to.step == reservation_step::rooms_held), "a step with no step before it");
  return to;
}

template <typename Message>
const Message& known(const Message& m, fault& f) {
  wire::require_known(m, f);
  return m;
}

template <typename Message>
hotel_profile profile_of(const Message& m, fault& f) {
  f.require(known(m, f).has_profile(), "no profile");
  return read(m.profile(), f);
}

template <typename Message>
room_type_profile type_profile_of(const Message& m, fault& f) {
  f.require(known(m, f).has_profile(), "no profile");
  return read(m.profile(), f);
}

event_body read_body(const pb::Event& from, std::uint64_t seq, fault& f) {
  switch (from.body_case()) {
  case pb::Event::kHotelCreated: return hotel_created{profile_of(from.hotel_created(), f)};
  case pb::Event::kHotelUpdated:
    return hotel_updated{profile_of(from.hotel_updated(), f), read_instant(from.hotel_updated().created_at(), f)};
  case pb::Event::kHotelRemoved: known(from.hotel_removed(), f); return hotel_removed{};
  case pb::Event::kRoomTypeAdded:
    return room_type_added{read_type(from.room_type_added().type(), f), type_profile_of(from.room_type_added(), f)};
  case pb::Event::kRoomTypeUpdated:
    return room_type_updated{read_type(from.room_type_updated().type(), f),
                             type_profile_of(from.room_type_updated(), f),
                             read_instant(from.room_type_updated().created_at(), f)};
  case pb::Event::kRoomTypeRemoved: return room_type_removed{read_type(known(from.room_type_removed(), f).type(), f)};
  case pb::Event::kRoomsListed: return read(from.rooms_listed(), f);
  case pb::Event::kCalendarChanged: return read(from.calendar_changed(), f);
  case pb::Event::kReservation: return read(from.reservation(), seq, f);
  case pb::Event::BODY_NOT_SET: break;
  }
  f.require(false, "an event that this version does not know");
  return hotel_removed{};
}

event read(const pb::Event& from, std::uint64_t seq, fault& f) {
  wire::require_known(from, f);
  f.require(from.by().size() <= word_bytes_max, "a text that is too long");
  event to{
      .seq = seq, .at = read_instant(from.at(), f), .by = from.by(), .answers = {}, .body = read_body(from, seq, f)};
  if (from.has_answers()) {
    const auto& stamp = known(from.answers(), f);
    to.answers = {.key = {stamp.key_high(), stamp.key_low()},
                  .digest = stamp.digest(),
                  .op = read_operation(stamp.operation(), f)};
  }
  return to;
}

}  // namespace

std::string encode_commit(const commit& c) {
  std::string out{commit_head};
  wire::scratch scratch;
  for (const auto& e : c.events) {
    auto& message = *google::protobuf::Arena::CreateMessage<pb::Event>(scratch.get());
    write(e, message);
    wire::append_element(out, events_field, message);
    scratch.reset();
  }
  return out;
}

std::expected<std::vector<event>, std::string> decode_commit(std::string_view payload, std::uint64_t first_seq,
                                                             std::uint64_t last_seq) {
  static_assert(commit_format == 1);
  if (payload.size() > commit_bytes_max) return std::unexpected(std::string{"a commit that is too long"});
  if (!payload.starts_with(commit_head)) return std::unexpected(std::string{"a commit's format that is not known"});
  // An event takes two bytes at least: what a sequence number claims allocates no more than the payload does.
  if (first_seq == 0 || last_seq < first_seq || last_seq - first_seq >= payload.size())
    return std::unexpected(fmt::format("sequence numbers {} to {} that this commit cannot have", first_seq, last_seq));

  wire::field_reader fields{payload.substr(commit_head.size())};
  std::vector<event> events;
  events.reserve(std::min<std::size_t>(last_seq - first_seq + 1, payload.size() / 16 + 1));
  wire::scratch scratch;
  for (auto seq = first_seq; seq <= last_seq; ++seq, scratch.reset()) {
    const auto bytes = fields.take(events_field);
    auto& message = *google::protobuf::Arena::CreateMessage<pb::Event>(scratch.get());
    if (!bytes || !wire::parse_canonical(message, *bytes))
      return std::unexpected(fmt::format("event {}: missing or broken", seq));
    fault f;
    events.push_back(read(message, seq, f));
    if (events.size() > 1) f.require(events.rbegin()[1].at <= events.back().at, "before the event before it");
    if (f) return std::unexpected(fmt::format("event {}: {}", seq, f.why()));
  }
  if (!fields.at_end()) return std::unexpected(fmt::format("more than {} events", events.size()));
  return events;
}

std::string encode_reservation(const reservation& r) {
  wire::scratch scratch;
  auto& message = *google::protobuf::Arena::CreateMessage<pb::Reservation>(scratch.get());
  write(r, message);
  std::string out;
  wire::append_message(out, message);
  return out;
}

std::expected<reservation, std::string> decode_reservation(std::string_view body) {
  wire::scratch scratch;
  auto& message = *google::protobuf::Arena::CreateMessage<pb::Reservation>(scratch.get());
  if (!wire::parse_canonical(message, body)) return std::unexpected(std::string{"not a reservation"});
  fault f;
  auto r = read(message, f);
  if (f) return std::unexpected(std::string{f.why()});
  return r;
}

std::string encode_profile(const hotel_profile& p) {
  pb::HotelProfile message;
  write(p, message);
  std::string out;
  wire::append_message(out, message);
  return out;
}

std::expected<hotel_profile, std::string> decode_profile(std::string_view body) {
  pb::HotelProfile message;
  if (!wire::parse_canonical(message, body)) return std::unexpected(std::string{"not a hotel's profile"});
  fault f;
  auto p = read(message, f);
  if (f) return std::unexpected(std::string{f.why()});
  return p;
}

}  // namespace keyrack::persistence
