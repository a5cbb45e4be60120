#include "persistence/projections/projection_tables.hpp"

#include <cstdint>
#include <limits>
#include <vector>

namespace keyrack::persistence {
namespace {

constexpr pg_statement without_waiting{"projection_async", R"sql(
  SELECT set_config('synchronous_commit', 'off', false)
)sql"};

constexpr pg_statement read_position{"projection_position", R"sql(
  SELECT lineage, xid, hotel_id, first_seq FROM projection_position
)sql"};

constexpr pg_statement read_known{"projection_known", R"sql(
  SELECT hotel_id, last_seq FROM projected_hotels WHERE hotel_id = ANY ($1::bigint[])
)sql"};

// `moved` comes first: every other part draws on its row, so the position's lock is taken before any other.
constexpr pg_statement write_batch{"projection_write", R"sql(
  WITH moved AS MATERIALIZED (
    UPDATE projection_position
       SET lineage = $5, xid = $6::bigint::text::xid8, hotel_id = $7, first_seq = $8, moved_at = clock_timestamp()
     WHERE lineage = $1 AND xid = $2::bigint::text::xid8 AND hotel_id = $3 AND first_seq = $4
    RETURNING true AS ok),
  sequences AS (
    INSERT INTO projected_hotels AS p (hotel_id, last_seq)
    SELECT h.* FROM moved, unnest($9::bigint[], $10::bigint[]) AS h(hotel_id, last_seq)
    ON CONFLICT (hotel_id) DO UPDATE SET last_seq = excluded.last_seq),
  hotels AS (
    INSERT INTO hotels_list AS l (hotel_id, profile, version, created_at, updated_at, removed)
    SELECT h.hotel_id, h.profile, h.version, h.created_at, h.updated_at, h.removed <> 0
      FROM moved, unnest($11::bigint[], $12::bytea[], $13::bigint[], $14::timestamptz[], $15::timestamptz[],
                         $16::smallint[]) AS h(hotel_id, profile, version, created_at, updated_at, removed)
    ON CONFLICT (hotel_id) DO UPDATE
       SET profile = excluded.profile, version = excluded.version, created_at = excluded.created_at,
           updated_at = excluded.updated_at, removed = excluded.removed),
  removals AS (
    UPDATE hotels_list l SET removed = true, version = h.version, updated_at = h.updated_at
      FROM moved, unnest($17::bigint[], $18::bigint[], $19::timestamptz[]) AS h(hotel_id, version, updated_at)
     WHERE l.hotel_id = h.hotel_id),
  reservations AS (
    INSERT INTO guest_reservations AS g (hotel_id, number, guest_high, guest_low, check_in, check_out, status, last_seq,
                                         hold_expires_at, body)
    SELECT r.hotel_id, r.number, r.guest_high, r.guest_low, date '1970-01-01' + r.check_in::int,
           date '1970-01-01' + r.check_out::int, r.status, r.last_seq,
           CASE WHEN r.status = 0 THEN r.hold_expires_at END, r.body
      FROM moved, unnest($20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
                         $26::smallint[], $27::bigint[], $28::timestamptz[], $29::bytea[])
             AS r(hotel_id, number, guest_high, guest_low, check_in, check_out, status, last_seq, hold_expires_at, body)
    ON CONFLICT (hotel_id, number) DO UPDATE
       SET guest_high = excluded.guest_high, guest_low = excluded.guest_low, check_in = excluded.check_in,
           check_out = excluded.check_out, status = excluded.status, last_seq = excluded.last_seq,
           hold_expires_at = excluded.hold_expires_at, body = excluded.body
     WHERE g.last_seq < excluded.last_seq)
  SELECT count(*) FROM moved
)sql"};

constexpr pg_statement read_ends{"projection_ends", R"sql(
  SELECT h.hotel_id,
         coalesce((SELECT c.last_seq FROM commits c WHERE c.hotel_id = h.hotel_id ORDER BY c.first_seq DESC LIMIT 1), 0),
         coalesce(p.last_seq, 0)
    FROM unnest($1::bigint[]) AS h(hotel_id)
    LEFT JOIN projected_hotels p USING (hotel_id)
)sql"};

constexpr pg_statement read_projected{"projection_hotels", R"sql(
  SELECT hotel_id FROM projected_hotels WHERE hotel_id > $1::bigint ORDER BY hotel_id LIMIT $2::bigint
)sql"};

constexpr pg_statement forget_hotels{"projection_forget", R"sql(
  WITH held AS MATERIALIZED (
    UPDATE projection_position SET moved_at = clock_timestamp()
     WHERE lineage = $1 AND xid = $2::bigint::text::xid8 AND hotel_id = $3 AND first_seq = $4
    RETURNING true AS ok),
  sequences AS (
    DELETE FROM projected_hotels p USING held WHERE p.hotel_id = ANY ($5::bigint[])),
  hotels AS (
    DELETE FROM hotels_list l USING held WHERE l.hotel_id = ANY ($5::bigint[])),
  reservations AS (
    DELETE FROM guest_reservations g USING held WHERE g.hotel_id = ANY ($5::bigint[]))
  SELECT count(*) FROM held
)sql"};

std::int64_t to_pg(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void add_position(pg_params& params, const journal_position& p) {
  params.text(p.lineage).int8(p.xid).int8(p.hotel.value).int8(p.first_seq);
}

std::vector<std::int64_t> ids_of(std::span<const hotel_id> hotels) {
  std::vector<std::int64_t> ids;
  ids.reserve(hotels.size());
  for (const auto h : hotels) ids.push_back(to_pg(h.value));
  return ids;
}

void add_sequences(pg_params& params, const projection_fold& fold) {
  std::vector<std::int64_t> last;
  for (const auto h : fold.touched()) last.push_back(to_pg(fold.last_seq(h)));
  params.int8_array(ids_of(fold.touched())).int8_array(last);
}

void add_hotels(pg_params& params, const projection_fold& fold) {
  std::vector<std::int64_t> ids, versions, created, updated, removed_ids, removed_versions, removed_at;
  std::vector<std::string_view> profiles;
  std::vector<std::int16_t> removed;
  for (const auto& h : fold.hotels()) {
    const bool whole = h.profile.has_value();
    (whole ? ids : removed_ids).push_back(to_pg(h.hotel.value));
    (whole ? versions : removed_versions).push_back(to_pg(h.version));
    (whole ? updated : removed_at).push_back(to_pg_microseconds(h.updated_at));
    if (!whole) continue;
    created.push_back(to_pg_microseconds(h.created_at));
    profiles.push_back(*h.profile);
    removed.push_back(h.removed ? 1 : 0);
  }
  params.int8_array(ids).bytea_array(profiles).int8_array(versions).timestamptz_array(created).timestamptz_array(
      updated);
  params.int2_array(removed);
  params.int8_array(removed_ids).int8_array(removed_versions).timestamptz_array(removed_at);
}

void add_reservations(pg_params& params, const projection_fold& fold) {
  const auto& rows = fold.reservations();
  std::vector<std::int64_t> columns[8];
  std::vector<std::int16_t> statuses;
  std::vector<std::string_view> bodies;
  for (auto& c : columns) c.reserve(rows.size());
  for (const auto& r : rows) {
    const std::int64_t values[8] = {to_pg(r.hotel.value), to_pg(r.number.value),
                                    to_pg(r.guest.high),  to_pg(r.guest.low),
                                    r.stay.check_in.days, r.stay.check_out.days,
                                    to_pg(r.last_seq),    to_pg_microseconds(r.hold_expires_at.value_or(instant{}))};
    for (int i = 0; i < 8; ++i) columns[i].push_back(values[i]);
    statuses.push_back(static_cast<std::int16_t>(r.status));
    bodies.push_back(r.body);
  }
  for (int i = 0; i < 6; ++i) params.int8_array(columns[i]);
  params.int2_array(statuses).int8_array(columns[6]).timestamptz_array(columns[7]).bytea_array(bodies);
}

}  // namespace

call_deadline projection_tables::deadline() const { return call_deadline::in("database.statement_timeout", timeout_); }

std::expected<void, pg_error> projection_tables::commit_without_waiting() {
  if (const auto done = connection_.run(without_waiting, {}, deadline()); !done) return std::unexpected(done.error());
  return {};
}

std::expected<journal_position, pg_error> projection_tables::position() {
  const auto rows = connection_.run(read_position, {}, deadline());
  if (!rows) return std::unexpected(rows.error());
  return journal_position{.lineage = rows->text(0, 0),
                          .xid = static_cast<std::uint64_t>(rows->integer(0, 1)),
                          .hotel = {static_cast<std::uint64_t>(rows->integer(0, 2))},
                          .first_seq = static_cast<std::uint64_t>(rows->integer(0, 3))};
}

std::expected<void, pg_error> projection_tables::add_known(std::span<const hotel_id> hotels, known_sequences& known) {
  const auto rows = connection_.run(read_known, pg_params{}.int8_array(ids_of(hotels)), deadline());
  if (!rows) return std::unexpected(rows.error());
  for (const auto h : hotels) known.emplace(h, 0);
  for (int i = 0; i < rows->rows(); ++i)
    known[{static_cast<std::uint64_t>(rows->integer(i, 0))}] = static_cast<std::uint64_t>(rows->integer(i, 1));
  return {};
}

std::expected<bool, pg_error> projection_tables::write(const projection_fold& fold, const journal_position& from,
                                                       const journal_position& to) {
  pg_params params;
  add_position(params, from);
  add_position(params, to);
  add_sequences(params, fold);
  add_hotels(params, fold);
  add_reservations(params, fold);
  const auto rows = connection_.run(write_batch, params, deadline());
  if (!rows) return std::unexpected(rows.error());
  return rows->integer(0, 0) == 1;
}

std::expected<std::vector<hotel_ends>, pg_error> projection_tables::ends(std::span<const hotel_id> hotels) {
  const auto rows = connection_.run(read_ends, pg_params{}.int8_array(ids_of(hotels)), deadline());
  if (!rows) return std::unexpected(rows.error());
  std::vector<hotel_ends> found;
  for (int i = 0; i < rows->rows(); ++i)
    found.push_back({.hotel = {static_cast<std::uint64_t>(rows->integer(i, 0))},
                     .journal = static_cast<std::uint64_t>(rows->integer(i, 1)),
                     .projected = static_cast<std::uint64_t>(rows->integer(i, 2))});
  return found;
}

std::expected<std::vector<hotel_id>, pg_error> projection_tables::projected_above(std::optional<hotel_id> above,
                                                                                  int limit) {
  const auto from = above ? to_pg(above->value) : std::int64_t{-1};
  const auto rows = connection_.run(read_projected, pg_params{}.int8(from).int8(std::int64_t{limit}), deadline());
  if (!rows) return std::unexpected(rows.error());
  std::vector<hotel_id> found;
  for (int i = 0; i < rows->rows(); ++i) found.push_back({static_cast<std::uint64_t>(rows->integer(i, 0))});
  return found;
}

std::expected<bool, pg_error> projection_tables::forget(std::span<const hotel_id> hotels, const journal_position& at) {
  pg_params params;
  add_position(params, at);
  params.int8_array(ids_of(hotels));
  const auto rows = connection_.run(forget_hotels, params, deadline());
  if (!rows) return std::unexpected(rows.error());
  return rows->integer(0, 0) == 1;
}

}  // namespace keyrack::persistence
