// The projections' tables and their position, as statements. One statement writes a batch: it moves the position from
// where it was to where it will be, and writes the rows only if it did. So a batch is written once, whatever number of
// projectors try it and whatever becomes of the answers. Refuses to know the journal.
#pragma once

#include "persistence/pg_connection.hpp"
#include "persistence/projections/fold.hpp"
#include "persistence/projections/journal_follower.hpp"

#include <chrono>
#include <expected>
#include <span>
#include <vector>

namespace keyrack::persistence {

/// What the journal and the projection say of a hotel.
struct hotel_ends {
  hotel_id hotel;
  std::uint64_t journal = 0;    ///< last sequence number in the journal; 0: none
  std::uint64_t projected = 0;  ///< the last that was projected; 0: none
};

/// Errors are those of `pg_connection`; every call is one statement.
class projection_tables {
public:
  projection_tables(pg_connection& connection, std::chrono::milliseconds timeout)
      : connection_(connection), timeout_(timeout) {}

  /// A projection that is a while behind after a crash of the server loses nothing: it follows again. So its commits do
  /// not wait for the disk. Once per connection.
  std::expected<void, pg_error> commit_without_waiting();

  std::expected<journal_position, pg_error> position();

  /// Adds what is known of `hotels` to `known`, 0 for new ones.
  std::expected<void, pg_error> add_known(std::span<const hotel_id> hotels, known_sequences& known);

  /// Writes what has been folded and moves the position, if it still is at `from`. False: it was not, and nothing was
  /// written. In doubt: read the position again, it tells.
  std::expected<bool, pg_error> write(const projection_fold& fold, const journal_position& from,
                                      const journal_position& to);

  /// Of hotels that are in either, ascending, above `above` or from the first on.
  std::expected<std::vector<hotel_ends>, pg_error> ends(std::span<const hotel_id> hotels);
  std::expected<std::vector<hotel_id>, pg_error> projected_above(std::optional<hotel_id> above, int limit);

  /// Takes everything of these hotels out, if the position still is at `at`.
  std::expected<bool, pg_error> forget(std::span<const hotel_id> hotels, const journal_position& at);

private:
  call_deadline deadline() const;

  pg_connection& connection_;
  std::chrono::milliseconds timeout_;
};

}  // namespace keyrack::persistence
