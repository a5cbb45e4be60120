#include "gateway/render.hpp"

namespace keyrack::gateway {
namespace {

std::string path_of(hotel_id hotel) { return "/v1/hotels/" + to_text(hotel); }

resource_stamp created_by(const event& e) { return {e.seq, e.at, e.at}; }

void created(reply& to, const std::string& path) {
  to.status = 201;
  to.field("Location", path);
}

/// Renders one kind of event each; `to.body` is empty.
struct done_renderer {
  reply& to;
  const hotel_id hotel;
  const event& e;
  json_writer json{to.body};

  void operator()(const hotel_created& what) {
    created(to, path_of(hotel));
    to.etag(e.seq);
    write_hotel(json, hotel, what.profile, created_by(e));
  }
  void operator()(const hotel_updated& what) {
    to.etag(e.seq);
    write_hotel(json, hotel, what.profile, {e.seq, what.created_at, e.at});
  }
  void operator()(const hotel_removed&) { removed(); }
  void operator()(const room_type_added& what) {
    created(to, path_of(hotel) + "/room-types/" + std::to_string(what.type.value));
    to.etag(e.seq);
    write_room_type(json, hotel, what.type, what.profile, created_by(e));
  }
  void operator()(const room_type_updated& what) {
    to.etag(e.seq);
    write_room_type(json, hotel, what.type, what.profile, {e.seq, what.created_at, e.at});
  }
  void operator()(const room_type_removed&) { removed(); }
  void operator()(const rooms_listed& what) {
    to.etag(e.seq);
    json.begin_object().name("data");
    write_rooms(json, what.rooms);
    json.field("version", e.seq).field("updated_at", e.at).end_object();
  }
  void operator()(const calendar_changed& what) {
    to.etag(e.seq);
    json.begin_object().name("changes");
    write_calendar_changes(json, what.changes);
    json.field("version", e.seq).field("updated_at", e.at).end_object();
  }
  void operator()(const reservation_event& what) {
    if (what.step == reservation_step::rooms_held) {
      created(to, "/v1/reservations/" + to_text(reservation_id{hotel, what.after.number}));
    }
    to.etag(what.after.version);
    write_reservation(json, hotel, what.after);
  }
  void removed() {
    to.status = 204;
    to.no_body = true;
  }
};

}  // namespace

void write_profile(json_writer& json, const hotel_profile& of) {
  json.field("name", of.name).field("city", of.city).field("country", of.country).field("address", of.address);
  json.name("location").begin_object();
  json.field("lat", of.location.latitude).field("lon", of.location.longitude).end_object();
  json.field("time_zone", of.time_zone).field("currency", of.currency.text());
  if (of.stars) json.field("stars", *of.stars);
  if (!of.description.empty()) json.field("description", of.description);
  json.field("amenities", of.amenities);
  if (!of.group.empty()) json.field("group", of.group);
  json.field("overbooking_percent", of.overbooking_percent).field("hold_seconds", of.hold_seconds);
  if (!of.attributes.empty()) json.name("attributes").raw(of.attributes);
}

void write_profile(json_writer& json, const room_type_profile& of) {
  json.field("name", of.name);
  if (!of.code.empty()) json.field("code", of.code);
  json.field("rooms", of.rooms).field("max_guests", of.max_guests);
  json.name("beds").begin_array();
  for (const auto& b : of.beds) json.begin_object().field("kind", b.kind).field("count", b.count).end_object();
  json.end_array();
  json.field("amenities", of.amenities).field("price", money{of.price, of.currency});
  if (of.overbooking_percent) json.field("overbooking_percent", *of.overbooking_percent);
  if (!of.description.empty()) json.field("description", of.description);
}

void write_hotel(json_writer& json, hotel_id id, const hotel_profile& of, const resource_stamp& stamp) {
  json.begin_object().field("id", id);
  write_profile(json, of);
  json.field("version", stamp.version).field("created_at", stamp.created_at).field("updated_at", stamp.updated_at);
  json.end_object();
}

void write_room_type(json_writer& json, hotel_id hotel, room_type_id id, const room_type_profile& of,
                     const resource_stamp& stamp) {
  json.begin_object().field("id", id.value).field("hotel_id", hotel);
  write_profile(json, of);
  json.field("version", stamp.version).field("created_at", stamp.created_at).field("updated_at", stamp.updated_at);
  json.end_object();
}

void write_rooms(json_writer& json, std::span<const room> rooms) {
  json.begin_array();
  for (const auto& r : rooms) {
    json.begin_object().field("number", r.number).field("room_type_id", r.type.value);
    json.name("out_of_order").begin_array();
    for (const auto& o : r.out_of_order) json.begin_object().field("from", o.from).field("to", o.to).end_object();
    json.end_array().end_object();
  }
  json.end_array();
}

void write_reservation(json_writer& json, hotel_id hotel, const reservation& of, bool open) {
  json.begin_object().field("id", reservation_id{hotel, of.number});
  if (of.key_is_client_reference) json.field("client_reference", to_uuid_text(of.created_by));
  json.field("status", to_text(of.status)).field("hotel_id", hotel).field("guest_id", of.guest);
  json.field("check_in", of.stay.check_in).field("check_out", of.stay.check_out);
  json.name("items").begin_array();
  for (const auto& item : of.items) {
    json.begin_object().field("room_type_id", item.type.value).field("rooms", item.rooms).field("guests", item.guests);
    json.name("nights").begin_array();
    auto night = of.stay.check_in;
    for (const auto price : item.night_prices) {
      json.begin_object().field("date", night).field("price", money{price, of.priced_in}).end_object();
      ++night;
    }
    json.end_array().field("subtotal", money{subtotal(item), of.priced_in}).end_object();
  }
  json.end_array().field("total", money{total(of), of.priced_in});
  if (!of.room_numbers.empty()) json.field("room_numbers", of.room_numbers);
  if (of.status == reservation_status::pending) json.field("hold_expires_at", of.hold_expires_at);
  json.field("version", of.version).field("created_at", of.created_at).field("updated_at", of.updated_at);
  if (!open) json.end_object();
}

void write_guest(json_writer& json, const guest_record& of) {
  json.begin_object().field("id", of.id);
  if (of.erased) {
    json.field("erased", true);
  } else {
    json.field("name", of.name);
    if (!of.email.empty()) json.field("email", of.email);
    if (!of.phone.empty()) json.field("phone", of.phone);
  }
  json.field("version", of.version).field("created_at", of.created_at).field("updated_at", of.updated_at).end_object();
}

void write_history_event(json_writer& json, hotel_id hotel, const event& of) {
  json.begin_object().field("sequence", of.seq).field("at", of.at).field("by", of.by).field("event", kind_of(of));
  if (const auto* step = std::get_if<reservation_event>(&of.body)) {
    json.name("reservation");
    write_reservation(json, hotel, step->after);
  }
  json.end_object();
}

void render_done(reply& to, hotel_id hotel, const event& what) {
  to.body.clear();
  to.body.reserve(1024);
  std::visit(done_renderer{to, hotel, what}, what.body);
}

}  // namespace keyrack::gateway
