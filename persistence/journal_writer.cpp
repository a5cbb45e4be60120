// The SQL of a journal slot. Reasons stand beside each statement; the rules behind them are architecture §5.
#include "persistence/journal_writer.hpp"

#include "actors/domain/assert.hpp"
#include "actors/domain/shard.hpp"

#include <string_view>
#include <unordered_map>

namespace keyrack::persistence {

namespace {

// FOR SHARE conflicts with the fence's UPDATE (FOR KEY SHARE would not): they wait for each other. Zero rows in all:
// fenced. A row without a hotel: `me` is there, and nothing was inserted.
constexpr pg_statement sql_append{.name = "append", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE),
  inserted AS (
    INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload)
    SELECT c.hotel_id, c.first_seq, c.last_seq, c.shard, me.incarnation, clock_timestamp(), c.payload
      FROM me, unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::bytea[])
               AS c(hotel_id, first_seq, last_seq, shard, payload)
    ON CONFLICT DO NOTHING
    RETURNING hotel_id)
  SELECT inserted.hotel_id FROM me LEFT JOIN inserted ON true
)sql"};

// The same with people, in the same transaction, and only those of hotels whose commit went in.
constexpr pg_statement sql_append_with_people{.name = "append_with_people", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE),
  inserted AS (
    INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload)
    SELECT c.hotel_id, c.first_seq, c.last_seq, c.shard, me.incarnation, clock_timestamp(), c.payload
      FROM me, unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::bytea[])
               AS c(hotel_id, first_seq, last_seq, shard, payload)
    ON CONFLICT DO NOTHING
    RETURNING hotel_id),
  new_guests AS (
    INSERT INTO guests (guest_high, guest_low, hotel_id, name, email, phone, version, created_at, updated_at)
    SELECT g.high, g.low, g.hotel_id, g.name, g.email, g.phone, 1, g.at, g.at
      FROM unnest($8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::timestamptz[])
           AS g(hotel_id, high, low, name, email, phone, at)
      JOIN inserted USING (hotel_id)
    ON CONFLICT DO NOTHING),
  new_notes AS (
    INSERT INTO reservation_notes (hotel_id, number, guest_high, guest_low, notes)
    SELECT n.hotel_id, n.number, n.high, n.low, n.notes
      FROM unnest($15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::text[])
           AS n(hotel_id, number, high, low, notes)
      JOIN inserted USING (hotel_id)
    ON CONFLICT DO NOTHING)
  SELECT inserted.hotel_id FROM me LEFT JOIN inserted ON true
)sql"};

// A backend that is gone between the look and the signal is a warning, and what was wanted. Names are per database:
// each has incarnations of its own.
constexpr pg_statement sql_end_namesakes{.name = "end_namesakes",
                                         .sql = R"sql(
  SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
   WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()
)sql",
                                         .tolerates_warnings = true};

// Always writes, fenced or not: a synchronous commit of this session proves that what it can see is durable.
constexpr pg_statement sql_enlist{.name = "enlist", .sql = R"sql(
  UPDATE writers SET backend = pg_backend_pid() WHERE incarnation = $1 AND slot = $2
  RETURNING fenced_at IS NULL,
            set_config('synchronous_commit',
                       CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
                       false)
)sql"};

// Someone else's row under one's own key is not one's own, and neither is an earlier commit of this incarnation there.
constexpr pg_statement sql_look{.name = "look", .sql = R"sql(
  SELECT c.hotel_id IS NOT NULL,
         coalesce(c.writer = $1 AND c.last_seq = k.last_seq AND c.payload = k.payload, false)
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])
         WITH ORDINALITY AS k(hotel_id, first_seq, last_seq, payload, place)
    LEFT JOIN commits c ON c.hotel_id = k.hotel_id AND c.first_seq = k.first_seq
   ORDER BY k.place
)sql"};

std::int64_t signed_bits(std::uint64_t value) { return static_cast<std::int64_t>(value); }

/// $1 … $7.
pg_params commit_params(writer_id me, std::span<const queued_commit> batch) {
  std::vector<std::int64_t> hotels;
  std::vector<std::int64_t> firsts;
  std::vector<std::int64_t> lasts;
  std::vector<std::int16_t> shards;
  std::vector<std::string_view> payloads;
  for (const auto& c : batch) {
    hotels.push_back(signed_bits(c.what->hotel.value));
    firsts.push_back(signed_bits(c.what->first_seq()));
    lasts.push_back(signed_bits(c.what->last_seq()));
    shards.push_back(shard_of(c.what->hotel));
    payloads.push_back(c.payload);
  }
  pg_params p;
  p.int8(me.incarnation).int2(me.slot);
  p.int8_array(hotels).int8_array(firsts).int8_array(lasts).int2_array(shards).bytea_array(payloads);
  return p;
}

