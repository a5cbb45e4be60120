#include "tests/persistence/database_stage.hpp"

#include "persistence/server_lineage.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

namespace keyrack::testing {

namespace {

using namespace std::chrono_literals;
using sim::role;

// A statement that has executed and changed rows waits at its commit for a lock that only the script gives: of its backend,
// or of its name where the product keeps the connection to itself. Then it commits without waiting for the disk, whose loss
// no script plays: what it waits for, sees and answers is the same, and scripts are fast enough to play a thousand.
constexpr auto sql_hold = R"sql(
  CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock_shared(1, pg_backend_pid());
    PERFORM pg_advisory_xact_lock_shared(2, hashtext(current_setting('application_name')));
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN NULL;
  END $$
)sql";

// Statistics that come in the middle change plans, and with them whether a statement that will change nothing waits before it
// finds out.
constexpr auto sql_keep_plans = R"sql(
  DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
      EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', t);
    END LOOP;
  END $$
)sql";

// Asked again and again: prepared, for to plan it takes longer than to answer it.
constexpr auto sql_waits = R"sql(
  PREPARE waits AS
    SELECT string_agg(pid || ' ' || (wait_event = 'advisory')::int || ' ' || application_name, E'\n')
      FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event IN ('advisory', 'transactionid', 'tuple')
)sql";

settings settings_of(const journal_database& db) {
  settings s;
  s.database = db.database.settings();
  s.database.statement_timeout = 2min;
  s.database.lock_timeout = 1min;
  s.journal.slots = sim::slots_of_node;
  s.journal.snapshot_writers = 0;
  return s;
}

// One, or all of a name.
std::string backends(const std::string& application_name, int backend) {
  return fmt::format("application_name = '{}' AND datname = current_database(){}", application_name,
                     backend != 0 ? fmt::format(" AND pid = {}", backend) : "");
}

}  // namespace

database_stage::database_stage() : settings_(settings_of(db_)) {
  auto probe = db_.database.connect();
  const auto lineage = persistence::read_lineage(probe, soon());
  if (!lineage) throw std::runtime_error(lineage.error().message);
  lineage_ = *lineage;
  ask(sql_hold);
  ask(sql_keep_plans);
  for (const auto* table : {"commits", "writers", "nodes", "shards", "coordinator", "moves"}) {
    ask(fmt::format("CREATE CONSTRAINT TRIGGER hold_{0} AFTER INSERT OR UPDATE OR DELETE ON {0} "
                    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()",
                    table));
  }
  // Rows are visited in the order of their keys, as in a large table.
  ask(fmt::format("ALTER DATABASE {} SET enable_seqscan = off", db_.database.name()));
  ask(fmt::format("ALTER DATABASE {} SET enable_bitmapscan = off", db_.database.name()));
  ask(fmt::format("ALTER DATABASE {} SET jit = off", db_.database.name()));  // or it compiles what only seems dear
  ask("SELECT setval('incarnations', 1000)");
  ask(sql_waits);
}

std::string database_stage::role_text(const cast& c) {
  switch (c.as) {
  case role::slot_0: return "slot-0";
  case role::slot_1: return "slot-1";
  case role::heartbeat: return "heartbeat";
  case role::membership: return "membership";
  case role::start: break;
  }
  return c.who == 0 ? "start" : "leave";
}

std::string database_stage::node_name(incarnation_id who) { return fmt::format("node-{}", who); }

database_lane& database_stage::lane(const cast& c) {
  auto& l = lanes_[c];
  if (!l) l = std::make_unique<database_lane>(settings_, c.who, role_text(c), lineage_);
  return *l;
}

std::map<std::pair<std::string, int>, database_stage::wait> database_stage::waits() {
  std::istringstream rows{ask("EXECUTE waits")};
  std::map<std::pair<std::string, int>, wait> all;
  int backend = 0;
  bool held = false;
  for (std::string name; rows >> backend >> held >> name;) {
    all[{name, backend}] = all[{name, 0}] = held ? wait::held : wait::lock;
  }
  return all;
}

void database_stage::end_backend(const std::string& application_name, int backend) {
  ask(fmt::format("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {}",
                  backends(application_name, backend)));
  eventually(
      [&] { return ask("SELECT count(*) FROM pg_stat_activity WHERE " + backends(application_name, backend)) == "0"; });
}

void database_stage::reset() {
  std::string rows;
  for (int n = 1; n <= stage_nodes; ++n) {
    rows += fmt::format(
        "INSERT INTO nodes (incarnation, node, beat, beat_at, started_at, version) VALUES ({0}, '{1}', 0, "
        "clock_timestamp(), clock_timestamp(), 'test');"
        "INSERT INTO writers (incarnation, slot, node) SELECT {0}, s, '{1}' FROM generate_series(0, {2}) s;",
        n, node_name(n), sim::writer_rows - 1);
  }
  ask("BEGIN; DELETE FROM commits; DELETE FROM nodes; DELETE FROM writers; DELETE FROM moves;" + rows + "COMMIT");
}

incarnation_id database_stage::next_incarnation() { return std::stoll(ask("SELECT last_value + 1 FROM incarnations")); }

}  // namespace keyrack::testing
