// One start of a name at a time, under an advisory lock. The order matters: predecessors are gone before the rows that others
// see, or the beats that do not come yet would be missed; the heartbeat's connection stands before them; and all rows of
// `writers` are there before anything can be written with them.
#include "persistence/node_registry.hpp"

#include "actors/ports.hpp"
#include "config/log.hpp"
#include "persistence/fence.hpp"
#include "persistence/journal.hpp"
#include "persistence/schema.hpp"

#include <fmt/format.h>

#include <ctime>
#include <map>
#include <utility>

namespace keyrack::persistence {

namespace {

using namespace std::chrono_literals;

constexpr auto start_lock_time_max = 15s;  // another start at the same time: its grace, and a margin
constexpr auto beats_of_the_living = 3;    // one may come late from a process that has just died
constexpr auto graces_max = 5;             // of looking at others before a start is refused
constexpr timespec between_looks{.tv_sec = 0, .tv_nsec = 50'000'000};
constexpr std::int32_t start_lock = 0x6b65'7972;  // "keyr"

constexpr pg_statement sql_start_lock{.name = "start_lock", .sql = "SELECT pg_advisory_lock($1, hashtext($2))"};
constexpr pg_statement sql_draw{.name = "draw_incarnation", .sql = "SELECT nextval('incarnations')"};

constexpr pg_statement sql_register{.name = "register_node", .sql = R"sql(
  WITH node AS (
    INSERT INTO nodes (incarnation, node, http_address, actor_address, beat, beat_at, started_at, version)
    VALUES ($1, $2, $3, $4, 0, clock_timestamp(), clock_timestamp(), $5))
  INSERT INTO writers (incarnation, slot, node)
  SELECT $1, slot, $2 FROM generate_series(0, $6 - 1) AS slot
)sql"};

// Every earlier life of this name that may still write; one without a row in `nodes` has no beats.
constexpr pg_statement sql_predecessors{.name = "predecessors", .sql = R"sql(
  SELECT w.incarnation, coalesce(max(n.beat), 0), max(n.http_address),
         EXISTS (SELECT FROM pg_stat_activity a
                  WHERE a.datname = current_database()
                    AND a.application_name = 'keyrack/' || w.incarnation || '/heartbeat')
    FROM writers w LEFT JOIN nodes n USING (incarnation)
   WHERE w.fenced_at IS NULL AND w.incarnation <> $1 AND w.node = $2
   GROUP BY w.incarnation
)sql"};

constexpr pg_statement sql_remove{.name = "remove_node_row", .sql = "DELETE FROM nodes WHERE incarnation = $1"};

// Rows of those who are fenced, also when a start was cut off between fencing and this.
constexpr pg_statement sql_remove_fenced{.name = "remove_fenced_nodes", .sql = R"sql(
  DELETE FROM nodes n
   WHERE NOT EXISTS (SELECT FROM writers w WHERE w.incarnation = n.incarnation AND w.fenced_at IS NULL)
)sql"};

// `after_fence` stays: the owner before this one may have been fenced a moment ago.
constexpr pg_statement sql_leave{.name = "leave_node", .sql = R"sql(
  WITH gone AS (DELETE FROM nodes WHERE incarnation = $1),
  freed AS (
    UPDATE shards SET owner = NULL, target = NULL, version = version + 1, since = clock_timestamp() WHERE owner = $1)
  UPDATE writers SET fenced_at = coalesce(fenced_at, clock_timestamp()) WHERE incarnation = $1
)sql"};

struct predecessor {
  std::int64_t incarnation = 0;
  std::string address;
  std::int64_t beat = 0;
  bool connected = false;
};

/// What was seen of it when one began to look, and since when its count has stood still.
struct first_sight {
  std::int64_t beat = 0;
  std::int64_t last_beat = 0;
  steady_instant still_since;
};

class start {
public:
  start(const settings& s, std::string_view version, const node_addresses& addresses)
      : settings_(s), version_(version), addresses_(addresses) {}

  std::expected<registration, std::string> run() {
    if (auto ready = prepare(); !ready) return std::unexpected(ready.error());
    auto heartbeat = connect_to(lineage_, settings_.database, incarnation_, "heartbeat");
    if (!heartbeat) return std::unexpected(heartbeat.error().message);
    if (auto alone = displace_predecessors(); !alone) return std::unexpected(alone.error());
    if (auto done = make_rows(*heartbeat); !done) return std::unexpected(done.error());
    return registration{
        .incarnation = incarnation_, .lineage = lineage_, .heartbeat = std::move(*heartbeat), .fenced = fenced_};
  }

private:
  /// The connection of this start, its lock, the server's fitness, and the incarnation.
  std::expected<void, std::string> prepare() {
    const auto& db = settings_.database;
    const auto schema = check_schema(db);
    if (!schema) return std::unexpected(schema.error());
    if (!schema->pending.empty()) {
      return std::unexpected(
          fmt::format("the database's schema is at step {}, this program needs {}: run keyrack migrate",
                      schema->database, schema->program));
    }
    auto c = pg_connection::connect(db, application_name(0, "start"),
                                    call_deadline::in("database.connect_timeout", db.connect_timeout));
    if (!c) return std::unexpected("the database cannot be reached: " + c.error().message);
    connection_.emplace(std::move(*c));
    if (auto durable = check_durability(*connection_, deadline()); !durable) return durable;
    const auto locked = connection_->run(sql_start_lock, pg_params{}.int4(start_lock).text(settings_.node.name),
                                         call_deadline::in("15 s for other starts", start_lock_time_max));
    if (!locked) return std::unexpected("another process is starting under this name: " + locked.error().message);
    const auto lineage = read_lineage(*connection_, deadline());
    if (!lineage) return std::unexpected(lineage.error().message);
    lineage_ = *lineage;
    const auto drawn = connection_->run(sql_draw, {}, deadline());
    if (!drawn) return std::unexpected("no incarnation could be drawn: " + drawn.error().message);
    incarnation_ = drawn->integer(0, 0);
    return {};
  }

