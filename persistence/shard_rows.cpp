#include "persistence/shard_rows.hpp"

#include "actors/domain/assert.hpp"

namespace keyrack::persistence {

namespace {

// Rows are locked in their order, by everybody who changes several, and after the writer's, whose own leaving locks it first:
// else two such statements can wait for each other (left to the planner, they did). The last SELECT sees the rows as they
// were before: one that is not this node's any more was handed over by an earlier attempt.
constexpr pg_statement sql_hand_over{.name = "hand_over", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE),
  asked AS MATERIALIZED (
    SELECT * FROM unnest($3::smallint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS a(shard, version, target, place)),
  locked AS MATERIALIZED (
    SELECT shard FROM shards, me WHERE shard = ANY ($3) ORDER BY shard FOR UPDATE OF shards),
  handed_over AS (
    UPDATE shards s SET owner = a.target, target = NULL, version = s.version + 1, since = clock_timestamp(),
                        after_fence = false
      FROM asked a, me, locked
     WHERE s.shard = a.shard AND s.shard = locked.shard
       AND s.owner = me.incarnation AND s.target = a.target AND s.version = a.version
       AND EXISTS (SELECT FROM nodes n WHERE n.incarnation = a.target)
    RETURNING s.shard),
  ended AS (
    UPDATE moves m SET ended_at = clock_timestamp(), outcome = 'moved'
      FROM handed_over h WHERE m.shard = h.shard AND m.ended_at IS NULL AND m.begun_at IS NOT NULL)
  SELECT h.shard IS NOT NULL OR s.owner IS DISTINCT FROM $1
    FROM asked a JOIN shards s USING (shard) LEFT JOIN handed_over h USING (shard)
   ORDER BY a.place
)sql"};

}  // namespace

std::expected<std::vector<bool>, pg_error>
write_hand_overs(pg_connection& connection, writer_id me, const std::vector<hand_over>& what, call_deadline deadline) {
  std::vector<std::int16_t> shards;
  std::vector<std::int64_t> versions;
  std::vector<std::int64_t> targets;
  for (const auto& h : what) {
    shards.push_back(h.shard);
    versions.push_back(h.version);
    targets.push_back(h.target);
  }
  pg_params params;
  params.int8(me.incarnation).int2(me.slot).int2_array(shards).int8_array(versions).int8_array(targets);
  const auto rows = connection.run(sql_hand_over, params, deadline);
  if (!rows) return std::unexpected(rows.error());
  KEYRACK_ASSERT(rows->rows() == static_cast<int>(what.size()));
  std::vector<bool> done;
  for (int row = 0; row < rows->rows(); ++row) done.push_back(rows->boolean(row, 0));
  return done;
}

}  // namespace keyrack::persistence
