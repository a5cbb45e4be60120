// A hotel's state to and from `snapshots.payload`. What follows from the reservations is restored from them, in one place.
#include "actors/domain/limits.hpp"
#include "persistence/codec.hpp"
#include "persistence/codec_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace keyrack::persistence {
namespace {

using persistence::read;
using persistence::write;
using wire::fault;

constexpr std::uint32_t snapshot_format = 1;
constexpr std::uint32_t rooms_field = pb::Snapshot::kRoomsFieldNumber;
constexpr std::uint32_t reservations_field = pb::Snapshot::kReservationsFieldNumber;
constexpr std::uint32_t requests_field = pb::Snapshot::kRequestsFieldNumber;

// Nights that a calendar's window can span: what can be booked, and a stay that begins on the last of them, behind a
// window that has not moved for as long again.
constexpr int window_nights_max = 2 * limits::bookable_nights + limits::stay_nights_max;
// The most that a night's limit, and so the rooms taken, can be.
constexpr std::int64_t taken_max =
    static_cast<std::int64_t>(limits::rooms_per_type_max) * (100 + limits::overbooking_percent_max) / 100;

// Of the request table's packed entries.
constexpr std::uint64_t seq_max = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t reservation_number_max = (std::uint64_t{1} << 40) - 1;

void write(const night_rule& rule, pb::RuleRun& to) {
  if (rule.price != night_rule::price_unset) to.set_price(rule.price);
  if (rule.rooms_to_sell != night_rule::rooms_unset) to.set_rooms_to_sell(rule.rooms_to_sell);
  to.set_min_stay(rule.min_stay);
  to.set_max_stay(rule.max_stay);
  to.set_closed(rule.closed);
  to.set_closed_to_arrival(rule.closed_to_arrival);
  to.set_closed_to_departure(rule.closed_to_departure);
}

void write(const room_type_state& from, pb::RoomTypeState& to) {
  to.set_id(from.id.value);
  write(from.profile, *to.mutable_profile());
  to.set_version(from.version);
  to.set_created_at(to_us(from.created_at));
  to.set_updated_at(to_us(from.updated_at));
  to.set_first_night(from.calendar.first_night().days);
  const auto end = from.calendar.rules_end();
  for (auto night = from.calendar.first_night(); night < end;) {
    const auto rule = from.calendar.rule(night);
    const auto begin = night;
    do ++night;
    while (night < end && from.calendar.rule(night) == rule);
    if (rule == night_rule{}) continue;
    auto& run = *to.add_rules();
    run.set_from(begin.days);
    run.set_nights(night - begin);
    write(rule, run);
  }
}

void write(const hotel_state& from, pb::Snapshot& head) {
  head.set_format(snapshot_format);
  head.set_seq(from.seq);
  head.set_last_at(to_us(from.last_at));
  head.set_exists(from.exists);
  head.set_removed(from.removed);
  write(from.profile, *head.mutable_profile());
  head.set_version(from.version);
  head.set_created_at(to_us(from.created_at));
  head.set_updated_at(to_us(from.updated_at));
  for (const auto& type : from.types) write(type, *head.add_types());
  head.set_last_type(from.last_type);
  head.set_rooms_version(from.rooms_version);
  head.set_calendar_version(from.calendar_version);
  head.set_last_reservation(from.last_reservation);
}

void write(const request_key& key, const known_request& known, pb::KnownRequest& to) {
  to.set_key_high(key.high);
  to.set_key_low(key.low);
  to.set_digest(known.digest);
  to.set_seq(known.seq);
  to.set_at(to_us(known.at));
  to.set_reservation(known.reservation.value);
  to.set_operation(static_cast<std::uint32_t>(known.op));
}

night_rule read(const pb::RuleRun& from, fault& f) {
  wire::require_known(from, f);
  night_rule rule;
  if (from.has_price()) rule.price = from.price();
  if (from.has_rooms_to_sell()) rule.rooms_to_sell = from.rooms_to_sell();
  f.require(!from.has_price() || (rule.price >= 0 && rule.price <= limits::price_minor_max), "a price out of range");
  f.require(!from.has_rooms_to_sell() || (rule.rooms_to_sell >= 0 && rule.rooms_to_sell <= limits::rooms_per_type_max),
            "rooms to sell out of range");
  f.require(from.min_stay() <= 255 && from.max_stay() <= 255, "a length of stay out of range");
  rule.min_stay = static_cast<std::uint8_t>(from.min_stay());
  rule.max_stay = static_cast<std::uint8_t>(from.max_stay());
  rule.closed = from.closed();
  rule.closed_to_arrival = from.closed_to_arrival();
  rule.closed_to_departure = from.closed_to_departure();
  return rule;
}

/// Runs in order, apart or different, none of them empty or without effect: as `write` makes them.
void read_rules(const pb::RoomTypeState& from, calendar& to, fault& f) {
  const auto first = read_date(from.first_night(), f);
  to.forget_before(first);
  auto end = first;
  night_rule before;
  for (const auto& run : from.rules()) {
    const auto begin = read_date(run.from(), f);
    const auto rule = read(run, f);
    f.require(begin >= end && run.nights() >= 1 && run.nights() <= window_nights_max &&
                  begin - first <= window_nights_max && begin - first + run.nights() <= window_nights_max,
              "nights' rules out of order or beyond the calendar");
    f.require(rule != night_rule{} && !(begin == end && rule == before), "nights' rules that are not in runs");
    if (f) return;
    for (int i = 0; i < run.nights(); ++i) to.set_rule(begin + i, rule);
    end = begin + run.nights();
    before = rule;
  }
}

room_type_state read(const pb::RoomTypeState& from, std::uint64_t seq, fault& f) {
  wire::require_known(from, f);
  f.require(from.has_profile() && from.version() >= 1 && from.version() <= seq,
            "a room type without a profile or with a version that it cannot have");
  room_type_state to;
  to.id = read_type(from.id(), f);
  to.profile = read(from.profile(), f);
  to.version = from.version();
  to.created_at = read_instant(from.created_at(), f);
  to.updated_at = read_instant(from.updated_at(), f);
  if (!f) read_rules(from, to.calendar, f);
  return to;
}

void read(const pb::Snapshot& head, hotel_state& to, fault& f) {
  wire::require_known(head, f);
  f.require(head.format() == snapshot_format, "a snapshot's format that is not known");
  f.require(head.has_profile(), "no profile");
  f.require(head.types_size() <= limits::room_types_per_hotel_max, "too many room types");
  f.require(head.seq() <= seq_max && head.last_reservation() <= reservation_number_max, "a number too high");
  f.require(std::max({head.version(), head.rooms_version(), head.calendar_version(), head.last_reservation()}) <=
                head.seq(),
            "a version above the sequence number");
  f.require(head.last_type() <= 0xFFFF, "a room type's id out of range");
  f.require(!(head.exists() && head.removed()), "a hotel that is there and is removed");
  if (f) return;
  to.seq = head.seq();
  to.last_at = read_instant(head.last_at(), f);
  to.exists = head.exists();
  to.removed = head.removed();
  to.profile = read(head.profile(), f);
  to.version = head.version();
  to.created_at = read_instant(head.created_at(), f);
  to.updated_at = read_instant(head.updated_at(), f);
  to.last_type = static_cast<std::uint16_t>(head.last_type());
  for (const auto& type : head.types()) {
    const auto above = to.types.empty() ? room_type_id{} : to.types.back().id;
    const auto& added = to.types.emplace_back(read(type, to.seq, f));
    f.require(added.id > above && added.id.value <= to.last_type, "room types out of order");
    f.require(added.calendar.first_night() == to.types.front().calendar.first_night(),
              "calendars that do not begin together");
  }
  to.rooms_version = head.rooms_version();
  to.calendar_version = head.calendar_version();
  to.last_reservation = head.last_reservation();
}

/// What `restore_derived` counts on, so that foreign bytes cannot break it: rooms taken that some limit once allowed, no
/// room with two guests, every reservation's creating key remembered.
class derived_check {
public:
  explicit derived_check(const hotel_state& hotel) : hotel_(hotel) {}

