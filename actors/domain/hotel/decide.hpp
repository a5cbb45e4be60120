// The one place where it is decided what may happen in a hotel. Pure: the moment, the ids and the digest are arguments.
#pragma once

#include "actors/domain/errc.hpp"
#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/events.hpp"
#include "actors/domain/hotel/state.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace keyrack {

/// When a command is decided: cluster time, and the hotel's own date at that time, which the shell knows.
struct moment {
  instant at{};
  date today;
};

/// The command was accepted; its answer is rendered from the last event of the decision.
struct accepted {
  std::uint64_t seq = 0;
};

/// The same request was accepted before; its answer is rendered from the event at `seq`, byte for byte.
struct repeated {
  std::uint64_t seq = 0;
};

/// `lapse_holds` and nothing else.
struct no_answer {};

struct decision {
  /// To be evolved and appended in order. Also a refusal may come with some: holds that had lapsed by now are facts.
  std::vector<event> events;
  std::variant<no_answer, accepted, repeated, refusal> result;
};

/// Decides `cmd` on `hotel`. Refusals come in the order of `errc`; a known key is looked at before everything else.
/// Holds past their deadline are lapsed first, so that nobody is refused while their rooms are free.
/// REQUIRES: `now.at >= hotel.last_at`; numbers within the bounds that the gateway checks (counts and prices not
/// negative and not above `limits`), which are asserted, not refused.
decision decide(const hotel_state& hotel, const request& req, const command& cmd, const moment& now);

}  // namespace keyrack
