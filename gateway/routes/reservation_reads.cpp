// Reservations as they are read: one, its history, a hotel's lists, a guest's.
#include "gateway/list_page.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <fmt/format.h>

namespace keyrack::gateway::routes {
namespace {

struct expansion {
  bool guest = false;
  bool notes = false;
};

/// `expand=guest,notes`.
expansion read_expansion(exchange& x) {
  expansion out;
  auto list = x.query->text("expand");
  while (!list.empty()) {
    const auto end = list.find(',');
    const auto word = list.substr(0, end);
    if (word == "guest") out.guest = true;
    if (word == "notes") out.notes = true;
    if (word != "guest" && word != "notes")
      x.query->add_fault("expand", "value", "What can be expanded is guest and notes.");
    list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
  }
  return out;
}

/// The reservation of the path, from its hotel or, when it has left memory, from the records. Nothing when the exchange has
/// failed.
task<std::optional<reservation>> find_reservation(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, reservation_query{x.path.reservation.number}));
  const auto* shown = view_of<reservation_view>(x, from);
  if (shown != nullptr) co_return shown->value;
  if (!std::holds_alternative<std::shared_ptr<const view>>(from.body)) co_return std::nullopt;
  auto found = co_await x.look_up<reservation>([&x](steady_instant until, record_callback<reservation> then) {
    x.use.records.find_departed(x.path.reservation, until, std::move(then));
  });
  auto* departed = x.accept(found);
  if (departed == nullptr) co_return std::nullopt;
  co_return std::move(*departed);
}

/// With what changes without the reservation's version: without ETag, and never kept.
task<> answer_expanded(exchange& x, const reservation& r, expansion with) {
  json_writer json{x.answer.body};
  write_reservation(json, x.path.hotel, r, true);
  if (with.guest) {
    auto found = co_await x.look_up<guest_record>([&x, &r](steady_instant until, record_callback<guest_record> then) {
      x.use.records.find_guest(r.guest, until, std::move(then));
    });
    const auto* guest = x.accept(found);
    if (guest == nullptr) co_return;
    json.name("guest");
    write_guest(json, *guest);
  }
  if (with.notes) {
    auto found = co_await x.look_up<std::string>([&x](steady_instant until, record_callback<std::string> then) {
      x.use.records.find_notes(x.path.reservation, until, std::move(then));
    });
    const auto* notes = x.accept(found);
    if (notes == nullptr) co_return;
    json.field("notes", *notes);
  }
  json.end_object();
}

/// Whose name it is, as far as the hotel's guests go; true unless the exchange has failed.
task<bool> find_named_guests(exchange& x, reservations_query& asked) {
  if (!x.query->has("guest_name")) co_return true;
  auto found = co_await x.look_up<std::vector<guest_id>>([&x](steady_instant until,
                                                              record_callback<std::vector<guest_id>> then) {
    x.use.records.find_guests_by_name(x.path.hotel, std::string{x.query->text("guest_name")}, until, std::move(then));
  });
  auto* guests = x.accept(found);
  if (guests == nullptr) co_return false;
  asked.guests = std::move(*guests);
  co_return true;
}

reservations_query read_filters(exchange& x) {
  reservations_query asked;
  asked.arriving = x.query->day("arriving");
  asked.departing = x.query->day("departing");
  asked.in_house = x.query->day("in_house");
  if (x.query->has("status")) {
    asked.status = parse_reservation_status(x.query->text("status"));
    if (!asked.status)
      x.query->add_fault("status", "value",
                         "One of PENDING, CONFIRMED, CHECKED_IN, COMPLETED, CANCELLED, EXPIRED, NO_SHOW.");
  }
  return asked;
}

}  // namespace

// `2027-06-04 7k2m9qx4vd1h-0003f8`.
std::optional<std::pair<date, reservation_id>> reservation_position(std::string_view text) {
  const auto day = parse_date(text.substr(0, 10));
  const auto id = text.size() > 11 ? parse_reservation_id(text.substr(11)) : std::nullopt;
  if (!day || !id) return std::nullopt;
  return std::pair{*day, *id};
}