  void see(const reservation& r, fault& f) {
    const auto creation = hotel_.requests.find(r.created_by);
    f.require(creation && creation->reservation == r.number, "a reservation whose creating request is not there");
    f.require(leaves_at(r).value_or(instant::max()) > hotel_.last_at, "a reservation that has left");
    if (!takes_rooms(r.status)) return;
    std::int64_t rooms = 0;
    for (const auto& item : r.items) {
      see(item, r.stay, f);
      rooms += item.rooms;
    }
    if (r.status != reservation_status::checked_in) return;
    f.require(static_cast<std::int64_t>(r.room_numbers.size()) == rooms, "a guest in the house without a room");
    for (const auto& number : r.room_numbers) f.require(occupied_.insert(number).second, "a room occupied twice");
  }

private:
  void see(const reserved_item& item, const stay& nights, fault& f) {
    const auto* type = hotel_.find_type(item.type);
    if (!f.require(type != nullptr, "a reservation of a room type that is not there")) return;
    const auto first = type->calendar.first_night();
    if (!f.require(nights.check_out - first <= window_nights_max, "a stay beyond the calendar")) return;
    auto& taken = taken_[item.type];
    taken.resize(window_nights_max);
    for (auto night = std::max(first, nights.check_in); night < nights.check_out; ++night) {
      auto& rooms = taken[static_cast<std::size_t>(night - first)];
      rooms += item.rooms;
      f.require(rooms <= taken_max, "more rooms taken than any limit allows");
    }
  }

