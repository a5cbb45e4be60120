// Commands to and from their messages. What `decide` asserts of a command is refused here.
#include "cluster/wire_codec_parts.hpp"

#include <algorithm>
#include <variant>

namespace keyrack::cluster::wire_parts {
namespace {

void write(const requested_item& from, wire::Item& to) {
  to.set_type(from.type.value);
  to.set_rooms(from.rooms);
  to.set_guests(from.guests);
}

// One for each command: another command does not compile before it has one too.
struct command_writer {
  const value_codec& values;
  wire::Request& to;

  void operator()(const create_hotel& c) const { to.mutable_create_hotel()->set_profile(values.encode(c.profile)); }
  void operator()(const update_hotel& c) const { to.mutable_update_hotel()->set_profile(values.encode(c.profile)); }
  void operator()(const remove_hotel&) const { to.mutable_remove_hotel(); }
  void operator()(const add_room_type& c) const { to.mutable_add_room_type()->set_profile(values.encode(c.profile)); }
  void operator()(const update_room_type& c) const {
    auto& m = *to.mutable_update_room_type();
    m.set_type(c.type.value);
    m.set_profile(values.encode(c.profile));
  }
  void operator()(const remove_room_type& c) const { to.mutable_remove_room_type()->set_type(c.type.value); }
  void operator()(const list_rooms& c) const {
    auto& m = *to.mutable_list_rooms();
    for (const auto& r : c.rooms) m.add_rooms(values.encode(r));
  }
  void operator()(const change_calendar& c) const {
    auto& m = *to.mutable_change_calendar();
    for (const auto& change : c.changes) m.add_changes(values.encode(change));
  }
  void operator()(const hold_rooms& c) const {
    auto& m = *to.mutable_hold_rooms();
    m.set_check_in(c.stay.check_in.days);
    m.set_check_out(c.stay.check_out.days);
    for (const auto& item : c.items) write(item, *m.add_items());
    m.set_guest_high(c.guest.high);
    m.set_guest_low(c.guest.low);
    m.set_hold(c.hold);
  }
  void operator()(const confirm_reservation& c) const { to.mutable_confirm_reservation()->set_number(c.number.value); }
  void operator()(const change_reservation& c) const {
    auto& m = *to.mutable_change_reservation();
    m.set_number(c.number.value);
    if (c.check_in) m.set_check_in(c.check_in->days);
    if (c.check_out) m.set_check_out(c.check_out->days);
    if (!c.items) return;
    auto& items = *m.mutable_items();
    for (const auto& item : *c.items) write(item, *items.add_items());
  }
  void operator()(const extend_hold& c) const {
    auto& m = *to.mutable_extend_hold();
    m.set_number(c.number.value);
    if (c.by) m.set_by_seconds(c.by->count());
  }
  void operator()(const cancel_reservation& c) const { to.mutable_cancel_reservation()->set_number(c.number.value); }
  void operator()(const check_in_guest& c) const {
    auto& m = *to.mutable_check_in_guest();
    m.set_number(c.number.value);
    for (const auto& number : c.rooms) m.add_rooms(number);
  }
  void operator()(const check_out_guest& c) const { to.mutable_check_out_guest()->set_number(c.number.value); }
  void operator()(const record_no_show& c) const { to.mutable_record_no_show()->set_number(c.number.value); }
  void operator()(const lapse_holds&) const { to.mutable_lapse_holds(); }
};

hotel_profile read_hotel_profile(const std::string& bytes, const value_codec& values, fault& f) {
  auto to = f.take(values.decode_hotel_profile(bytes));
  f.require(to.hold_seconds > 0, "a hold of no time");
  return to;
}

room_type_profile read_type_profile(const std::string& bytes, const value_codec& values, fault& f) {
  auto to = f.take(values.decode_room_type_profile(bytes));
  f.require(to.max_guests > 0, "a room for nobody");
  return to;
}

list_rooms read_rooms(const wire::ListRooms& from, const value_codec& values, fault& f) {
  list_rooms to;
  if (!f.require(from.rooms_size() <= limits::rooms_listed_max, "too many rooms in a list")) return to;
  to.rooms.reserve(static_cast<std::size_t>(from.rooms_size()));
  for (const auto& bytes : from.rooms()) to.rooms.push_back(f.take(values.decode_room(bytes)));
  std::vector<std::string_view> numbers;
  numbers.reserve(to.rooms.size());
  for (const auto& r : to.rooms) numbers.push_back(r.number);
  std::ranges::sort(numbers);
  f.require(std::ranges::adjacent_find(numbers) == numbers.end(), "a room listed twice");
  return to;
}

change_calendar read_changes(const wire::ChangeCalendar& from, const value_codec& values, fault& f) {
  change_calendar to;
  if (!f.require(from.changes_size() <= limits::calendar_changes_max, "too many calendar changes")) return to;
  to.changes.reserve(static_cast<std::size_t>(from.changes_size()));
  for (const auto& bytes : from.changes()) to.changes.push_back(f.take(values.decode_calendar_change(bytes)));
  return to;
}

template <typename Items>
std::vector<requested_item> read_items(const Items& from, fault& f) {
  std::vector<requested_item> to;
  const bool some = from.size() >= 1 && from.size() <= limits::items_per_reservation_max;
  if (!f.require(some, "no or too many items in a reservation")) return to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& item : from) {
    to.push_back({.type = read_type(item.type(), f),
                  .rooms = read_count(item.rooms(), 1, limits::rooms_per_type_max, f),
                  .guests = read_count(item.guests(), 1, guests_max, f)});
  }
  return to;
}

hold_rooms read_booking(const wire::HoldRooms& from, fault& f) {
  return {.stay = {read_date(from.check_in(), f), read_date(from.check_out(), f)},
          .items = read_items(from.items(), f),
          .guest = read_guest(from.guest_high(), from.guest_low(), f),
          .hold = from.hold()};
}

change_reservation read_change(const wire::ChangeReservation& from, fault& f) {
  change_reservation to;
  to.number = {from.number()};
  if (from.has_check_in()) to.check_in = read_date(from.check_in(), f);
  if (from.has_check_out()) to.check_out = read_date(from.check_out(), f);
  if (from.has_items()) to.items = read_items(from.items().items(), f);
  return to;
}

extend_hold read_extension(const wire::ExtendHold& from, fault& f) {
  extend_hold to{.number = {from.number()}, .by = {}};
  if (!from.has_by_seconds()) return to;
  to.by = std::chrono::seconds{from.by_seconds()};
  f.require(*to.by >= limits::hold_min && *to.by <= limits::hold_total_max, "a hold's extension out of range");
  return to;
}

check_in_guest read_check_in(wire::CheckInGuest& from, fault& f) {
  check_in_guest to{.number = {from.number()}, .rooms = {}};
  if (!f.require(from.rooms_size() <= limits::rooms_listed_max, "too many room numbers")) return to;
  to.rooms.reserve(static_cast<std::size_t>(from.rooms_size()));
  for (auto& number : *from.mutable_rooms())
    to.rooms.push_back(read_plain_text(std::move(number), limits::room_number_bytes_max, f));
  return to;
}

}  // namespace

