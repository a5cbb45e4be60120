#include "gateway/routes/commands.hpp"

namespace keyrack::gateway::routes {

void answer_command(exchange& x, const answer_envelope& from) {
  if (!x.accept(from)) return;
  const auto* accepted = std::get_if<done>(&from.body);
  KEYRACK_ASSERT(accepted != nullptr && accepted->what != nullptr);
  render_done(x.answer, from.hotel, *accepted->what);
}

}  // namespace keyrack::gateway::routes