  const hotel_state& hotel_;
  std::map<room_type_id, std::vector<std::int64_t>> taken_;
  std::set<std::string_view> occupied_;
};

/// Whatever names the reservation, as it stands. REQUIRES: `derived_check` has found nothing wrong.
void list(hotel_state& hotel, const reservation& r) {
  if (takes_rooms(r.status)) {
    for (const auto& item : r.items) hotel.find_type(item.type)->calendar.take(r.stay, item.rooms);
  }
  if (r.status == reservation_status::pending) hotel.holds.emplace(r.hold_expires_at, r.number);
  if (r.status == reservation_status::checked_in) {
    for (const auto& number : r.room_numbers) hotel.occupied.emplace(number, r.number);
  }
  if (const auto leaves = leaves_at(r)) hotel.leaving.emplace(*leaves, r.number);
}

void restore(hotel_state& to, const pb::Room& message, fault& f) {
  f.require(to.rooms.size() < limits::rooms_listed_max, "too many rooms");
  const auto& added = to.rooms.emplace_back(read(message, f));
  f.require(to.find_type(added.type) != nullptr, "a room of a type that is not there");
}

void restore(hotel_state& to, const pb::Reservation& message, reservation_number& above, fault& f) {
  auto r = read(message, f);
  f.require(r.number > above && r.number.value <= to.last_reservation, "reservations out of order");
  f.require(r.version <= to.seq && r.updated_at <= to.last_at, "a reservation that is newer than its hotel");
  if (f) return;
  above = r.number;
  to.reservations.put(std::move(r));
}

void restore(hotel_state& to, const pb::KnownRequest& message, pb::KnownRequest& before, fault& f) {
  wire::require_known(message, f);
  const request_key key{message.key_high(), message.key_low()};
  const known_request known{.digest = message.digest(),
                            .seq = message.seq(),
                            .at = read_instant(message.at(), f),
                            .reservation = {message.reservation()},
                            .op = read_operation(message.operation(), f)};
  f.require(known.seq >= 1 && known.seq <= to.seq && known.reservation.value <= to.last_reservation,
            "a request that is newer than its hotel");
  f.require(message.at() >= before.at() && known.at <= to.last_at && known.seq > before.seq(), "requests out of order");
  f.require(!to.requests.find(key), "a request twice");
  f.require(to.requests.size() < limits::request_keys_max, "too many requests");
  if (f) return;
  before = message;
  to.requests.remember(key, known);
}

/// Reads the elements of field `field` that come next, each by `restore_one`. False when one is broken.
template <typename Message, typename RestoreOne>
bool read_elements(wire::field_reader& fields, std::uint32_t field, fault& f, RestoreOne restore_one) {
  wire::scratch scratch;
  for (; fields.peek() == field; scratch.reset()) {
    auto& message = *google::protobuf::Arena::CreateMessage<Message>(scratch.get());
    const auto bytes = fields.take(field);
    if (!f.require(bytes && wire::parse_canonical(message, *bytes), "an element that is broken")) return false;
    restore_one(message);
    if (f) return false;
  }
  return true;
}

bool is_element(std::uint32_t field) {
  return field == rooms_field || field == reservations_field || field == requests_field;
}

}  // namespace

