// The promises, checked on the journal as it lies there: never oversold at any prefix (1), one answer per request (4), no gap,
// no fork and nothing of a fenced writer after its fence (5); and that snapshots and projection say what the journal says.
// Reads only; a running node may go on. Owns the reading; what events mean is verify_model's.
#pragma once

#include "actors/domain/ids.hpp"
#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace keyrack::persistence {

struct journal_finding {
  hotel_id hotel;
  std::string what;  ///< a sentence
};

struct journal_report {
  std::uint64_t hotels = 0;
  std::uint64_t commits = 0;
  std::uint64_t events = 0;
  std::uint64_t reservations = 0;
  std::uint64_t snapshots = 0;            ///< compared byte for byte with a replay
  std::uint64_t projected = 0;            ///< rows of the projection that were compared
  std::vector<journal_finding> findings;  ///< at most `findings_max`
  bool truncated = false;                 ///< there were more
  static constexpr std::size_t findings_max = 1'000;
};

/// Verifies one hotel, or all. `progress` is called after each hotel. One hotel is in memory at a time. The error is a
/// sentence: the database could not be read.
std::expected<journal_report, std::string> verify_journal(const database_settings& database,
                                                          std::optional<hotel_id> only,
                                                          const std::function<void(const journal_report&)>& progress);

}  // namespace keyrack::persistence
