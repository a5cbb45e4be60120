// One connection to PostgreSQL, over libpq's asynchronous functions: every call has a deadline, and every failure says
// whether the statement may have been executed. Never reconnects by itself: who owns a connection decides what its loss
// means. Refuses to know tables; keeps libpq's header out of everybody else's.
#pragma once

#include "actors/envelope.hpp"
#include "config/settings.hpp"
#include "persistence/pg_params.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack::persistence {

/// What a failed call means for the statement.
enum class pg_failure : std::uint8_t {
  not_sent,  ///< certainly not executed: there was no connection, or preparing failed
  refused,   ///< certainly not applied: the server answered with an error and was ready again
  in_doubt,  ///< anything may be true: connection lost, deadline passed, a warning, or a fatal error under way
};

struct pg_error {
  pg_failure kind = pg_failure::not_sent;
  std::string sqlstate;  ///< five characters; empty when the server did not say
  std::string message;   ///< one line for the log; never holds a parameter or the connection's password
};

/// By when a call must be over, and the name of the setting that says so, which then stands in the error.
struct call_deadline {
  std::string_view name;
  steady_instant at;
  static call_deadline in(std::string_view name, std::chrono::nanoseconds time);
};

/// A statement known by name: prepared on each connection when it is first used there. Both texts are literals.
struct pg_statement {
  const char* name;
  const char* sql;
  /// Else a warning makes the outcome doubtful: it is how PostgreSQL tells that it did not wait for a standby.
  bool tolerates_warnings = false;
};

/// What a statement returned, all values in binary. Accessors assert that row and column exist and that the value has
/// the size of its type. Texts and bytes live as long as this.
class pg_rows {
public:
  pg_rows() = default;
  explicit pg_rows(std::shared_ptr<const void> result) : result_(std::move(result)) {}

  int rows() const;
  /// Rows that a command without RETURNING has changed.
  std::int64_t affected() const;
  bool is_null(int row, int column) const;
  /// Of smallint, integer, bigint and xid8 alike.
  std::int64_t integer(int row, int column) const;
  bool boolean(int row, int column) const;
  /// Of text, name and bytea alike.
  std::string_view bytes(int row, int column) const;
  std::string text(int row, int column) const { return std::string{bytes(row, column)}; }
  instant timestamptz(int row, int column) const;

private:
  std::string_view value(int row, int column) const;

  std::shared_ptr<const void> result_;
};

using pg_outcome = std::expected<pg_rows, pg_error>;

/// Movable, not shared: one thread at a time.
class pg_connection {
public:
  /// Connects as `keyrack/<incarnation>/<role>` (see `application_name`), with the bounds of `settings` set in the
  /// session: nothing that this process leaves behind holds a lock for ever. An error is always `not_sent`.
  /// Looking up a host's name is not bounded by the deadline: name servers by address where that matters.
  static std::expected<pg_connection, pg_error> connect(const database_settings& settings, std::string_view name,
                                                        call_deadline deadline);

  pg_connection(pg_connection&&) noexcept;
  pg_connection& operator=(pg_connection&&) noexcept;
  ~pg_connection();

  /// Runs one statement in a transaction of its own. Success means: the server was ready again, without an error and
  /// without a warning, so what it did is committed. After `in_doubt` the connection is closed, except after a warning.
  pg_outcome run(const pg_statement& statement, const pg_params& params, call_deadline deadline);

  /// The two halves of `run`, for who has something to do in between. After `send`, call `receive` until it gives
  /// something: nothing means that `until` has passed and the statement is still under way.
  std::expected<void, pg_error> send(const pg_statement& statement, const pg_params& params, call_deadline deadline);
  std::optional<pg_outcome> receive(steady_instant until, call_deadline deadline);

  /// Runs several statements, separated by semicolons, as one transaction. Values come as text: for schema steps.
  pg_outcome run_script(const std::string& sql, call_deadline deadline);

  /// Whether the last call left it fit for another. It may have died since: only a call tells.
  bool usable() const;
  int backend_pid() const;

private:
  struct state;
  explicit pg_connection(std::unique_ptr<state> s);

  std::unique_ptr<state> state_;
};

/// `keyrack/17/slot-0`: by it a node's backends are found and ended when it is fenced.
std::string application_name(std::int64_t incarnation, std::string_view role);

}  // namespace keyrack::persistence