std::string encode_snapshot(const hotel_state& hotel) {
  std::string out;
  wire::scratch scratch;
  const auto fresh = [&]<typename Message>(Message*) -> Message& {
    scratch.reset();
    return *google::protobuf::Arena::CreateMessage<Message>(scratch.get());
  };
  auto& head = fresh(static_cast<pb::Snapshot*>(nullptr));
  write(hotel, head);
  wire::append_message(out, head);
  for (const auto& r : hotel.rooms) {
    auto& message = fresh(static_cast<pb::Room*>(nullptr));
    write(r, message);
    wire::append_element(out, rooms_field, message);
  }
  hotel.reservations.for_each([&](const reservation& r) {
    auto& message = fresh(static_cast<pb::Reservation*>(nullptr));
    write(r, message);
    wire::append_element(out, reservations_field, message);
  });
  for (const auto& [key, known] : hotel.requests.in_order()) {
    auto& message = fresh(static_cast<pb::KnownRequest*>(nullptr));
    write(key, known, message);
    wire::append_element(out, requests_field, message);
  }
  return out;
}

std::expected<hotel_state, std::string> decode_snapshot(hotel_id id, std::string_view payload) {
  if (payload.size() > snapshot_bytes_max) return std::unexpected(std::string{"a snapshot that is too long"});
  wire::field_reader fields{payload};
  while (!fields.at_end() && !is_element(fields.peek())) {
    if (!fields.skip()) return std::unexpected(std::string{"a snapshot that is broken"});
  }
  fault f;
  hotel_state to;
  to.id = id;
  pb::Snapshot head;
  if (!wire::parse_canonical(head, payload.substr(0, payload.size() - fields.left())))
    return std::unexpected(std::string{"a snapshot's head that is broken"});
  read(head, to, f);

  reservation_number above;
  pb::KnownRequest before;
  const bool whole = !f &&
                     read_elements<pb::Room>(fields, rooms_field, f, [&](const pb::Room& m) { restore(to, m, f); }) &&
                     read_elements<pb::Reservation>(fields, reservations_field, f,
                                                    [&](const pb::Reservation& m) { restore(to, m, above, f); }) &&
                     read_elements<pb::KnownRequest>(fields, requests_field, f,
                                                     [&](const pb::KnownRequest& m) { restore(to, m, before, f); }) &&
                     f.require(fields.at_end(), "elements out of order");
  if (whole) {
    derived_check check{to};
    to.reservations.for_each([&](const reservation& r) { check.see(r, f); });
    const bool forgotten = to.requests.can_forget_before(to.last_at - limits::request_key_kept, to.reservations);
    f.require(!forgotten, "a request that has been forgotten");
  }
  if (f) return std::unexpected(fmt::format("snapshot: {}", f.why()));
  to.reservations.for_each([&](const reservation& r) { list(to, r); });
  restore_derived(to);
  return to;
}

}  // namespace keyrack::persistence
