// The reader of the whole journal, for everything that folds it: commits in the order in which they can be relied upon,
// from a position on. Owns that order; refuses to know what is made of it.
//
// A row's transaction id is drawn before its commit, so that rows do not become visible in its order. Rows below the
// oldest transaction that is still open are complete: nothing will ever appear among them. Only those are read. Any open
// writing transaction of the whole server holds that horizon back, and so every follower.
#pragma once

#include "actors/domain/ids.hpp"
#include "actors/domain/stay.hpp"
#include "persistence/pg_connection.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::persistence {

/// The last commit that has been read. Comparable within one lineage only.
struct journal_position {
  std::string lineage;  ///< the server's system identifier and timeline, `7409…/1`; empty: the very beginning
  std::uint64_t xid = 0;
  hotel_id hotel;
  std::uint64_t first_seq = 0;
  bool operator==(const journal_position&) const = default;
};

/// A row of commits. `payload` lives as long as the batch that it came in.
struct journal_commit {
  hotel_id hotel;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t xid = 0;
  std::uint64_t writer = 0;
  instant at{};
  std::string_view payload;
};

struct journal_batch {
  std::vector<journal_commit> commits;
  bool full = false;  ///< a bound ended it: there may be more
  pg_rows rows;       ///< keeps the payloads
};

/// How much one read may bring; a single commit above `bytes_max` comes alone.
struct batch_bounds {
  int commits_max = 2'000;
  std::int64_t bytes_max = 16 << 20;
};

/// How far a position is behind, and what holds the horizon back.
struct journal_lag {
  static constexpr int commits_counted_max = 50'000;

  std::int64_t commits = 0;  ///< not read yet, committed or held back; counted up to `commits_counted_max`
  instant now{};             ///< of the server
  instant oldest_at{};       ///< of the first of them; `now` when there is none
  std::chrono::microseconds horizon_age{};  ///< of the oldest open writing transaction; zero without one
  std::string horizon_holder;               ///< its application's name, if this user may see it
};

/// One connection's look at the journal. Every call is one statement; errors are those of `pg_connection`.
class journal_follower {
public:
  /// `timeout` bounds each call.
  journal_follower(pg_connection& connection, std::chrono::milliseconds timeout)
      : connection_(connection), timeout_(timeout) {}

  /// The server's lineage. It changes when a standby is promoted or a backup restored: a reader of another lineage's
  /// position must then compare each hotel's last sequence number, see `journal_ends`.
  std::expected<std::string, pg_error> lineage();

  /// All below this transaction id is complete.
  std::expected<std::uint64_t, pg_error> horizon();

  /// The commits after `after`, in the order (xid, hotel, first_seq), as far as they are complete.
  std::expected<journal_batch, pg_error> read_after(const journal_position& after, const batch_bounds& bounds);

  /// One hotel's commits from the one that holds `from_seq` on, in order.
  std::expected<journal_batch, pg_error> read_hotel(hotel_id hotel, std::uint64_t from_seq, const batch_bounds& bounds);

  /// One hotel's commits that begin after `first_seq`, in order: also those that overlap, which none should.
  std::expected<journal_batch, pg_error> read_hotel_behind(hotel_id hotel, std::uint64_t first_seq,
                                                           const batch_bounds& bounds);

  /// Hotels that have commits, ascending: those above `above`, or from the first on.
  std::expected<std::vector<hotel_id>, pg_error> hotels_above(std::optional<hotel_id> above, int limit);

  /// The newest transaction that has appended, complete or not; 0: none. While it stands still, nobody books.
  std::expected<std::uint64_t, pg_error> newest();

  std::expected<journal_lag, pg_error> lag(const journal_position& of);

private:
  call_deadline deadline() const;
  std::expected<journal_batch, pg_error> read_one(const pg_statement& which, hotel_id hotel, std::uint64_t seq,
                                                  const batch_bounds& bounds);

  pg_connection& connection_;
  std::chrono::milliseconds timeout_;
};

}  // namespace keyrack::persistence
