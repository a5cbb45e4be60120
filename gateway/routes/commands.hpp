// What the handlers of commands share.
#pragma once

#include "gateway/exchange.hpp"
#include "gateway/render.hpp"

#include <boost/json/fwd.hpp>

namespace keyrack::gateway::routes {

/// Fills the exchange with a command's answer: the rendered event, or the problem.
void answer_command(exchange& x, const answer_envelope& from);

/// The view that a query was answered with; null when the exchange has failed. REQUIRES: the answer is of a query.
template <typename View>
const View* view_of(exchange& x, const answer_envelope& from) {
  if (!x.accept(from)) return nullptr;
  const auto* shown = std::get_if<std::shared_ptr<const view>>(&from.body);
  KEYRACK_ASSERT(shown != nullptr && *shown != nullptr);
  return std::get_if<View>(shown->get());
}

}  // namespace keyrack::gateway::routes
