#include "persistence/cluster_rows.hpp"

#include "actors/ports.hpp"
#include "persistence/cluster_reader.hpp"
#include "persistence/fence.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_writer.hpp"
#include "persistence/pg_connection.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace keyrack::persistence {

namespace {

// `me` is the fence of whoever writes; it is looked at in every statement that does.
constexpr pg_statement sql_take_role{.name = "take_role", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE)
  UPDATE coordinator SET holder = me.incarnation, term = term + 1, beat = beat + 1 FROM me
   WHERE term = $3 RETURNING term
)sql"};
constexpr pg_statement sql_renew_role{.name = "renew_role", .sql = R"sql(
  UPDATE coordinator SET beat = beat + 1 WHERE holder = $1 AND term = $2
)sql"};
constexpr pg_statement sql_finish_rebalance{.name = "finish_rebalance", .sql = R"sql(
  UPDATE coordinator SET rebalance_asked = false WHERE holder = $1 AND term = $2
)sql"};

constexpr pg_statement sql_remove_node{.name = "remove_node", .sql = R"sql(
  WITH why AS (UPDATE writers SET fenced_for = $2 WHERE incarnation = $1 AND fenced_for = '')
  DELETE FROM nodes WHERE incarnation = $1
)sql"};

// What a coordinator changes is locked in one order: the writer's row, the role, the shards. Each CTE needs the one before it;
// only a lateral subquery is never planned the other way round.
// Only from an owner that may not write any more, whatever the rows of `nodes` say: those of writers are what counts.
constexpr pg_statement sql_give{.name = "give_shards", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE),
  role AS MATERIALIZED (
    SELECT held.term FROM me, LATERAL (
      SELECT term FROM coordinator WHERE holder = me.incarnation AND term = $3 FOR SHARE) AS held),
  asked AS MATERIALIZED (
    SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::bigint[], $7::smallint[]) AS a(shard, version, heir, fenced)),
  locked AS MATERIALIZED (
    SELECT shard FROM shards, me, role WHERE shard = ANY ($4) ORDER BY shard FOR UPDATE OF shards),
  given AS (
    UPDATE shards s SET owner = a.heir, target = NULL, version = s.version + 1, since = clock_timestamp(),
                        after_fence = a.fenced <> 0
      FROM asked a, locked
     WHERE s.shard = a.shard AND s.shard = locked.shard AND s.version = a.version
       AND EXISTS (SELECT FROM nodes n WHERE n.incarnation = a.heir)
       AND (s.owner IS NULL
            OR NOT EXISTS (SELECT FROM writers w WHERE w.incarnation = s.owner AND w.fenced_at IS NULL))
    RETURNING s.shard),
  ended AS (
    UPDATE moves m SET ended_at = clock_timestamp(), outcome = 'called off', detail = 'its owner is gone'
      FROM given g WHERE m.shard = g.shard AND m.ended_at IS NULL AND m.begun_at IS NOT NULL)
  SELECT count(*) FROM given
)sql"};

// Of the moves that have ended as many are kept: they are for people.
constexpr pg_statement sql_begin_moves{.name = "begin_moves", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE),
  role AS MATERIALIZED (
    SELECT held.term FROM me, LATERAL (
      SELECT term FROM coordinator WHERE holder = me.incarnation AND term = $3 FOR SHARE) AS held),
  asked AS MATERIALIZED (
    SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[])
             AS a(shard, version, giver, taker, reason, wish)),
  locked AS MATERIALIZED (
    SELECT shard FROM shards, me, role WHERE shard = ANY ($4) ORDER BY shard FOR UPDATE OF shards),
  begun AS (
    UPDATE shards s SET target = a.taker, version = s.version + 1, since = clock_timestamp()
      FROM asked a, locked
     WHERE s.shard = a.shard AND s.shard = locked.shard AND s.version = a.version AND s.owner = a.giver
       AND s.target IS NULL AND EXISTS (SELECT FROM nodes n WHERE n.incarnation = a.taker)
    RETURNING a.*),
  wished AS (
    UPDATE moves m SET begun_at = clock_timestamp(), outcome = 'moving', from_node = n.node
      FROM begun b JOIN nodes n ON n.incarnation = b.giver WHERE m.id = b.wish),
  planned AS (
    INSERT INTO moves (shard, from_node, to_node, reason, begun_at, outcome)
    SELECT b.shard, g.node, t.node, b.reason, clock_timestamp(), 'moving'
      FROM begun b JOIN nodes g ON g.incarnation = b.giver JOIN nodes t ON t.incarnation = b.taker WHERE b.wish = 0),
  forgotten AS (
    DELETE FROM moves WHERE ended_at IS NOT NULL AND id <= (SELECT max(id) FROM moves) - 10000)
  SELECT count(*) FROM begun
)sql"};

