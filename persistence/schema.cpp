// Applies schema steps under one advisory lock, which a crash releases with its connection.
#include "persistence/schema.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace keyrack::persistence {

namespace {

using namespace std::chrono_literals;

constexpr auto step_time_max = 10min;  // an index over a large journal takes its time
constexpr auto lock_time_max = 1min;   // another program's migration

constexpr std::int64_t migration_lock = 0x6b657972'61636b00;  // "keyrack"

constexpr pg_statement sql_has_table{
    .name = "schema_has_table",
    .sql = "SELECT to_regclass('schema_steps') IS NOT NULL",
};
constexpr pg_statement sql_steps{
    .name = "schema_steps",
    .sql = "SELECT number, name FROM schema_steps ORDER BY number",
};
constexpr pg_statement sql_lock{.name = "schema_lock", .sql = "SELECT pg_advisory_lock($1)"};
constexpr pg_statement sql_durability{
    .name = "durability",
    .sql = "SELECT current_setting('synchronous_commit'), current_setting('fsync'), "
           "current_setting('full_page_writes')",
};
constexpr auto sql_step_table = "CREATE TABLE IF NOT EXISTS schema_steps (number integer PRIMARY KEY, "
                                "name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";

std::expected<pg_connection, std::string> connect_for_schema(const database_settings& settings) {
  auto c = pg_connection::connect(settings, "keyrack/0/migrate",
                                  call_deadline::in("database.connect_timeout", settings.connect_timeout));
  if (!c) return std::unexpected("the database cannot be reached: " + c.error().message);
  return std::move(*c);
}

/// What the database has, against what the program knows.
std::expected<schema_status, std::string> read_status(pg_connection& c, const std::vector<schema_step>& steps,
                                                      call_deadline deadline) {
  schema_status status;
  status.program = steps.empty() ? 0 : steps.back().number;
  const auto has_table = c.run(sql_has_table, {}, deadline);
  if (!has_table) return std::unexpected("the schema cannot be read: " + has_table.error().message);
  pg_rows known;
  if (has_table->boolean(0, 0)) {
    auto rows = c.run(sql_steps, {}, deadline);
    if (!rows) return std::unexpected("the schema cannot be read: " + rows.error().message);
    known = std::move(*rows);
  }
  for (int row = 0; row < known.rows(); ++row) {
    const int number = static_cast<int>(known.integer(row, 0));
    status.database = number;
    if (number > status.program) {
      return std::unexpected(fmt::format("the database is newer (schema step {}) than this program (step {}): "
                                         "run the newer program; a schema is never taken back",
                                         known.integer(known.rows() - 1, 0), status.program));
    }
    const auto ours = static_cast<std::size_t>(row);
    if (ours >= steps.size() || steps[ours].number != number || steps[ours].name != known.bytes(row, 1)) {
      return std::unexpected(fmt::format("schema step {} of the database is \"{}\", which this program does not know: "
                                         "is this another program's database?",
                                         number, known.bytes(row, 1)));
    }
  }
  for (auto i = static_cast<std::size_t>(known.rows()); i < steps.size(); ++i) status.pending.push_back(steps[i].name);
  return status;
}

std::expected<void, std::string> apply(pg_connection& c, const schema_step& step) {
  // One script is one transaction. Names of steps are file names of ours, without quotes.
  const auto script = fmt::format("{};\n{}\n;INSERT INTO schema_steps (number, name) VALUES ({}, '{}')", sql_step_table,
                                  step.sql, step.number, step.name);
  const auto done = c.run_script(script, call_deadline::in("ten minutes for a schema step", step_time_max));
  if (done) return {};
  return std::unexpected(fmt::format("schema step {} failed{}: {}", step.name,
                                     done.error().kind == pg_failure::in_doubt ? " or was cut off (run it again)" : "",
                                     done.error().message));
}

}  // namespace

std::expected<schema_status, std::string> check_schema(const database_settings& settings) {
  auto c = connect_for_schema(settings);
  if (!c) return std::unexpected(c.error());
  return read_status(*c, schema_steps(), call_deadline::in("database.statement_timeout", settings.statement_timeout));
}

std::expected<schema_status, std::string> migrate(const database_settings& settings,
                                                  const std::vector<schema_step>& steps) {
  auto c = connect_for_schema(settings);
  if (!c) return std::unexpected(c.error());
  const auto durable =
      check_durability(*c, call_deadline::in("database.statement_timeout", settings.statement_timeout));
  if (!durable) return std::unexpected(durable.error());
  const auto locked = c->run(sql_lock, pg_params{}.int8(migration_lock),
                             call_deadline::in("a minute for the migration lock", lock_time_max));
  if (!locked) {
    return std::unexpected("another program is migrating this database, or it does not answer: " +
                           locked.error().message);
  }
  auto status = read_status(*c, steps, call_deadline::in("database.statement_timeout", settings.statement_timeout));
  if (!status) return status;
  const auto first_pending = steps.size() - status->pending.size();
  for (auto i = first_pending; i < steps.size(); ++i) {
    if (auto done = apply(*c, steps[i]); !done) return std::unexpected(done.error());
    status->applied.push_back(steps[i].name);
    status->database = steps[i].number;
  }
  status->pending.clear();
  return status;
}

std::expected<void, std::string> check_durability(pg_connection& connection, call_deadline deadline) {
  const auto rows = connection.run(sql_durability, {}, deadline);
  if (!rows) return std::unexpected("the server's settings cannot be read: " + rows.error().message);
  const auto commit = rows->bytes(0, 0);
  if (commit != "on" && commit != "remote_apply") {
    return std::unexpected(fmt::format("the database has synchronous_commit = {}: what it acknowledges could be lost. "
                                       "Set it to on (or remote_apply) for the server, the database and the role",
                                       commit));
  }
  if (rows->bytes(0, 1) != "on") {
    return std::unexpected("the database has fsync = off: a crash of its machine loses bookings. Set it to on");
  }
  if (rows->bytes(0, 2) != "on") {
    return std::unexpected("the database has full_page_writes = off: a crash of its machine can tear pages of the "
                           "journal. Set it to on");
  }
  return {};
}

}  // namespace keyrack::persistence
