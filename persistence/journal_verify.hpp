// Checks the promises on the whole journal, by a replay of its own: never oversold, one request one effect, one writer; and
// that snapshots, people and projections agree with it. Works beside a running system. Owns no repair: it only tells.
#pragma once

#include "actors/domain/ids.hpp"
#include "config/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::persistence {

/// What can be found. The names are stable: scripts may look for them.
enum class broken_rule : std::uint8_t {
  unreadable,           ///< a commit or snapshot that the codec refuses
  gap,                  ///< commits that do not join
  fork,                 ///< commits that overlap
  time_goes_back,       ///< an event from before the one before it
  two_writers,          ///< commits whose transactions do not follow one another as their numbers do
  written_after_fence,  ///< a commit of a writer that had lost its place, or never had one
  illegal_event,        ///< a step that no hotel could have taken from where it stood
  oversold,             ///< rooms taken above a night's limit
  key_answered_twice,   ///< a request had a second effect while its key was remembered
  room_given_twice,     ///< two guests checked in to one room
  snapshot_differs,     ///< a snapshot that is not what a replay gives
  guest_missing,        ///< a reservation without its person's row
  projection_differs,   ///< a projected row that is not what the journal says
};
std::string_view to_text(broken_rule rule);

struct journal_finding {
  broken_rule rule{};
  hotel_id hotel;
  std::uint64_t seq = 0;  ///< of the event or commit at which it shows; 0: of none
  std::string what;       ///< a sentence: the rule's name, the number, the facts
};

struct journal_report {
  static constexpr std::size_t findings_max = 1'000;

  std::uint64_t hotels = 0;
  std::uint64_t commits = 0;
  std::uint64_t events = 0;
  std::uint64_t reservations = 0;
  std::uint64_t snapshots = 0;  ///< compared with the replay, byte for byte
  std::uint64_t guests = 0;     ///< looked for
  std::uint64_t projected = 0;  ///< rows compared
  std::vector<journal_finding> findings;
  bool truncated = false;  ///< there were more
};

/// Verifies one hotel, or all, one after another: memory is bounded by what one hotel has ever had of reservations and has
/// of remembered keys. `progress` is called now and then. An error is a sentence for an operator: no database, or one that
/// fails; findings are in the report.
std::expected<journal_report, std::string>
verify_journal(const database_settings& database, std::optional<hotel_id> only,
               const std::function<void(const journal_report&)>& progress = {});

}  // namespace keyrack::persistence