  std::expected<void, std::string> make_rows(pg_connection& heartbeat) {
    pg_params params;
    params.int8(incarnation_).text(settings_.node.name).text(addresses_.http).text(addresses_.actor).text(version_);
    params.int4(writer_rows_of(settings_.journal).count());
    const auto done = heartbeat.run(sql_register, params, deadline());
    if (!done) return std::unexpected("the node cannot be registered: " + done.error().message);
    return {};
  }

  std::expected<std::vector<predecessor>, std::string> see_predecessors() {
    const auto rows =
        connection_->run(sql_predecessors, pg_params{}.int8(incarnation_).text(settings_.node.name), deadline());
    if (!rows) return std::unexpected("earlier lives of this node cannot be seen: " + rows.error().message);
    std::vector<predecessor> others;
    for (int row = 0; row < rows->rows(); ++row) {
      others.push_back({.incarnation = rows->integer(row, 0),
                        .address = rows->is_null(row, 2) ? "" : rows->text(row, 2),
                        .beat = rows->integer(row, 1),
                        .connected = rows->boolean(row, 3)});
    }
    return others;
  }

  /// Until nobody else may write, or somebody turns out to be alive.
  std::expected<void, std::string> displace_predecessors() {
    const auto began = steady_now();
    std::map<std::int64_t, first_sight> known;
    for (;;) {
      const auto others = see_predecessors();
      if (!others) return std::unexpected(others.error());
      if (others->empty()) return remove_fenced();
      for (const auto& other : *others) {
        const auto now = steady_now();
        auto& first = known.try_emplace(other.incarnation, other.beat, other.beat, now).first->second;
        if (other.beat != std::exchange(first.last_beat, other.beat)) first.still_since = now;
        const seen_node seen{.heartbeat_connected = other.connected,
                             .beats_since = other.beat - first.beat,
                             .still_for = now - first.still_since};
        switch (judge(seen, settings_.heartbeat.grace)) {
        case judgement::alive: return std::unexpected(alive(other));
        case judgement::wait: break;
        case judgement::fence:
          if (auto done = fence(other); !done) return done;
        }
      }
      if (steady_now() - began > graces_max * settings_.heartbeat.grace) {
        return std::unexpected(alive(others->front()));
      }
      nanosleep(&between_looks, nullptr);
    }
  }

  std::string alive(const predecessor& other) const {
    const auto where = other.address.empty() ? std::string{} : " at " + other.address;
    return fmt::format(
        "another process runs as node {}{} (incarnation {}) with this database: stop it first, or give this "
        "one another name or another database",
        settings_.node.name, where, other.incarnation);
  }

  std::expected<void, std::string> fence(const predecessor& other) {
    log_info("fencing a predecessor", {{"node", settings_.node.name}, {"incarnation", other.incarnation}});
    const auto until = call_deadline::in("the time for a fence", 10 * settings_.database.lock_timeout);
    auto done = fence_incarnation(*connection_, other.incarnation, settings_.database.lock_timeout, until);
    if (!done) return done;
    fenced_.push_back(other.incarnation);
    // Its heartbeat may have frozen with the row in its hands.
    const auto removed = run_past_locks(*connection_, application_name(other.incarnation, ""), sql_remove,
                                        pg_params{}.int8(other.incarnation), until);
    if (!removed) return std::unexpected("the row of a former node cannot be removed: " + removed.error().message);
    return {};
  }

  std::expected<void, std::string> remove_fenced() {
    const auto done = connection_->run(sql_remove_fenced, {}, deadline());
    if (!done) return std::unexpected("rows of former nodes cannot be removed: " + done.error().message);
    return {};
  }

  call_deadline deadline() const {
    return call_deadline::in("database.statement_timeout", settings_.database.statement_timeout);
  }

  const settings& settings_;
  const std::string_view version_;
  const node_addresses& addresses_;
  std::optional<pg_connection> connection_;  // holds the start's lock; never the heartbeat's
  server_lineage lineage_;
  std::int64_t incarnation_ = 0;
  std::vector<std::int64_t> fenced_;
};

}  // namespace

judgement judge(const seen_node& node, std::chrono::nanoseconds grace) {
  if (!node.heartbeat_connected) return judgement::fence;
  if (node.beats_since >= beats_of_the_living) return judgement::alive;
  return node.still_for >= grace ? judgement::fence : judgement::wait;
}

std::expected<registration, std::string> register_node(const settings& settings, std::string_view version,
                                                       const node_addresses& addresses) {
  return start{settings, version, addresses}.run();
}

std::expected<void, std::string> leave_node(const database_settings& settings, std::int64_t incarnation) {
  auto c = pg_connection::connect(settings, application_name(incarnation, "leave"),
                                  call_deadline::in("database.connect_timeout", settings.connect_timeout));
  if (!c) return std::unexpected(c.error().message);
  const auto done = c->run(sql_leave, pg_params{}.int8(incarnation),
                           call_deadline::in("database.statement_timeout", settings.statement_timeout));
  if (!done) return std::unexpected(done.error().message);
  return {};
}

}  // namespace keyrack::persistence