void write(const command& from, const value_codec& values, wire::Request& to) {
  std::visit(command_writer{values, to}, from);
  name_kind(to.command_case(), to);
}

command read_command(wire::Request& from, const value_codec& values, fault& f) {
  switch (from.command_case()) {
  case wire::Request::kCreateHotel: return create_hotel{read_hotel_profile(from.create_hotel().profile(), values, f)};
  case wire::Request::kUpdateHotel: return update_hotel{read_hotel_profile(from.update_hotel().profile(), values, f)};
  case wire::Request::kRemoveHotel: return remove_hotel{};
  case wire::Request::kAddRoomType: return add_room_type{read_type_profile(from.add_room_type().profile(), values, f)};
  case wire::Request::kUpdateRoomType:
    return update_room_type{read_type(from.update_room_type().type(), f),
                            read_type_profile(from.update_room_type().profile(), values, f)};
  case wire::Request::kRemoveRoomType: return remove_room_type{read_type(from.remove_room_type().type(), f)};
  case wire::Request::kListRooms: return read_rooms(from.list_rooms(), values, f);
  case wire::Request::kChangeCalendar: return read_changes(from.change_calendar(), values, f);
  case wire::Request::kHoldRooms: return read_booking(from.hold_rooms(), f);
  case wire::Request::kConfirmReservation: return confirm_reservation{{from.confirm_reservation().number()}};
  case wire::Request::kChangeReservation: return read_change(from.change_reservation(), f);
  case wire::Request::kExtendHold: return read_extension(from.extend_hold(), f);
  case wire::Request::kCancelReservation: return cancel_reservation{{from.cancel_reservation().number()}};
  case wire::Request::kCheckInGuest: return read_check_in(*from.mutable_check_in_guest(), f);
  case wire::Request::kCheckOutGuest: return check_out_guest{{from.check_out_guest().number()}};
  case wire::Request::kRecordNoShow: return record_no_show{{from.record_no_show().number()}};
  case wire::Request::kLapseHolds:
  case wire::Request::COMMAND_NOT_SET: break;
  }
  return lapse_holds{};
}

}  // namespace keyrack::cluster::wire_parts
