// Room types of a hotel: added, read, replaced, changed, removed, listed.
#include "gateway/routes/bodies.hpp"
#include "gateway/routes/commands.hpp"
#include "gateway/routes/handlers.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway::routes {
namespace {

std::optional<envelope> read_addition(exchange& x) {
  const auto body = x.json();
  if (!body) return std::nullopt;
  fault_list faults;
  auto profile = read_room_type(body->root(), faults);
  if (!faults.empty()) {
    x.fail(faults);
    return std::nullopt;
  }
  auto by = x.begin_command(&body->root());
  if (!by) return std::nullopt;
  return x.make_envelope(x.path.hotel, std::move(*by), keyrack::add_room_type{std::move(profile)});
}

}  // namespace

task<> add_room_type(exchange& x) {
  auto ready = read_addition(x);
  if (!ready) co_return;
  answer_command(x, co_await x.send(std::move(*ready)));
}

}  // namespace keyrack::gateway::routes
