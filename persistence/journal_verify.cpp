#include "persistence/journal_verify.hpp"

#include "actors/domain/hotel/evolve.hpp"
#include "actors/ports.hpp"
#include "persistence/codec.hpp"
#include "persistence/verify_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace keyrack::persistence {

namespace {

constexpr int commits_per_piece = 500;
constexpr auto statement_time = std::chrono::seconds{60};

constexpr pg_statement sql_next_hotel{
    .name = "verify_next_hotel",
    .sql = "SELECT hotel_id FROM commits WHERE hotel_id > $1 ORDER BY hotel_id LIMIT 1",
};
// A commit that stands after its writer's fence has a date after it: the fence waited for the append under way.
constexpr pg_statement sql_commits{.name = "verify_commits", .sql = R"sql(
  SELECT c.first_seq, c.last_seq, c.writer, c.payload, w.incarnation IS NULL, coalesce(c.at > w.fenced_at, false)
    FROM (SELECT * FROM commits WHERE hotel_id = $1 AND first_seq > $2 ORDER BY first_seq LIMIT $3) c
    LEFT JOIN (SELECT incarnation, min(fenced_at) AS fenced_at FROM writers GROUP BY incarnation) w
           ON w.incarnation = c.writer
   ORDER BY c.first_seq
)sql"};
constexpr pg_statement sql_snapshot{
    .name = "verify_snapshot",
    .sql = "SELECT seq, payload FROM snapshots WHERE hotel_id = $1",
};
constexpr pg_statement sql_people{.name = "verify_people", .sql = R"sql(
  SELECT count(*) FROM unnest($1::bigint[], $2::bigint[]) AS p(high, low)
   WHERE NOT EXISTS (SELECT FROM guests g WHERE g.guest_high = p.high AND g.guest_low = p.low)
)sql"};
constexpr pg_statement sql_projected{.name = "verify_projected", .sql = R"sql(
  SELECT number, last_seq, body FROM guest_reservations WHERE hotel_id = $1 AND number > $2 ORDER BY number LIMIT $3
)sql"};

/// One hotel, read from its first commit to its last.
class hotel_audit {
public:
  hotel_audit(pg_connection& connection, hotel_id hotel, journal_report& report)
      : connection_(connection), hotel_(hotel), report_(report) {
    replay_.id = hotel;
  }

  std::expected<void, pg_error> run() {
    if (auto read = read_snapshot(); !read) return read;
    if (auto read = read_commits(); !read) return read;
    if (snapshot_seq_ > seq_)
      found(fmt::format("its snapshot is of event {}, and the journal ends at {}", snapshot_seq_, seq_));
    if (auto read = compare_people(); !read) return read;
    if (auto read = compare_projection(); !read) return read;
    ++report_.hotels;
    report_.reservations += model_.reservations();
    return {};
  }

private:
  static call_deadline soon() { return call_deadline::in("verify", statement_time); }

  void found(std::string what) {
    if (report_.findings.size() < journal_report::findings_max) {
      report_.findings.push_back({hotel_, std::move(what)});
    } else {
      report_.truncated = true;
    }
  }

  std::expected<void, pg_error> read_snapshot() {
    const auto rows = connection_.run(sql_snapshot, pg_params{}.int8(hotel_.value), soon());
    if (!rows) return std::unexpected{rows.error()};
    if (rows->rows() == 0) return {};
    snapshot_seq_ = static_cast<std::uint64_t>(rows->integer(0, 0));
    snapshot_ = rows->text(0, 1);
    return {};
  }

  std::expected<void, pg_error> read_commits() {
    std::uint64_t after = 0;
    for (;;) {
      const auto rows =
          connection_.run(sql_commits, pg_params{}.int8(hotel_.value).int8(after).int4(commits_per_piece), soon());
      if (!rows) return std::unexpected{rows.error()};
      for (int row = 0; row < rows->rows(); ++row) {
        after = static_cast<std::uint64_t>(rows->integer(row, 0));
        take_commit(*rows, row);
      }
      if (rows->rows() < commits_per_piece) return {};
    }
  }

  void take_commit(const pg_rows& rows, int row) {
    const auto first = static_cast<std::uint64_t>(rows.integer(row, 0));
    const auto last = static_cast<std::uint64_t>(rows.integer(row, 1));
    ++report_.commits;
    if (first != seq_ + 1) {
      found(
          fmt::format("{} between event {} and the commit at {}", first > seq_ + 1 ? "a gap" : "a fork", seq_, first));
    }
    if (rows.boolean(row, 4))
      found(fmt::format("the commit at {} is of writer {}, which nobody knows", first, rows.integer(row, 2)));
    if (rows.boolean(row, 5)) found(fmt::format("the commit at {} was written after its writer was fenced", first));
    seq_ = last;
    const auto events = decode_commit(rows.bytes(row, 3), first, last);
    if (!events) return found(fmt::format("the commit at {} cannot be read: {}", first, events.error()));
    for (const auto& e : *events) take_event(e);
  }

