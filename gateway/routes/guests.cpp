// A person's record: read, corrected, exported, erased. Beside the journal, so that erasing it leaves the journal valid. A
// change of a record is the same when it is made twice: a request key is taken, and nothing needs to be remembered for it.
#include "actors/domain/limits.hpp"
#include "gateway/list_page.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace keyrack::gateway::routes {
namespace {

/// The record that was found; in a path an unknown guest is a resource that is not there.
guest_record* accept_guest(exchange& x, record_result<guest_record>& found) {
  const auto* why = std::get_if<failure>(&found);
  if (why == nullptr || why->code != errc::guest_unknown) return x.accept(found);
  auto what = problem_of(errc::guest_unknown, why->detail);
  what.kind.status = 404;
  x.fail(what);
  return nullptr;
}

task<record_result<guest_record>> find_guest(exchange& x) {
  return x.look_up<guest_record>([&x](steady_instant until, record_callback<guest_record> then) {
    x.use.records.find_guest(x.path.guest, until, std::move(then));
  });
}

void render(exchange& x, const guest_record& guest) {
  json_writer json{x.answer.body};
  write_guest(json, guest);
}

/// One reservation of a person with its notes; false when the exchange has failed.
task<bool> export_reservation(exchange& x, json_writer& json, const reservation_row& row) {
  const reservation_id id{row.hotel, row.value.number};
  auto found = co_await x.look_up<std::string>([&x, id](steady_instant until, record_callback<std::string> then) {
    x.use.records.find_notes(id, until, std::move(then));
  });
  const auto* notes = x.accept(found);
  if (notes == nullptr) co_return false;
  write_reservation(json, row.hotel, row.value, true);
  json.field("notes", *notes).end_object();
  co_return true;
}

}  // namespace

task<> get_guest(exchange& x) {
  auto found = co_await find_guest(x);
  const auto* guest = accept_guest(x, found);
  if (guest != nullptr && !x.not_modified(guest->version)) render(x, *guest);
}

task<> change_guest(exchange& x) {
  auto ready = read_and_begin(x, read_guest_change);
  if (!ready) co_return;
  x.command_sent = true;
  auto found = co_await x.look_up<guest_record>([&](steady_instant until, record_callback<guest_record> then) {
    x.use.records.change_guest(x.path.guest, std::move(ready->second), ready->first.if_match, until, std::move(then));
  });
  const auto* guest = accept_guest(x, found);
  if (guest == nullptr) co_return;
  x.answer.etag(guest->version);
  render(x, *guest);
}

task<> erase_guest(exchange& x) {
  auto by = x.begin_command(nullptr);
  if (!by) co_return;
  x.command_sent = true;
  auto found = co_await x.look_up<guest_record>(
      [&x, version = by->if_match](steady_instant until, record_callback<guest_record> then) {
        x.use.records.erase_guest(x.path.guest, version, until, std::move(then));
      });
  if (accept_guest(x, found) == nullptr) co_return;
  x.answer.status = 204;
  x.answer.no_body = true;
}

task<> export_guest(exchange& x) {
  const auto list = read_list(x);
  if (!list) co_return;
  const auto after = list->position ? reservation_position(*list->position) : std::nullopt;
  auto person = co_await find_guest(x);
  const auto* guest = accept_guest(x, person);
  if (guest == nullptr) co_return;
  auto found = co_await x.look_up<page<reservation_row>>(
      [&x, after, limit = list->limit](steady_instant until, record_callback<page<reservation_row>> then) {
        x.use.records.list_reservations_of_guest(x.path.guest, {}, utc_date(x.use.clock.now()), after, limit, until,
                                                 std::move(then));
      });
  const auto* listed = x.accept(found);
  if (listed == nullptr) co_return;
  json_writer json{x.answer.body};
  json.begin_object().name("guest");
  write_guest(json, *guest);
  json.name("data").begin_array();
  for (const auto& row : listed->rows) {
    if (!co_await export_reservation(x, json, row)) co_return;
  }
  json.end_array();
  finish_list(x, json, listed->more ? reservation_position(listed->rows) : std::nullopt);
  json.field("complete_up_to", listed->complete_up_to).end_object();
}

}  // namespace keyrack::gateway::routes
