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

/// A command that says nothing but which reservation.
template <typename Command>
task<> run_step(exchange& x) {
  auto by = begin_without_fields(x);
  if (!by) co_return;
  command what = Command{x.path.reservation.number};
  co_await run_command(x, std::move(*by), std::move(what));
}

/// A command with fields, all of them optional: `read` gives it from a body, which may be missing.
template <typename Command, typename Read>
task<> run_step_with(exchange& x, Read read) {
  if (x.body.empty()) {
    co_await run_step<Command>(x);
    co_return;
  }
  auto ready = read_and_begin(x, read);
  if (!ready) co_return;
  ready->second.number = x.path.reservation.number;
  command what = std::move(ready->second);
  co_await run_command(x, std::move(ready->first), std::move(what));
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

task<> change_reservation(exchange& x) {
  auto ready = read_and_begin(x, read_reservation_change);
  if (!ready) co_return;
  ready->second.number = x.path.reservation.number;
  command what = std::move(ready->second);
  co_await run_command(x, std::move(ready->first), std::move(what));
}

task<> confirm_reservation(exchange& x) { return run_step<keyrack::confirm_reservation>(x); }
task<> cancel_reservation(exchange& x) { return run_step<keyrack::cancel_reservation>(x); }
task<> check_out_guest(exchange& x) { return run_step<keyrack::check_out_guest>(x); }
task<> record_no_show(exchange& x) { return run_step<keyrack::record_no_show>(x); }
task<> extend_hold(exchange& x) { return run_step_with<keyrack::extend_hold>(x, read_extension); }
task<> check_in_guest(exchange& x) { return run_step_with<keyrack::check_in_guest>(x, read_check_in); }

}  // namespace keyrack::gateway::routes
