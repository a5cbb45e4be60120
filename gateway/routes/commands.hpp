// What the handlers of commands and queries share.
#pragma once

#include "gateway/exchange.hpp"
#include "gateway/render.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <utility>

namespace keyrack::gateway::routes {

/// Fills the exchange with a command's answer: the rendered event, or the problem.
void answer_command(exchange& x, const answer_envelope& from);

/// Sends a command to the hotel of the path and fills the exchange with its answer. Call it with named commands only:
/// g++ 12 destroys a temporary that lives across a co_await twice when it was made with braces.
task<> run_command(exchange& x, request by, command what);

/// Begins the command of a merge patch; what it changes is found out later. Empty when the exchange has failed.
std::optional<request> begin_patch(exchange& x);

/// For a command whose body may only be an empty object: its request, begun; empty when the exchange has failed.
std::optional<request> begin_without_fields(exchange& x);

/// Reads the body with `read(root, faults)` and begins the command; empty when the exchange has failed.
template <typename Read>
auto read_and_begin(exchange& x, Read read) {
  using content = decltype(read(std::declval<const boost::json::value&>(), std::declval<fault_list&>()));
  std::optional<std::pair<request, content>> out;
  const auto body = x.json();
  if (!body) return out;
  fault_list faults;
  auto what = read(body->root(), faults);
  if (!faults.empty()) {
    x.fail(faults);
  } else if (auto by = x.begin_command(&body->root())) {
    out.emplace(std::move(*by), std::move(what));
  }
  return out;
}

/// The view that a query was answered with; null when the exchange has failed, or the answer is of another kind.
/// REQUIRES: the answer is of a query.
template <typename View>
const View* view_of(exchange& x, const answer_envelope& from) {
  if (!x.accept(from)) return nullptr;
  const auto* shown = std::get_if<std::shared_ptr<const view>>(&from.body);
  KEYRACK_ASSERT(shown != nullptr && *shown != nullptr);
  return std::get_if<View>(shown->get());
}

/// The place of a reservation in a guest's list, for cursors: of a text, and of the last row.
std::optional<std::pair<date, reservation_id>> reservation_position(std::string_view text);
std::optional<std::string> reservation_position(const std::vector<reservation_row>& rows);

/// What a merge patch makes of a resource, begun as a command; and what it needs to be tried again.
template <typename Profile>
struct patched {
  std::uint64_t version = 0;  ///< that was read; 0, which no resource has, when there is none
  Profile profile{};
  fault_list faults;
};

/// Reads, merges, updates, and does it again when somebody else was quicker and the client named no version.
/// `look(x)` asks for the resource: the patched profile, or nothing when the exchange has failed.
/// `update(profile)` makes the command.
template <typename Look, typename Update>
task<> run_patch(exchange& x, request by, Look look, Update update) {
  constexpr int tries_max = 5;
  const auto named = by.if_match;
  for (int tries = 1;; ++tries) {
    auto merged = co_await look(x);
    if (!merged) co_return;
    // With faults, or without a resource, nothing can be applied to version 0; but an answer given before is given again.
    by.if_match = merged->version == 0 || !merged->faults.empty() ? std::optional<std::uint64_t>{0}
                                                                  : std::optional{named.value_or(merged->version)};
    command what = update(merged->profile);
    auto sent = x.make_envelope(x.path.hotel, by, std::move(what));
    const auto from = co_await x.send(std::move(sent));
    const auto* refused = std::get_if<refusal>(&from.body);
    const bool conflict = refused != nullptr && refused->code == errc::version_conflict;
    if (conflict && !merged->faults.empty()) {
      x.fail(merged->faults);
      co_return;
    }
    if (conflict && !named && tries < tries_max) continue;
    answer_command(x, from);
    co_return;
  }
}

}  // namespace keyrack::gateway::routes
