// Hotels: created, read, replaced, changed, removed, listed.
#include "gateway/digest.hpp"
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway::routes {
namespace {

std::optional<envelope> read_creation(exchange& x) {
  const auto body = x.json();
  if (!body) return std::nullopt;
  fault_list faults;
  auto profile = read_hotel(body->root(), x.body, faults);
  if (!faults.empty()) {
    x.fail(faults);
    return std::nullopt;
  }
  auto by = x.begin_command(&body->root());
  if (!by) return std::nullopt;
  const auto id = hotel_of(by->key);
  return x.make_envelope(id, std::move(*by), keyrack::create_hotel{std::move(profile)});
}

}  // namespace

task<> create_hotel(exchange& x) {
  auto ready = read_creation(x);
  if (!ready) co_return;
  answer_command(x, co_await x.send(std::move(*ready)));
}

task<> get_hotel(exchange& x) {
  const auto from = co_await x.send(x.make_envelope(x.path.hotel, hotel_query{}));
  const auto* shown = view_of<hotel_view>(x, from);
  if (shown == nullptr) co_return;
  x.answer.etag(shown->version);
  x.answer.cache_control = "private, no-cache";
  if (x.not_modified(shown->version)) co_return;
  json_writer json{x.answer.body};
  write_hotel(json, from.hotel, shown->profile, {shown->version, shown->created_at, shown->updated_at});
}

}  // namespace keyrack::gateway::routes