constexpr pg_statement sql_call_off{.name = "call_off_moves", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE),
  role AS MATERIALIZED (
    SELECT held.term FROM me, LATERAL (
      SELECT term FROM coordinator WHERE holder = me.incarnation AND term = $3 FOR SHARE) AS held),
  asked AS MATERIALIZED (SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::text[]) AS a(shard, version, why)),
  locked AS MATERIALIZED (
    SELECT shard FROM shards, me, role WHERE shard = ANY ($4) ORDER BY shard FOR UPDATE OF shards),
  off AS (
    UPDATE shards s SET target = NULL, version = s.version + 1, since = clock_timestamp()
      FROM asked a, locked
     WHERE s.shard = a.shard AND s.shard = locked.shard AND s.version = a.version AND s.target IS NOT NULL
    RETURNING a.*),
  ended AS (
    UPDATE moves m SET ended_at = clock_timestamp(), outcome = 'called off', detail = o.why
      FROM off o WHERE m.shard = o.shard AND m.ended_at IS NULL AND m.begun_at IS NOT NULL)
  SELECT count(*) FROM off
)sql"};

constexpr pg_statement sql_refuse_wishes{.name = "refuse_wishes", .sql = R"sql(
  WITH role AS MATERIALIZED (SELECT term FROM coordinator WHERE holder = $1 AND term = $2 FOR SHARE),
  refused AS (
    UPDATE moves m SET ended_at = clock_timestamp(), outcome = 'refused', detail = a.why
      FROM unnest($3::bigint[], $4::text[]) AS a(id, why), role
     WHERE m.id = a.id AND m.outcome = 'asked'
    RETURNING m.id)
  SELECT count(*) FROM refused
)sql"};

constexpr pg_statement sql_tell_reach{.name = "tell_reach",
                                      .sql = "UPDATE nodes SET reaches = $2 WHERE incarnation = $1"};
constexpr pg_statement sql_tell_leaving{.name = "tell_leaving",
                                        .sql = "UPDATE nodes SET leaving = true WHERE incarnation = $1"};

constexpr auto role_name = "membership";

class pg_cluster_store final : public cluster_store {
public:
  pg_cluster_store(const settings& s, incarnation_id me, server_lineage lineage)
      : database_(s.database),
        me_{.incarnation = me, .slot = writer_rows_of(s.journal).node()},
        lineage_(std::move(lineage)) {}

  result<cluster_rows> read() override {
    if (auto ready = connect(); !ready) return std::unexpected(ready.error());
    auto view = reader_.read(*connection_, deadline());
    if (!view) return failed(view.error());
    return result<cluster_rows>(std::in_place, std::move(*view));
  }

  result<std::int64_t> take_role(const coordinator_row& seen) override {
    if (auto ready = connect(); !ready) return std::unexpected(ready.error());
    // A frozen coordinator may hold its share lock with a statement that nobody ends.
    const auto rows = run_past_locks(*connection_, application_name(seen.holder, role_name), sql_take_role,
                                     pg_params{}.int8(me_.incarnation).int2(me_.slot).int8(seen.term), deadline());
    if (!rows) return failed(rows.error());
    return rows->rows() == 0 ? 0 : rows->integer(0, 0);
  }

  result<bool> renew_role(std::int64_t term) override {
    const auto done = run(sql_renew_role, pg_params{}.int8(me_.incarnation).int8(term));
    if (!done) return std::unexpected(done.error());
    return done->affected() == 1;
  }

  result<void> fence(incarnation_id who, std::string_view reason) override {
    if (auto ready = connect(); !ready) return std::unexpected(ready.error());
    auto fenced = fence_incarnation(*connection_, who, database_.lock_timeout,
                                    call_deadline::in("the time for a fence", 10 * database_.lock_timeout));
    if (!fenced) {
      connection_.reset();
      return fenced;
    }
    // A frozen heartbeat holds no row of `writers`, but may hold that of `nodes`.
    const auto removed = run_past_locks(*connection_, application_name(who, ""), sql_remove_node,
                                        pg_params{}.int8(who).text(reason), deadline());
    return removed ? result<void>{} : failed(removed.error());
  }

