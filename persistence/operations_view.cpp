#include "persistence/operations_view.hpp"

#include "persistence/cluster_reader.hpp"

#include <algorithm>

namespace keyrack::persistence {

namespace {

// `writers` remembers every node that ever was there, and how its last life ended.
constexpr pg_statement sql_absent{.name = "absent_nodes", .sql = R"sql(
  SELECT k.node, coalesce(w.weight, 100), coalesce(w.drained, false),
         (SELECT count(*) FROM pins p WHERE p.node = k.node), l.fenced_at, coalesce(l.fenced_for, '')
    FROM (SELECT node FROM wishes UNION SELECT node FROM pins UNION SELECT node FROM writers) k
         LEFT JOIN wishes w USING (node)
         LEFT JOIN LATERAL (SELECT x.fenced_at, x.fenced_for FROM writers x
                             WHERE x.node = k.node ORDER BY x.incarnation DESC LIMIT 1) l ON true
   WHERE NOT EXISTS (SELECT FROM nodes n WHERE n.node = k.node)
   ORDER BY k.node LIMIT 1000
)sql"};

// In one statement: a shard's target and its open move are written in one, and read a moment apart they contradict each
// other. A shard has one move under way at most, and one asked for.
constexpr pg_statement sql_shards_and_moves{
    .name = "shards_and_moves",
    .sql = "SELECT m.*, s.shard, coalesce(s.owner, 0), coalesce(s.target, 0), s.version, s.after_fence "
           "  FROM shards s LEFT JOIN (SELECT " KEYRACK_MOVE_COLUMNS
           "                             FROM moves WHERE ended_at IS NULL) m ON m.shard = s.shard "
           " ORDER BY m.id, s.shard"};

// Counting many hotels takes longer than an operator's patience: the planner's estimate will do.
constexpr pg_statement sql_pace{.name = "move_pace", .sql = R"sql(
  SELECT clock_timestamp(),
         (SELECT CASE WHEN c.reltuples >= 10000 THEN c.reltuples::bigint
                      ELSE (SELECT count(*) FROM hotels_list WHERE NOT removed) END
            FROM pg_class c WHERE c.oid = 'hotels_list'::regclass),
         (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY m.took)
            FROM (SELECT (extract(epoch FROM ended_at - begun_at) * 1000)::bigint AS took
                    FROM moves WHERE outcome = 'moved' ORDER BY id DESC LIMIT 200) m)
)sql"};

constexpr pg_statement sql_beats{.name = "beat_ages", .sql = R"sql(
  SELECT incarnation, started_at, (extract(epoch FROM clock_timestamp() - beat_at) * 1000)::bigint FROM nodes
)sql"};

std::optional<instant> instant_or_nothing(const pg_rows& rows, int row, int column) {
  return rows.is_null(row, column) ? std::nullopt : std::optional{rows.timestamptz(row, column)};
}

}  // namespace

move_row move_of(const pg_rows& rows, int row) {
  return {.id = rows.integer(row, 0),
          .shard = static_cast<shard_id>(rows.integer(row, 1)),
          .from = rows.text(row, 2),
          .to = rows.text(row, 3),
          .reason = rows.text(row, 4),
          .outcome = rows.text(row, 5),
          .detail = rows.text(row, 6),
          .asked_at = rows.timestamptz(row, 7),
          .begun_at = instant_or_nothing(rows, row, 8),
          .ended_at = instant_or_nothing(rows, row, 9)};
}

std::expected<operators_view, pg_error> read_operators_view(pg_connection& c, call_deadline deadline) {
  operators_view seen;
  cluster_reader reader;
  auto rows = reader.read(c, deadline);
  if (!rows) return std::unexpected(rows.error());
  seen.rows = std::move(*rows);
  const auto absent = c.run(sql_absent, {}, deadline);
  if (!absent) return std::unexpected(absent.error());
  for (int row = 0; row < absent->rows(); ++row) {
    seen.absent.push_back({.name = absent->text(row, 0),
                           .weight = static_cast<int>(absent->integer(row, 1)),
                           .drained = absent->boolean(row, 2),
                           .pinned = static_cast<int>(absent->integer(row, 3)),
                           .gone_at = instant_or_nothing(*absent, row, 4),
                           .gone_for = absent->text(row, 5)});
  }
  const auto both = c.run(sql_shards_and_moves, {}, deadline);
  if (!both) return std::unexpected(both.error());
  for (int row = 0; row < both->rows(); ++row) {
    seen.rows.shards[static_cast<std::size_t>(both->integer(row, 10))] = {.owner = both->integer(row, 11),
                                                                          .target = both->integer(row, 12),
                                                                          .version = both->integer(row, 13),
                                                                          .after_fence = both->boolean(row, 14)};
    if (!both->is_null(row, 0)) seen.open.push_back(move_of(*both, row));
  }
  return std::expected<operators_view, pg_error>(std::in_place, std::move(seen));
}

std::expected<move_pace, pg_error> read_move_pace(pg_connection& c, call_deadline deadline) {
  const auto rows = c.run(sql_pace, {}, deadline);
  if (!rows) return std::unexpected(rows.error());
  move_pace pace{.now = rows->timestamptz(0, 0), .hotels = rows->integer(0, 1)};
  if (!rows->is_null(0, 2)) pace.each_p50 = std::chrono::milliseconds{rows->integer(0, 2)};
  return std::expected<move_pace, pg_error>(std::in_place, pace);
}

std::expected<void, pg_error> read_beats(pg_connection& c, cluster_status& into, call_deadline deadline) {
  const auto rows = c.run(sql_beats, {}, deadline);
  if (!rows) return std::unexpected(rows.error());
  for (int row = 0; row < rows->rows(); ++row) {
    for (auto& n : into.nodes) {
      if (n.row.incarnation != rows->integer(row, 0)) continue;
      n.started_at = rows->timestamptz(row, 1);
      n.beat_age = std::chrono::milliseconds{std::max<std::int64_t>(0, rows->integer(row, 2))};
    }
  }
  return {};
}

move_cost cost_of(int shards, const move_pace& pace, const move_planner& planner) {
  return {.shards = shards,
          .hotels = pace.hotels * shards / shards_count,
          .at_a_time = planner.at_a_time,
          .each_p50 = pace.each_p50};
}

}  // namespace keyrack::persistence
