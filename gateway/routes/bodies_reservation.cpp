// Bodies of reservations, and of what is done with them.
#include "actors/domain/limits.hpp"
#include "gateway/json_array.hpp"
#include "gateway/routes/bodies.hpp"

#include <algorithm>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;

constexpr std::int64_t guests_max = std::int64_t{limits::rooms_per_type_max} * limits::guests_per_room_max;
constexpr std::size_t contact_bytes_max = 254;  // of an e-mail address, RFC 5321

/// `room_type_id`, `rooms`, `guests`: of an element of items, or of the body itself.
requested_item read_item(object_reader& in) {
  requested_item out;
  out.type.value = static_cast<std::uint16_t>(in.number("room_type_id", need::required, {1, 65'535}).value_or(0));
  out.rooms =
      static_cast<std::int32_t>(in.number("rooms", need::optional, {1, limits::rooms_per_type_max}).value_or(1));
  out.guests = static_cast<std::int32_t>(in.number("guests", need::optional, {1, guests_max}).value_or(out.rooms));
  return out;
}

std::vector<requested_item> read_items(object_reader& in, fault_list& faults) {
  std::vector<requested_item> out;
  in.array("items", need::required, 1, limits::items_per_reservation_max,
           [&](const json::value& value, const json_place& place) {
             object_reader item{value, place, faults};
             if (!item.is_object()) return;
             out.push_back(read_item(item));
             item.finish();
           });
  return out;
}

/// Either `items`, or one item's fields directly.
std::optional<std::vector<requested_item>> read_items_or_one(object_reader& in, need n, fault_list& faults) {
  const bool direct = in.has("room_type_id") || in.has("rooms") || in.has("guests");
  if (in.has("items")) {
    if (direct) in.add_fault("items", "not_both", "Give either items, or room_type_id, rooms and guests for one item.");
    for (const auto* field : {"room_type_id", "rooms", "guests"}) in.any(field, need::optional);
    return read_items(in, faults);
  }
  if (direct) return std::vector{read_item(in)};
  if (n == need::required) in.add_fault("items", "required", "Say which rooms, in items or by room_type_id.");
  return std::nullopt;
}

void read_person(const json::value& value, const json_place& place, personal_record& out, fault_list& faults) {
  object_reader in{value, place, faults};
  if (!in.is_object()) return;
  out.name = in.text("name", need::required, {.bytes_max = limits::name_bytes_max});
  out.email = in.text("email", need::optional, {.bytes_max = contact_bytes_max, .may_be_empty = true});
  if (!out.email.empty() && !is_email(out.email)) in.add_fault("email", "email", "Must look like name@example.org.");
  out.phone = in.text("phone", need::optional, {.bytes_max = contact_bytes_max, .may_be_empty = true});
  in.finish();
}

/// A text that `parse` understands; a fault with `detail` otherwise.
template <typename Parse>
auto read_id(object_reader& in, std::string_view field, need n, Parse parse, const char* detail) {
  const auto text = in.text(field, n, {.bytes_max = 64});
  auto read = parse(text);
  if (!text.empty() && !read) in.add_fault(field, "id", detail);
  return read;
}

}  // namespace

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos && text.find(' ') == std::string_view::npos;
}

new_reservation read_new_reservation(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  new_reservation out;
  if (!in.is_object()) return out;
  out.named = read_id(in, "reservation_id", need::optional, parse_uuid, "Must be a UUID.");
  out.hotel = read_id(in, "hotel_id", need::required, parse_hotel_id, "Must be a hotel's id.").value_or(hotel_id{});
  out.command.stay = {in.day("check_in", need::required).value_or(date{}),
                      in.day("check_out", need::required).value_or(date{})};
  out.command.items = read_items_or_one(in, need::required, faults).value_or(std::vector<requested_item>{});
  out.command.hold = in.flag("hold", true);
  out.person.notes =
      in.text("notes", need::optional, {.bytes_max = limits::notes_bytes_max, .may_be_empty = true, .lines = true});
  out.known_guest = read_id(in, "guest_id", need::optional, parse_guest_id, "Must be a guest's id.");
  if (const auto* guest = in.any("guest", need::optional)) {
    if (in.has("guest_id")) in.add_fault("guest", "not_both", "Give either guest or guest_id.");
    out.person.new_guest = true;
    read_person(*guest, in.place_of("guest"), out.person, faults);
  } else if (!in.has("guest_id")) {
    in.add_fault("guest", "required", "Say who stays, by guest or guest_id.");
  }
  in.finish();
  return out;
}

change_reservation read_reservation_change(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  change_reservation out;
  if (!in.is_object()) return out;
  out.check_in = in.day("check_in", need::optional);
  out.check_out = in.day("check_out", need::optional);
  out.items = read_items_or_one(in, need::optional, faults);
  in.finish();
  if (body.get_object().empty()) faults.add("", "empty", "Say what changes: check_in, check_out or items.");
  return out;
}

extend_hold read_extension(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  extend_hold out;
  if (const auto seconds = in.number(
          "hold_seconds", need::optional,
          {std::chrono::seconds{limits::hold_min}.count(), std::chrono::seconds{limits::hold_total_max}.count()})) {
    out.by = std::chrono::seconds{*seconds};
  }
  in.finish();
  return out;
}

check_in_guest read_check_in(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  check_in_guest out;
  out.rooms = in.texts("room_numbers", limits::rooms_listed_max, {.bytes_max = limits::room_number_bytes_max});
  in.finish();
  return out;
}

guest_change read_guest_change(const json::value& body, fault_list& faults) {
  const json_place root;
  object_reader in{body, root, faults};
  guest_change out;
  if (!in.is_object()) return out;
  // A merge patch: null takes a contact away. Everybody has a name.
  const auto contact = [&in](std::string_view field) -> std::optional<std::string> {
    const auto* value = in.any(field, need::optional);
    if (value == nullptr) return std::nullopt;
    if (value->is_null()) return std::string{};
    return in.text(field, need::optional, {.bytes_max = contact_bytes_max, .may_be_empty = true});
  };
  if (in.has("name")) out.name = in.text("name", need::optional, {.bytes_max = limits::name_bytes_max});
  out.email = contact("email");
  if (out.email && !out.email->empty() && !is_email(*out.email)) {
    in.add_fault("email", "email", "Must look like name@example.org.");
  }
  out.phone = contact("phone");
  in.finish();
  if (body.get_object().empty()) faults.add("", "empty", "Say what changes: name, email or phone.");
  return out;
}

}  // namespace keyrack::gateway
