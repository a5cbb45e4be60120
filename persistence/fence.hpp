// Taking the right to write away from an incarnation, for ever. Always safe, also of a healthy one: at worst it costs it a
// restart. Owns the SQL of the fence; refuses to judge who deserves it.
#pragma once

#include "persistence/pg_connection.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

namespace keyrack::persistence {

/// No statement of this session waits longer than that for a lock, from now on.
std::expected<void, pg_error> limit_lock_waits(pg_connection& connection, std::chrono::milliseconds lock_timeout,
                                               call_deadline deadline);

/// Runs a statement in whose way stand locks that nobody may ever give back: each time that the session's lock_timeout has
/// passed, backends whose names begin with `holders` are terminated, and it is tried again, until the deadline.
/// REQUIRES: `limit_lock_waits`, and a statement that is safe to repeat.
pg_outcome run_past_locks(pg_connection& connection, const std::string& holders, const pg_statement& statement,
                          const pg_params& params, call_deadline deadline);

/// Fences all writers of an incarnation in one statement of its own, whose clean end is what counts: appends that were
/// under way have ended by then and are visible, and none will follow. A writer that holds its share lock for longer than
/// `lock_timeout` (frozen, with a statement that nobody ends) has its backends terminated. Fencing again changes nothing.
/// Errors: an incarnation without a row in `writers`, the deadline, the server's. Sets lock_timeout of the session.
std::expected<void, std::string> fence_incarnation(pg_connection& connection, std::int64_t incarnation,
                                                   std::chrono::milliseconds lock_timeout, call_deadline deadline);

}  // namespace keyrack::persistence
