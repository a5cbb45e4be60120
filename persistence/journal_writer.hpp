// What a journal slot says to PostgreSQL: the append and the statements that resolve a doubt, one function each. Owns
// their SQL; refuses to know when they are called, which is slot_machine's, and by whom.
#pragma once

#include "persistence/pg_connection.hpp"
#include "persistence/slot_machine.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace keyrack::persistence {

/// A row of `writers`: the right of one connection to write.
struct writer_id {
  std::int64_t incarnation = 0;
  std::int16_t slot = 0;
};

struct append_outcome {
  bool fenced = false;         ///< zero rows for `me`: nothing was applied, and nothing ever will be
  std::vector<bool> inserted;  ///< parallel to the batch, when not fenced
};

/// Appends all commits in one statement, one transaction, with their personal records; each row by itself goes in or
/// meets a row that stands there. A hotel is in it once. The error is the statement's.
std::expected<append_outcome, pg_error> append_commits(pg_connection& connection, writer_id me,
                                                       std::span<const queued_commit> batch, call_deadline deadline);

/// Tells the server to end all other backends of this database with this connection's name. True when there are none.
std::expected<bool, pg_error> end_namesakes(pg_connection& connection, const std::string& name, call_deadline deadline);

/// Writes the slot's own row, and from now on waits for every commit to be as durable as the server can make it. The
/// answer is clean, so that everything that was visible to it is durable too. False when the slot is fenced, or when
/// it has no row: it never makes one.
std::expected<bool, pg_error> enlist_writer(pg_connection& connection, writer_id me, call_deadline deadline);

/// What stands at the places of these commits: mine means the same writer, the same numbers and the same bytes.
std::expected<std::vector<found_commit>, pg_error>
look_for(pg_connection& connection, writer_id me, std::span<const queued_commit> batch, call_deadline deadline);

}  // namespace keyrack::persistence
