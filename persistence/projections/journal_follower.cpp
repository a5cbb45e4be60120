#include "persistence/projections/journal_follower.hpp"

#include "persistence/server_lineage.hpp"

#include <fmt/format.h>

namespace keyrack::persistence {
namespace {

constexpr pg_statement complete_below{"follower_horizon", R"sql(
  SELECT pg_snapshot_xmin(pg_current_snapshot())
)sql"};

// The sizes are summed before a payload is fetched: octet_length does not read a payload that lies outside of its row.
constexpr pg_statement commits_after{"follower_read", R"sql(
  SELECT hotel_id, first_seq, last_seq, xid, writer, at, payload
    FROM (SELECT c.*, sum(octet_length(payload)) OVER (ORDER BY xid, hotel_id, first_seq) AS bytes
            FROM (SELECT hotel_id, first_seq, last_seq, xid, writer, at, payload
                    FROM commits
                   WHERE (xid, hotel_id, first_seq) > ($1::bigint::text::xid8, $2::bigint, $3::bigint)
                     AND xid < pg_snapshot_xmin(pg_current_snapshot())
                   ORDER BY xid, hotel_id, first_seq
                   LIMIT $4::bigint) c) b
   WHERE bytes - octet_length(payload) < $5::bigint
   ORDER BY xid, hotel_id, first_seq
)sql"};

constexpr pg_statement commits_of_hotel{"follower_read_hotel", R"sql(
  SELECT hotel_id, first_seq, last_seq, xid, writer, at, payload
    FROM (SELECT c.*, sum(octet_length(payload)) OVER (ORDER BY first_seq) AS bytes
            FROM (SELECT hotel_id, first_seq, last_seq, xid, writer, at, payload
                    FROM commits
                   WHERE hotel_id = $1::bigint
                     AND first_seq >= coalesce((SELECT max(first_seq) FROM commits
                                                 WHERE hotel_id = $1::bigint AND first_seq <= $2::bigint), 0)
                     AND last_seq >= $2::bigint
                   ORDER BY first_seq
                   LIMIT $3::bigint) c) b
   WHERE bytes - octet_length(payload) < $4::bigint
   ORDER BY first_seq
)sql"};

constexpr pg_statement commits_of_hotel_behind{"follower_read_hotel_behind", R"sql(
  SELECT hotel_id, first_seq, last_seq, xid, writer, at, payload
    FROM (SELECT c.*, sum(octet_length(payload)) OVER (ORDER BY first_seq) AS bytes
            FROM (SELECT hotel_id, first_seq, last_seq, xid, writer, at, payload
                    FROM commits
                   WHERE hotel_id = $1::bigint AND first_seq > $2::bigint
                   ORDER BY first_seq
                   LIMIT $3::bigint) c) b
   WHERE bytes - octet_length(payload) < $4::bigint
   ORDER BY first_seq
)sql"};

// One step into the index per hotel: the journal may hold millions of commits of each.
constexpr pg_statement hotels{"follower_hotels", R"sql(
  WITH RECURSIVE h(hotel_id) AS (
    (SELECT hotel_id FROM commits WHERE hotel_id > $1::bigint ORDER BY hotel_id LIMIT 1)
    UNION ALL
    SELECT (SELECT c.hotel_id FROM commits c WHERE c.hotel_id > h.hotel_id ORDER BY c.hotel_id LIMIT 1)
      FROM h WHERE h.hotel_id IS NOT NULL)
  SELECT hotel_id FROM h WHERE hotel_id IS NOT NULL LIMIT $2::bigint
)sql"};

constexpr pg_statement newest_commit{"follower_newest", R"sql(
  SELECT xid FROM commits ORDER BY xid DESC LIMIT 1
)sql"};

// Also commits that the horizon still hides are behind. The holder is whoever has had a transaction id for longest.
constexpr pg_statement behind{"follower_lag", R"sql(
  WITH unread AS MATERIALIZED (
    SELECT at FROM commits
     WHERE (xid, hotel_id, first_seq) > ($1::bigint::text::xid8, $2::bigint, $3::bigint)
     ORDER BY xid, hotel_id, first_seq
     LIMIT $4::bigint),
  holder AS (
    SELECT clock_timestamp() - xact_start AS age, application_name
      FROM pg_stat_activity
     WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
     ORDER BY xact_start
     LIMIT 1)
  SELECT (SELECT count(*) FROM unread),
         clock_timestamp(),
         (SELECT at FROM unread LIMIT 1),
         (SELECT (extract(epoch FROM age) * 1000000)::bigint FROM holder),
         (SELECT application_name FROM holder)
)sql"};

journal_batch batch_of(pg_rows rows, const batch_bounds& bounds) {
  journal_batch batch;
  std::int64_t bytes = 0;
  batch.commits.reserve(static_cast<std::size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    batch.commits.push_back({.hotel = {static_cast<std::uint64_t>(rows.integer(i, 0))},
                             .first_seq = static_cast<std::uint64_t>(rows.integer(i, 1)),
                             .last_seq = static_cast<std::uint64_t>(rows.integer(i, 2)),
                             .xid = static_cast<std::uint64_t>(rows.integer(i, 3)),
                             .writer = static_cast<std::uint64_t>(rows.integer(i, 4)),
                             .at = rows.timestamptz(i, 5),
                             .payload = rows.bytes(i, 6)});
    bytes += static_cast<std::int64_t>(batch.commits.back().payload.size());
  }
  batch.full = rows.rows() >= bounds.commits_max || bytes >= bounds.bytes_max;
  batch.rows = std::move(rows);
  return batch;
}

}  // namespace

call_deadline journal_follower::deadline() const { return call_deadline::in("database.statement_timeout", timeout_); }

std::expected<std::string, pg_error> journal_follower::lineage() {
  const auto found = read_lineage(connection_, deadline());
  if (!found) return std::unexpected(found.error());
  return fmt::format("{}/{}", found->system, found->timeline);
}

std::expected<std::uint64_t, pg_error> journal_follower::horizon() {
  const auto rows = connection_.run(complete_below, {}, deadline());
  if (!rows) return std::unexpected(rows.error());
  return static_cast<std::uint64_t>(rows->integer(0, 0));
}

std::expected<journal_batch, pg_error> journal_follower::read_after(const journal_position& after,
                                                                    const batch_bounds& bounds) {
  auto rows = connection_.run(commits_after,
                              pg_params{}
                                  .int8(after.xid)
                                  .int8(after.hotel.value)
                                  .int8(after.first_seq)
                                  .int8(std::int64_t{bounds.commits_max})
                                  .int8(bounds.bytes_max),
                              deadline());
  if (!rows) return std::unexpected(rows.error());
  return batch_of(std::move(*rows), bounds);
}

std::expected<journal_batch, pg_error> journal_follower::read_one(const pg_statement& which, hotel_id hotel,
                                                                  std::uint64_t seq, const batch_bounds& bounds) {
  auto rows = connection_.run(
      which, pg_params{}.int8(hotel.value).int8(seq).int8(std::int64_t{bounds.commits_max}).int8(bounds.bytes_max),
      deadline());
  if (!rows) return std::unexpected(rows.error());
  return batch_of(std::move(*rows), bounds);
}

std::expected<journal_batch, pg_error> journal_follower::read_hotel(hotel_id hotel, std::uint64_t from_seq,
                                                                    const batch_bounds& bounds) {
  return read_one(commits_of_hotel, hotel, from_seq, bounds);
}

std::expected<journal_batch, pg_error> journal_follower::read_hotel_behind(hotel_id hotel, std::uint64_t first_seq,
                                                                           const batch_bounds& bounds) {
  return read_one(commits_of_hotel_behind, hotel, first_seq, bounds);
}

std::expected<std::vector<hotel_id>, pg_error> journal_follower::hotels_above(std::optional<hotel_id> above,
                                                                              int limit) {
  const auto from = above ? static_cast<std::int64_t>(above->value) : std::int64_t{-1};
  const auto rows = connection_.run(hotels, pg_params{}.int8(from).int8(std::int64_t{limit}), deadline());
  if (!rows) return std::unexpected(rows.error());
  std::vector<hotel_id> found;
  for (int i = 0; i < rows->rows(); ++i) found.push_back({static_cast<std::uint64_t>(rows->integer(i, 0))});
  return found;
}

std::expected<std::uint64_t, pg_error> journal_follower::newest() {
  const auto rows = connection_.run(newest_commit, {}, deadline());
  if (!rows) return std::unexpected(rows.error());
  return rows->rows() == 0 ? 0 : static_cast<std::uint64_t>(rows->integer(0, 0));
}

std::expected<journal_lag, pg_error> journal_follower::lag(const journal_position& of) {
  const auto rows = connection_.run(behind,
                                    pg_params{}
                                        .int8(of.xid)
                                        .int8(of.hotel.value)
                                        .int8(of.first_seq)
                                        .int8(std::int64_t{journal_lag::commits_counted_max}),
                                    deadline());
  if (!rows) return std::unexpected(rows.error());
  journal_lag found{.commits = rows->integer(0, 0),
                    .now = rows->timestamptz(0, 1),
                    .oldest_at = rows->is_null(0, 2) ? rows->timestamptz(0, 1) : rows->timestamptz(0, 2),
                    .horizon_age = {},
                    .horizon_holder = {}};
  if (!rows->is_null(0, 3)) found.horizon_age = std::chrono::microseconds{rows->integer(0, 3)};
  if (!rows->is_null(0, 4)) found.horizon_holder = rows->text(0, 4);
  return found;
}

}  // namespace keyrack::persistence
