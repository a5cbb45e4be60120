#include "persistence/records_reservations.hpp"

#include "persistence/codec.hpp"

#include <fmt/format.h>

#include <limits>
#include <string>

namespace keyrack::persistence {
namespace {

// All that was committed before the statement came, or before the first commit that the projection has not seen was even
// written: nobody promises the order of the few first ones, so the earliest of them counts. One row at least, for the
// instant.
#define KEYRACK_COMPLETE_UP_TO                                                                                         \
  "(SELECT least(statement_timestamp(), (SELECT min(u.at) FROM (SELECT c.at FROM commits c"                            \
  " WHERE (c.xid, c.hotel_id, c.first_seq) > (p.xid, p.hotel_id, p.first_seq)"                                         \
  " ORDER BY c.xid, c.hotel_id, c.first_seq LIMIT 100) u)) AS complete FROM projection_position p) s"

constexpr pg_statement coming_of_guest{"reservations_of_guest",
                                       "SELECT s.complete, r.hotel_id, r.body FROM " KEYRACK_COMPLETE_UP_TO R"sql(
  LEFT JOIN LATERAL (
    SELECT check_in, hotel_id, number, body FROM guest_reservations
     WHERE guest_high = $1 AND guest_low = $2 AND check_out >= date '1970-01-01' + $3
       AND (check_in, hotel_id, number) > (date '1970-01-01' + $4, $5::bigint, $6::bigint)
     ORDER BY check_in, hotel_id, number
     LIMIT $7) r ON true
   ORDER BY r.check_in, r.hotel_id, r.number
)sql"};

constexpr pg_statement past_of_guest{"past_reservations_of_guest",
                                     "SELECT s.complete, r.hotel_id, r.body FROM " KEYRACK_COMPLETE_UP_TO R"sql(
  LEFT JOIN LATERAL (
    SELECT check_in, hotel_id, number, body FROM guest_reservations
     WHERE guest_high = $1 AND guest_low = $2 AND check_out < date '1970-01-01' + $3
       AND (check_in < date '1970-01-01' + $4
            OR (check_in = date '1970-01-01' + $4 AND (hotel_id, number) > ($5::bigint, $6::bigint)))
     ORDER BY check_in DESC, hotel_id, number
     LIMIT $7) r ON true
   ORDER BY r.check_in DESC, r.hotel_id, r.number
)sql"};

constexpr pg_statement hotels_after{
    "hotels_list",
    "SELECT s.complete, h.hotel_id, h.profile, h.version, h.created_at, h.updated_at FROM " KEYRACK_COMPLETE_UP_TO
    R"sql(
  LEFT JOIN LATERAL (
    SELECT * FROM hotels_list WHERE hotel_id > $1::bigint AND NOT removed ORDER BY hotel_id LIMIT $2) h ON true
   ORDER BY h.hotel_id
)sql"};

constexpr pg_statement projected{"projected_reservation", R"sql(
  SELECT body, last_seq FROM guest_reservations WHERE hotel_id = $1 AND number = $2
)sql"};

constexpr pg_statement commits_down{"commits_downwards", R"sql(
  SELECT first_seq, last_seq, payload FROM commits
   WHERE hotel_id = $1 AND first_seq < $2::bigint AND last_seq > $3::bigint
   ORDER BY first_seq DESC
   LIMIT 100
)sql"};

constexpr pg_statement commit_with{"commit_with_event", R"sql(
  SELECT first_seq, last_seq, payload FROM commits
   WHERE hotel_id = $1 AND first_seq <= $2::bigint
   ORDER BY first_seq DESC
   LIMIT 1
)sql"};

constexpr std::int32_t date_days_past_end = 2'932'897;  // after 9999-12-31

failure refused(errc code) { return {.code = code, .outcome = outcome::not_applied, .detail = {}}; }

/// Bytes of our own that cannot be read: the question has no answer, the connection is well.
failure unreadable(const std::string& where, const std::string& why) {
  return {.code = errc::unavailable, .outcome = outcome::not_applied, .detail = fmt::format("{}: {}", where, why)};
}

std::uint64_t number_at(const pg_rows& rows, int row, int column) {
  return static_cast<std::uint64_t>(rows.integer(row, column));
}

bool has_ended(reservation_status s) { return !takes_rooms(s); }

const reservation_event* step_of(const event& e, reservation_number number) {
  const auto* body = std::get_if<reservation_event>(&e.body);
  return body != nullptr && body->after.number == number ? body : nullptr;
}

std::expected<std::vector<event>, std::string> events_of(const pg_rows& rows, int row) {
  return decode_commit(rows.bytes(row, 2), number_at(rows, row, 0), number_at(rows, row, 1));
}

/// The last state of the reservation in the journal after `above`, newest commits first.
looked_up<reservation> find_in_journal(pg_connection& c, reservation_id id, std::uint64_t above,
                                       call_deadline deadline) {
  auto below = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (;;) {
    const auto rows = c.run(commits_down, pg_params{}.int8(id.hotel.value).int8(below).int8(above), deadline);
    if (!rows) return std::unexpected(rows.error());
    if (rows->rows() == 0) return refused(errc::reservation_unknown);
    for (int i = 0; i < rows->rows(); ++i) {
      const auto events = events_of(*rows, i);
      if (!events) return unreadable(to_text(id), events.error());
      for (auto e = events->rbegin(); e != events->rend(); ++e) {
        if (const auto* step = step_of(*e, id.number)) return step->after;
      }
    }
    below = number_at(*rows, rows->rows() - 1, 0);
  }
}

}  // namespace

looked_up<page<reservation_row>> list_reservations(pg_connection& c, const reservations_of_guest& q,
                                                   call_deadline deadline) {
  const bool past = q.upcoming.has_value() && !*q.upcoming;
  const std::int32_t ends_from = q.upcoming ? q.today_utc.days : 0;
  const auto after_date = q.after ? q.after->first.days : past ? date_days_past_end : -1;
  const auto after_id = q.after ? q.after->second : reservation_id{};
  const auto rows = c.run(past ? past_of_guest : coming_of_guest,
                          pg_params{}
                              .int8(q.guest.high)
                              .int8(q.guest.low)
                              .int4(ends_from)
                              .int4(after_date)
                              .int8(after_id.hotel.value)
                              .int8(after_id.number.value)
                              .int8(std::int64_t{q.limit} + 1),
                          deadline);
  if (!rows) return std::unexpected(rows.error());
  page<reservation_row> found;
  found.complete_up_to = rows->timestamptz(0, 0);
  for (int i = 0; i < rows->rows() && !rows->is_null(i, 1); ++i) {
    if (i == q.limit) {
      found.more = true;
      break;
    }
    auto value = decode_reservation(rows->bytes(i, 2));
    if (!value) return unreadable(to_text(q.guest), value.error());
    found.rows.push_back({.hotel = {number_at(*rows, i, 1)}, .value = std::move(*value)});
  }
  return found;
}

looked_up<page<hotel_row>> list_hotels(pg_connection& c, std::optional<hotel_id> after, int limit,
                                       call_deadline deadline) {
  const auto above = after ? static_cast<std::int64_t>(after->value) : std::int64_t{-1};
  const auto rows = c.run(hotels_after, pg_params{}.int8(above).int8(std::int64_t{limit} + 1), deadline);
  if (!rows) return std::unexpected(rows.error());
  page<hotel_row> found;
  found.complete_up_to = rows->timestamptz(0, 0);
  for (int i = 0; i < rows->rows() && !rows->is_null(i, 1); ++i) {
    if (i == limit) {
      found.more = true;
      break;
    }
    const hotel_id id{number_at(*rows, i, 1)};
    auto profile = decode_profile(rows->bytes(i, 2));
    if (!profile) return unreadable(to_text(id), profile.error());
    found.rows.push_back({.hotel = id,
                          .profile = std::move(*profile),
                          .version = number_at(*rows, i, 3),
                          .created_at = rows->timestamptz(i, 4),
                          .updated_at = rows->timestamptz(i, 5)});
  }
  return found;
}

looked_up<reservation> find_departed(pg_connection& c, reservation_id id, call_deadline deadline) {
  const auto rows = c.run(projected, pg_params{}.int8(id.hotel.value).int8(id.number.value), deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows() == 0) return find_in_journal(c, id, 0, deadline);
  auto known = decode_reservation(rows->bytes(0, 0));
  if (!known) return unreadable(to_text(id), known.error());
  if (has_ended(known->status)) return std::move(*known);
  auto later = find_in_journal(c, id, number_at(*rows, 0, 1), deadline);
  const auto* none = later ? std::get_if<failure>(&*later) : nullptr;
  if (none != nullptr && none->code == errc::reservation_unknown) return std::move(*known);
  return later;
}

looked_up<std::vector<event>> read_history(pg_connection& c, reservation_id id, std::uint64_t last_seq, int limit,
                                           call_deadline deadline) {
  std::vector<event> history;
  std::vector<event> commit;  // the one that was read last: a reservation's steps are often in one
  for (auto seq = last_seq; seq != 0 && history.size() < static_cast<std::size_t>(limit);) {
    if (commit.empty() || seq < commit.front().seq || seq > commit.back().seq) {
      const auto rows = c.run(commit_with, pg_params{}.int8(id.hotel.value).int8(seq), deadline);
      if (!rows) return std::unexpected(rows.error());
      if (rows->rows() == 0 || number_at(*rows, 0, 1) < seq) return refused(errc::reservation_unknown);
      auto events = events_of(*rows, 0);
      if (!events) return unreadable(to_text(id), events.error());
      commit = std::move(*events);
    }
    const auto& e = commit[seq - commit.front().seq];
    const auto* step = step_of(e, id.number);
    if (step == nullptr) return refused(errc::reservation_unknown);
    history.push_back(e);
    seq = step->previous;  // always below: the codec refuses another
  }
  return history;
}

}  // namespace keyrack::persistence
