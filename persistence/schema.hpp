// The schema of the database: numbered steps that the program carries, applied once each, in order. Owns which of them a
// database has, and whether a server keeps what it is given; refuses to know what the tables are for.
#pragma once

#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"

#include <expected>
#include <string>
#include <vector>

namespace keyrack::persistence {

/// A file of persistence/schema: `0001_journal.sql` is number 1, name `0001_journal`.
struct schema_step {
  int number;
  std::string name;
  std::string sql;
};

/// All steps that this program knows, ascending. Generated from the files.
const std::vector<schema_step>& schema_steps();

struct schema_status {
  int database = 0;                  ///< number of the last step that the database has; 0: none
  int program = 0;                   ///< number of the last step that the program knows
  std::vector<std::string> applied;  ///< by this call, by name
  std::vector<std::string> pending;  ///< still to be applied, by name
};

/// What `keyrack migrate --check` reports; changes nothing. An error is a sentence for an operator: no connection, a
/// database that is newer than the program, or one whose steps are not ours.
std::expected<schema_status, std::string> check_schema(const database_settings& settings);

/// Applies what is pending: one program at a time, each step in a transaction of its own, so that a failure leaves the
/// steps before it. Errors as `check_schema`, or the step that failed and the server's reason.
std::expected<schema_status, std::string> migrate(const database_settings& settings,
                                                  const std::vector<schema_step>& steps = schema_steps());

/// Refuses a server that acknowledges what it may still lose (synchronous_commit below on, fsync or full_page_writes
/// off), with a sentence that says what to change.
std::expected<void, std::string> check_durability(pg_connection& connection, call_deadline deadline);

}  // namespace keyrack::persistence
