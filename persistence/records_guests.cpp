#include "persistence/records_guests.hpp"

#include <fmt/format.h>

namespace keyrack::persistence {
namespace {

constexpr pg_statement select_guest{"find_guest", R"sql(
  SELECT name, email, phone, version, created_at, updated_at, erased_at IS NOT NULL
    FROM guests WHERE guest_high = $1 AND guest_low = $2
)sql"};

// Nobody becomes a person again: an erased row is not written to.
constexpr pg_statement update_guest{"change_guest", R"sql(
  UPDATE guests
     SET name = coalesce($3, name), email = coalesce($4, email), phone = coalesce($5, phone),
         version = version + 1, updated_at = clock_timestamp()
   WHERE guest_high = $1 AND guest_low = $2 AND erased_at IS NULL AND ($6::text IS NULL OR version = $6::bigint)
  RETURNING name, email, phone, version, created_at, updated_at, false
)sql"};

// Notes go with the person, also those that were written for one who had been erased already.
constexpr pg_statement empty_guest{"erase_guest", R"sql(
  WITH erased AS (
    UPDATE guests
       SET name = '', email = '', phone = '', version = version + 1,
           updated_at = clock_timestamp(), erased_at = clock_timestamp()
     WHERE guest_high = $1 AND guest_low = $2 AND erased_at IS NULL AND ($3::text IS NULL OR version = $3::bigint)
    RETURNING name, email, phone, version, created_at, updated_at),
  notes AS (
    DELETE FROM reservation_notes
     WHERE guest_high = $1 AND guest_low = $2
       AND (EXISTS (SELECT FROM erased)
            OR EXISTS (SELECT FROM guests WHERE guest_high = $1 AND guest_low = $2 AND erased_at IS NOT NULL)))
  SELECT name, email, phone, version, created_at, updated_at, true FROM erased
)sql"};

// Most guests of a hotel came to Keyrack there. Of those who came elsewhere first the ones with its latest reservations are
// looked at: that bounds the work.
constexpr pg_statement guests_named{"find_guests_by_name", R"sql(
  (SELECT guest_high, guest_low FROM guests
    WHERE hotel_id = $1 AND position(lower($2) IN lower(name)) > 0
    LIMIT 1000)
  UNION
  (SELECT g.guest_high, g.guest_low
     FROM (SELECT DISTINCT guest_high, guest_low
             FROM (SELECT guest_high, guest_low FROM guest_reservations
                    WHERE hotel_id = $1 ORDER BY number DESC LIMIT 20000) latest) r
     JOIN guests g USING (guest_high, guest_low)
    WHERE g.hotel_id <> $1 AND position(lower($2) IN lower(g.name)) > 0
    LIMIT 1000)
  LIMIT 1000
)sql"};

constexpr pg_statement select_notes{"find_notes", R"sql(
  SELECT notes FROM reservation_notes WHERE hotel_id = $1 AND number = $2
)sql"};

pg_params of(guest_id id) { return pg_params{}.int8(id.high).int8(id.low); }

std::optional<std::string> digits(std::optional<std::uint64_t> version) {
  return version ? std::optional{fmt::to_string(*version)} : std::nullopt;
}

guest_record guest_of(const pg_rows& rows, guest_id id) {
  return {.id = id,
          .name = rows.text(0, 0),
          .email = rows.text(0, 1),
          .phone = rows.text(0, 2),
          .version = static_cast<std::uint64_t>(rows.integer(0, 3)),
          .created_at = rows.timestamptz(0, 4),
          .updated_at = rows.timestamptz(0, 5),
          .erased = rows.boolean(0, 6)};
}

failure refused(errc code) { return {.code = code, .outcome = outcome::not_applied, .detail = {}}; }

}  // namespace

looked_up<guest_record> find_guest(pg_connection& c, guest_id id, call_deadline deadline) {
  const auto rows = c.run(select_guest, of(id), deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows() == 0) return refused(errc::guest_unknown);
  return guest_of(*rows, id);
}

looked_up<guest_record> change_guest(pg_connection& c, guest_id id, const guest_change& change,
                                     std::optional<std::uint64_t> if_match, call_deadline deadline) {
  auto params = of(id);
  params.text_or_null(change.name).text_or_null(change.email).text_or_null(change.phone).text_or_null(digits(if_match));
  const auto rows = c.run(update_guest, params, deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows() == 1) return guest_of(*rows, id);
  auto now = find_guest(c, id, deadline);
  if (!now || std::holds_alternative<failure>(*now)) return now;
  return refused(std::get<guest_record>(*now).erased ? errc::guest_unknown : errc::version_conflict);
}

looked_up<guest_record> erase_guest(pg_connection& c, guest_id id, std::optional<std::uint64_t> if_match,
                                    call_deadline deadline) {
  auto params = of(id);
  params.text_or_null(digits(if_match));
  const auto rows = c.run(empty_guest, params, deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows() == 1) return guest_of(*rows, id);
  auto now = find_guest(c, id, deadline);
  if (!now || std::holds_alternative<failure>(*now)) return now;
  if (!std::get<guest_record>(*now).erased) return refused(errc::version_conflict);
  return now;  // erased before: nothing has changed
}

looked_up<std::vector<guest_id>> find_guests_by_name(pg_connection& c, hotel_id hotel, const std::string& part,
                                                     call_deadline deadline) {
  const auto rows = c.run(guests_named, pg_params{}.int8(hotel.value).text(part), deadline);
  if (!rows) return std::unexpected(rows.error());
  std::vector<guest_id> found;
  for (int i = 0; i < rows->rows(); ++i)
    found.push_back({static_cast<std::uint64_t>(rows->integer(i, 0)), static_cast<std::uint64_t>(rows->integer(i, 1))});
  return found;
}

looked_up<std::string> find_notes(pg_connection& c, reservation_id id, call_deadline deadline) {
  const auto rows = c.run(select_notes, pg_params{}.int8(id.hotel.value).int8(id.number.value), deadline);
  if (!rows) return std::unexpected(rows.error());
  return rows->rows() == 0 ? std::string{} : rows->text(0, 0);
}

}  // namespace keyrack::persistence