std::optional<std::string> reservation_position(const std::vector<reservation_row>& rows) {
  if (rows.empty()) return std::nullopt;
  const auto& last = rows.back();
  return fmt::format("{} {}", to_text(last.value.stay.check_in),
                     to_text(reservation_id{last.hotel, last.value.number}));
}

task<> get_reservation(exchange& x) {
  const auto with = read_expansion(x);
  if (x.query_failed()) co_return;
  const auto r = co_await find_reservation(x);
  if (!r) co_return;
  if (with.guest || with.notes) {
    co_await answer_expanded(x, *r, with);
    co_return;
  }
  // Between its deadline and the event that says so a hold reads as expired while its version is still that of the pending
  // one: two representations, so that this one goes without a tag. A client that has the other one is told of the change.
  const bool ahead_of_its_event = r->status == reservation_status::expired && r->updated_at < r->hold_expires_at;
  if (!ahead_of_its_event && x.not_modified(r->version)) co_return;
  json_writer json{x.answer.body};
  write_reservation(json, x.path.hotel, *r);
}

task<> get_history(exchange& x) {
  const auto list = read_list(x);
  if (!list) co_return;
  auto last = list->position ? number_of(*list->position) : std::nullopt;
  if (!last) {
    const auto r = co_await find_reservation(x);
    if (!r) co_return;
    last = r->version;
  }
  auto found = co_await x.look_up<std::vector<event>>(
      [&x, seq = *last, limit = list->limit](steady_instant until, record_callback<std::vector<event>> then) {
        x.use.records.read_history(x.path.reservation, seq, limit, until, std::move(then));
      });
  const auto* events = x.accept(found);
  if (events == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().name("data").begin_array();
  for (const auto& e : *events) write_history_event(json, x.path.hotel, e);
  json.end_array();
  std::optional<std::string> next;
  if (!events->empty()) {
    const auto* oldest = std::get_if<reservation_event>(&events->back().body);
    if (oldest != nullptr && oldest->previous != 0) next = std::to_string(oldest->previous);
  }
  finish_list(x, json, next);
  json.end_object();
}

task<> list_reservations_of_hotel(exchange& x) {
  auto asked = read_filters(x);
  const auto list = read_list(x);
  if (!list || !co_await find_named_guests(x, asked)) co_return;
  asked.limit = list->limit;
  if (list->position) asked.before = reservation_number{number_of(*list->position).value_or(0)};
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, std::move(asked)));
  const auto* shown = view_of<reservations_view>(x, from);
  if (shown == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().name("data").begin_array();
  for (const auto& r : shown->values) write_reservation(json, from.hotel, r);
  json.end_array();
  const bool more = shown->more && !shown->values.empty();
  finish_list(x, json, more ? std::optional{std::to_string(shown->values.back().number.value)} : std::nullopt);
  json.end_object();
}

task<> list_reservations_of_guest(exchange& x) {
  x.query->need("guest_id");
  const auto guest = parse_guest_id(x.query->text("guest_id"));
  if (x.query->has("guest_id") && !guest) x.query->add_fault("guest_id", "id", "Must be a guest's id.");
  const auto when = x.query->text("when");
  if (!when.empty() && when != "upcoming" && when != "past")
    x.query->add_fault("when", "value", "Either upcoming or past.");
  const auto list = read_list(x);
  if (!list) co_return;
  const auto upcoming = when.empty() ? std::nullopt : std::optional{when == "upcoming"};
  const auto after = list->position ? reservation_position(*list->position) : std::nullopt;
  auto found =
      co_await x.look_up<page<reservation_row>>([&x, id = *guest, upcoming, after, limit = list->limit](
                                                    steady_instant until, record_callback<page<reservation_row>> then) {
        x.use.records.list_reservations_of_guest(id, upcoming, utc_date(x.use.clock.now()), after, limit, until,
                                                 std::move(then));
      });
  const auto* listed = x.accept(found);
  if (listed == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().name("data").begin_array();
  for (const auto& row : listed->rows) write_reservation(json, row.hotel, row.value);
  json.end_array();
  finish_list(x, json, listed->more ? reservation_position(listed->rows) : std::nullopt);
  json.field("complete_up_to", listed->complete_up_to).end_object();
}

}  // namespace keyrack::gateway::routes