  void take_event(const event& e) {
    ++report_.events;
    std::vector<std::string> broken;
    model_.apply(e, broken);
    for (auto& sentence : broken) found(std::move(sentence));
    if (const auto* r = std::get_if<reservation_event>(&e.body)) {
      latest_[r->after.number.value] = r->after;
      if (r->step == reservation_step::rooms_held) people_.insert(r->after.guest);
    }
    replayable_ = replayable_ && broken.empty() && e.seq == replay_.seq + 1;
    if (!replayable_ || replay_.seq >= snapshot_seq_) return;
    evolve(replay_, e);
    if (replay_.seq != snapshot_seq_) return;
    ++report_.snapshots;
    if (encode_snapshot(replay_) != snapshot_)
      found(fmt::format("its snapshot of event {} differs from a replay", e.seq));
  }

  std::expected<void, pg_error> compare_people() {
    std::vector<std::int64_t> high;
    std::vector<std::int64_t> low;
    for (const auto& guest : people_) {
      high.push_back(static_cast<std::int64_t>(guest.high));
      low.push_back(static_cast<std::int64_t>(guest.low));
    }
    const auto rows = connection_.run(sql_people, pg_params{}.int8_array(high).int8_array(low), soon());
    if (!rows) return std::unexpected{rows.error()};
    if (const auto missing = rows->integer(0, 0); missing > 0) found(fmt::format("{} guests have no record", missing));
    return {};
  }

  // The projection may be behind; what it has must be what the journal said at that point.
  std::expected<void, pg_error> compare_projection() {
    std::int64_t after = 0;
    for (;;) {
      const auto rows =
          connection_.run(sql_projected, pg_params{}.int8(hotel_.value).int8(after).int4(commits_per_piece), soon());
      if (!rows) return std::unexpected{rows.error()};
      for (int row = 0; row < rows->rows(); ++row) {
        after = rows->integer(row, 0);
        compare_row(after, static_cast<std::uint64_t>(rows->integer(row, 1)), rows->bytes(row, 2));
      }
      if (rows->rows() < commits_per_piece) return {};
    }
  }

  void compare_row(std::int64_t number, std::uint64_t last_seq, std::string_view body) {
    ++report_.projected;
    const auto known = latest_.find(static_cast<std::uint64_t>(number));
    if (known == latest_.end())
      return found(fmt::format("the projection knows reservation {}, the journal does not", number));
    if (last_seq < known->second.version) return;  // behind
    if (last_seq > known->second.version || body != encode_reservation(known->second)) {
      found(fmt::format("the projection of reservation {} differs from event {}", number, known->second.version));
    }
  }

  pg_connection& connection_;
  const hotel_id hotel_;
  journal_report& report_;
  verify_model model_;
  hotel_state replay_;  // by evolve, up to the snapshot only
  bool replayable_ = true;
  std::uint64_t seq_ = 0;
  std::uint64_t snapshot_seq_ = 0;
  std::string snapshot_;
  std::map<std::uint64_t, reservation> latest_;
  std::set<guest_id> people_;
};

}  // namespace

std::expected<journal_report, std::string> verify_journal(const database_settings& database,
                                                          std::optional<hotel_id> only,
                                                          const std::function<void(const journal_report&)>& progress) {
  auto connection = pg_connection::connect(database, "keyrack/verify",
                                           call_deadline::in("database.connect_timeout", database.connect_timeout));
  if (!connection) return std::unexpected{connection.error().message};
  journal_report report;
  std::uint64_t last = only ? only->value - 1 : 0;
  for (;;) {
    const auto next =
        connection->run(sql_next_hotel, pg_params{}.int8(last), call_deadline::in("verify", statement_time));
    if (!next) return std::unexpected{next.error().message};
    if (next->rows() == 0) break;
    last = static_cast<std::uint64_t>(next->integer(0, 0));
    if (only && last != only->value) break;
    if (auto audited = hotel_audit{*connection, {last}, report}.run(); !audited)
      return std::unexpected{audited.error().message};
    progress(report);
    if (only) break;
  }
  if (only && report.hotels == 0) return std::unexpected{fmt::format("the journal has no hotel {}", to_text(*only))};
  return report;
}

}  // namespace keyrack::persistence