struct people_columns {
  std::vector<std::int64_t> hotel, high, low, at;
  std::vector<std::string_view> name, email, phone;
};
struct notes_columns {
  std::vector<std::int64_t> hotel, number, high, low;
  std::vector<std::string_view> notes;
};

/// $8 … $19.
void add_people(pg_params& p, std::span<const queued_commit> batch) {
  people_columns guests;
  notes_columns notes;
  for (const auto& c : batch) {
    KEYRACK_ASSERT(c.what->personal.size() == c.what->notes_of.size());
    const auto hotel = signed_bits(c.what->hotel.value);
    for (std::size_t i = 0; i < c.what->personal.size(); ++i) {
      const auto& person = c.what->personal[i];
      if (person.new_guest) {
        guests.hotel.push_back(hotel);
        guests.high.push_back(signed_bits(person.guest.high));
        guests.low.push_back(signed_bits(person.guest.low));
        guests.at.push_back(to_pg_microseconds(c.what->events.back().at));
        guests.name.push_back(person.name);
        guests.email.push_back(person.email);
        guests.phone.push_back(person.phone);
      }
      if (!person.notes.empty()) {
        notes.hotel.push_back(hotel);
        notes.number.push_back(signed_bits(c.what->notes_of[i].value));
        notes.high.push_back(signed_bits(person.guest.high));
        notes.low.push_back(signed_bits(person.guest.low));
        notes.notes.push_back(person.notes);
      }
    }
  }
  p.int8_array(guests.hotel).int8_array(guests.high).int8_array(guests.low);
  p.text_array(guests.name).text_array(guests.email).text_array(guests.phone).timestamptz_array(guests.at);
  p.int8_array(notes.hotel).int8_array(notes.number).int8_array(notes.high).int8_array(notes.low);
  p.text_array(notes.notes);
}

bool has_people(std::span<const queued_commit> batch) {
  for (const auto& c : batch) {
    if (!c.what->personal.empty()) return true;
  }
  return false;
}

}  // namespace

std::expected<append_outcome, pg_error> append_commits(pg_connection& connection, writer_id me,
                                                       std::span<const queued_commit> batch, call_deadline deadline) {
  const bool people = has_people(batch);
  auto params = commit_params(me, batch);
  if (people) add_people(params, batch);
  const auto rows = connection.run(people ? sql_append_with_people : sql_append, params, deadline);
  if (!rows) return std::unexpected(rows.error());

  append_outcome outcome;
  outcome.fenced = rows->rows() == 0;
  outcome.inserted.assign(batch.size(), false);
  std::unordered_map<std::int64_t, std::size_t> place;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const bool once = place.emplace(signed_bits(batch[i].what->hotel.value), i).second;
    KEYRACK_ASSERT(once);
  }
  for (int row = 0; row < rows->rows(); ++row) {
    if (!rows->is_null(row, 0)) outcome.inserted[place.at(rows->integer(row, 0))] = true;
  }
  return outcome;
}

std::expected<bool, pg_error> end_namesakes(pg_connection& connection, const std::string& name,
                                            call_deadline deadline) {
  const auto rows = connection.run(sql_end_namesakes, pg_params{}.text(name), deadline);
  if (!rows) return std::unexpected(rows.error());
  return rows->integer(0, 0) == 0;
}

std::expected<bool, pg_error> enlist_writer(pg_connection& connection, writer_id me, call_deadline deadline) {
  const auto rows = connection.run(sql_enlist, pg_params{}.int8(me.incarnation).int2(me.slot), deadline);
  if (!rows) return std::unexpected(rows.error());
  return rows->rows() == 1 && rows->boolean(0, 0);
}

std::expected<std::vector<found_commit>, pg_error>
look_for(pg_connection& connection, writer_id me, std::span<const queued_commit> batch, call_deadline deadline) {
  std::vector<std::int64_t> hotels;
  std::vector<std::int64_t> firsts;
  std::vector<std::int64_t> lasts;
  std::vector<std::string_view> payloads;
  for (const auto& c : batch) {
    hotels.push_back(signed_bits(c.what->hotel.value));
    firsts.push_back(signed_bits(c.what->first_seq()));
    lasts.push_back(signed_bits(c.what->last_seq()));
    payloads.push_back(c.payload);
  }
  pg_params params;
  params.int8(me.incarnation).int8_array(hotels).int8_array(firsts).int8_array(lasts).bytea_array(payloads);
  const auto rows = connection.run(sql_look, params, deadline);
  if (!rows) return std::unexpected(rows.error());
  KEYRACK_ASSERT(rows->rows() == static_cast<int>(batch.size()));
  std::vector<found_commit> found;
  for (int row = 0; row < rows->rows(); ++row) {
    found.push_back(!rows->boolean(row, 0)  ? found_commit::absent
                    : rows->boolean(row, 1) ? found_commit::mine
                                            : found_commit::foreign);
  }
  return found;
}

}  // namespace keyrack::persistence
