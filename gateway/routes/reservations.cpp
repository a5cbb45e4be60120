// Reservations: made, read, and led through their life.
#include "gateway/digest.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway::routes {
namespace {

struct ready_reservation {
  envelope what;
  std::optional<guest_id> known_guest;
};

std::optional<ready_reservation> read_creation(exchange& x) {
  const auto body = x.json();
  if (!body) return std::nullopt;
  fault_list faults;
  auto wanted = read_new_reservation(body->root(), faults);
  if (!faults.empty()) {
    x.fail(faults);
    return std::nullopt;
  }
  // What a person is called, and what the key is, is not what is asked for.
  auto by = x.begin_command(&body->root(), "guest notes reservation_id", wanted.named);
  if (!by) return std::nullopt;
  const auto guest = wanted.known_guest ? *wanted.known_guest : guest_of(wanted.hotel, by->key);
  wanted.command.guest = guest;
  ready_reservation ready{x.make_envelope(wanted.hotel, std::move(*by), std::move(wanted.command)), wanted.known_guest};
  if (wanted.person.new_guest || !wanted.person.notes.empty()) {
    wanted.person.guest = guest;
    ready.what.personal.push_back(std::move(wanted.person));
  }
  return ready;
}

task<> command_without_body(exchange& x, command what) {
  fault_list faults;
  std::optional<request> by;
  if (x.body.empty()) {
    by = x.begin_command(nullptr);
  } else if (const auto body = x.json()) {
    const json_place root;
    object_reader{body->root(), root, faults}.finish();
    if (!faults.empty()) {
      x.fail(faults);
    } else {
      by = x.begin_command(nullptr);
    }
  }
  if (!by) co_return;
  answer_command(x, co_await x.send(x.make_envelope(x.path.hotel, std::move(*by), std::move(what))));
}

}  // namespace

task<> create_reservation(exchange& x) {
  auto ready = read_creation(x);
  if (!ready) co_return;
  x.hotel = ready->what.hotel;
  if (const auto known = ready->known_guest; known && !x.use.guests.contains(*known)) {
    auto found =
        co_await x.look_up<guest_record>([&x, id = *known](steady_instant until, record_callback<guest_record> then) {
          x.use.records.find_guest(id, until, std::move(then));
        });
    if (x.accept(found) == nullptr) co_return;
    x.use.guests.add(*known);
  }
  answer_command(x, co_await x.send(std::move(ready->what)));
}

task<> get_reservation(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, reservation_query{x.path.reservation.number}));
  const auto* shown = view_of<reservation_view>(x, from);
  if (shown == nullptr) co_return;
  const auto& r = shown->value;
  x.answer.etag(r.version);
  x.answer.cache_control = "private, no-cache";
  // A hold reads as expired from its deadline on, before the event that says so gives it a new version.
  if (r.status != reservation_status::expired && x.not_modified(r.version)) co_return;
  json_writer json{x.answer.body};
  write_reservation(json, from.hotel, r);
}

task<> confirm_reservation(exchange& x) {
  return command_without_body(x, keyrack::confirm_reservation{x.path.reservation.number});
}
task<> cancel_reservation(exchange& x) {
  return command_without_body(x, keyrack::cancel_reservation{x.path.reservation.number});
}

}  // namespace keyrack::gateway::routes
