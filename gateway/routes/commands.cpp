#include "gateway/routes/commands.hpp"

#include <boost/json/value.hpp>

namespace keyrack::gateway::routes {

void answer_command(exchange& x, const answer_envelope& from) {
  if (!x.accept(from)) return;
  const auto* accepted = std::get_if<done>(&from.body);
  KEYRACK_ASSERT(accepted != nullptr && accepted->what != nullptr);
  render_done(x.answer, from.hotel, *accepted->what);
}

task<> run_command(exchange& x, request by, command what) {
  auto sent = x.make_envelope(x.path.hotel, std::move(by), std::move(what));
  answer_command(x, co_await x.send(std::move(sent)));
}

std::optional<request> begin_patch(exchange& x) {
  const auto body = x.json();
  if (!body) return std::nullopt;
  return x.begin_command(&body->root());
}

std::optional<request> begin_without_fields(exchange& x) {
  if (!x.body.empty()) {
    const auto body = x.json();
    if (!body) return std::nullopt;
    const json_place root;
    fault_list faults;
    object_reader{body->root(), root, faults}.finish();
    if (!faults.empty()) {
      x.fail(faults);
      return std::nullopt;
    }
  }
  return x.begin_command(nullptr);
}

}  // namespace keyrack::gateway::routes