  result<int> give(std::int64_t term, const std::vector<gift>& gifts) override {
    std::vector<std::int16_t> shards;
    std::vector<std::int64_t> versions;
    std::vector<std::int64_t> heirs;
    std::vector<std::int16_t> fenced;
    for (const auto& g : gifts) {
      shards.push_back(g.shard);
      versions.push_back(g.version);
      heirs.push_back(g.to);
      fenced.push_back(g.after_fence ? 1 : 0);
    }
    auto params = under(term);
    params.int2_array(shards).int8_array(versions).int8_array(heirs).int2_array(fenced);
    return counted(run(sql_give, params));
  }

  result<int> begin_moves(std::int64_t term, const std::vector<beginning_move>& moves) override {
    std::vector<std::int16_t> shards;
    std::vector<std::int64_t> versions;
    std::vector<std::int64_t> givers;
    std::vector<std::int64_t> takers;
    std::vector<std::string_view> reasons;
    std::vector<std::int64_t> wishes;
    for (const auto& m : moves) {
      shards.push_back(m.shard);
      versions.push_back(m.version);
      givers.push_back(m.from);
      takers.push_back(m.to);
      reasons.push_back(m.reason);
      wishes.push_back(m.wish);
    }
    auto params = under(term);
    params.int2_array(shards).int8_array(versions).int8_array(givers).int8_array(takers);
    params.text_array(reasons).int8_array(wishes);
    return counted(run(sql_begin_moves, params));
  }

  result<int> call_off(std::int64_t term, const std::vector<called_off>& moves) override {
    std::vector<std::int16_t> shards;
    std::vector<std::int64_t> versions;
    std::vector<std::string_view> reasons;
    for (const auto& m : moves) {
      shards.push_back(m.shard);
      versions.push_back(m.version);
      reasons.push_back(m.reason);
    }
    auto params = under(term);
    params.int2_array(shards).int8_array(versions).text_array(reasons);
    return counted(run(sql_call_off, params));
  }

  result<int> refuse_wishes(std::int64_t term, const std::vector<refused_wish>& wishes) override {
    std::vector<std::int64_t> ids;
    std::vector<std::string_view> reasons;
    for (const auto& w : wishes) {
      ids.push_back(w.id);
      reasons.push_back(w.reason);
    }
    return counted(
        run(sql_refuse_wishes, pg_params{}.int8(me_.incarnation).int8(term).int8_array(ids).text_array(reasons)));
  }

  result<void> finish_rebalance(std::int64_t term) override {
    return done(run(sql_finish_rebalance, pg_params{}.int8(me_.incarnation).int8(term)));
  }

  result<void> tell_reach(const std::vector<incarnation_id>& reaches) override {
    return done(run(sql_tell_reach, pg_params{}.int8(me_.incarnation).int8_array(reaches)));
  }

  result<void> tell_leaving() override { return done(run(sql_tell_leaving, pg_params{}.int8(me_.incarnation))); }

private:
  result<void> connect() {
    if (connection_ && connection_->usable()) return {};
    connection_.reset();
    auto made = connect_to(lineage_, database_, me_.incarnation, role_name);
    if (!made) return std::unexpected(made.error().message);
    connection_.emplace(std::move(*made));
    const auto set = limit_lock_waits(*connection_, database_.lock_timeout, deadline());
    return set ? result<void>{} : failed(set.error());
  }

  result<pg_rows> run(const pg_statement& statement, const pg_params& params) {
    if (auto ready = connect(); !ready) return std::unexpected(ready.error());
    auto rows = connection_->run(statement, params, deadline());
    if (!rows) return failed(rows.error());
    return result<pg_rows>(std::in_place, std::move(*rows));
  }

  std::unexpected<std::string> failed(const pg_error& e) {
    if (e.kind != pg_failure::refused) connection_.reset();
    return std::unexpected(e.message);
  }

  pg_params under(std::int64_t term) const {
    pg_params params;
    params.int8(me_.incarnation).int2(me_.slot).int8(term);
    return params;
  }

  static result<int> counted(const result<pg_rows>& rows) {
    if (!rows) return std::unexpected(rows.error());
    return static_cast<int>(rows->integer(0, 0));
  }
  static result<void> done(const result<pg_rows>& rows) {
    if (!rows) return std::unexpected(rows.error());
    return {};
  }

  call_deadline deadline() const {
    return call_deadline::in("database.statement_timeout", database_.statement_timeout);
  }

  const database_settings database_;
  const writer_id me_;
  const server_lineage lineage_;
  std::optional<pg_connection> connection_;
  cluster_reader reader_;
};

}  // namespace

std::unique_ptr<cluster_store> make_cluster_store(const settings& settings, incarnation_id me, server_lineage lineage) {
  return std::make_unique<pg_cluster_store>(settings, me, std::move(lineage));
}

}  // namespace keyrack::persistence
