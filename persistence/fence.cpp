#include "persistence/fence.hpp"

#include "actors/ports.hpp"
#include "config/log.hpp"

#include <fmt/format.h>

namespace keyrack::persistence {

namespace {

// Writes every row, fenced already or not: so its commit proves that the fence is durable, whoever set it first.
constexpr pg_statement sql_fence{
    .name = "fence",
    .sql = "UPDATE writers SET fenced_at = coalesce(fenced_at, clock_timestamp()) WHERE incarnation = $1",
};
constexpr pg_statement sql_lock_timeout{
    .name = "lock_timeout",
    .sql = "SELECT set_config('lock_timeout', $1, false)",
};
constexpr pg_statement sql_end_backends{.name = "end_backends",
                                        .sql = R"sql(
  SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
   WHERE application_name ^@ $1 AND datname = current_database() AND pid <> pg_backend_pid()
)sql",
                                        .tolerates_warnings = true};

constexpr auto lock_not_available = "55P03";

}  // namespace

std::expected<void, pg_error> limit_lock_waits(pg_connection& connection, std::chrono::milliseconds lock_timeout,
                                               call_deadline deadline) {
  const auto set =
      connection.run(sql_lock_timeout, pg_params{}.text(fmt::format("{}ms", lock_timeout.count())), deadline);
  if (!set) return std::unexpected(set.error());
  return {};
}

pg_outcome run_past_locks(pg_connection& connection, const std::string& holders, const pg_statement& statement,
                          const pg_params& params, call_deadline deadline) {
  for (;;) {
    auto done = connection.run(statement, params, deadline);
    if (done || done.error().sqlstate != lock_not_available || steady_now() >= deadline.at) return done;
    log_warn("a statement waits for locks: ending the backends that hold them",
             {{"statement", statement.name}, {"backends", holders}});
    // Told to end, not waited for: the statement must stand in the queue for the locks before the next connection of a
    // node that is alive does, or the two chase each other.
    const auto ended = connection.run(sql_end_backends, pg_params{}.text(holders), deadline);
    if (!ended) return std::unexpected(ended.error());
  }
}

std::expected<void, std::string> fence_incarnation(pg_connection& connection, std::int64_t incarnation,
                                                   std::chrono::milliseconds lock_timeout, call_deadline deadline) {
  const auto failed = [&](const std::string& why) {
    return std::unexpected(fmt::format("incarnation {} cannot be fenced: {}", incarnation, why));
  };
  if (const auto set = limit_lock_waits(connection, lock_timeout, deadline); !set) return failed(set.error().message);
  const auto fenced =
      run_past_locks(connection, application_name(incarnation, ""), sql_fence, pg_params{}.int8(incarnation), deadline);
  if (fenced) return fenced->affected() > 0 ? std::expected<void, std::string>{} : failed("it has no row in writers");
  if (fenced.error().sqlstate != lock_not_available) return failed(fenced.error().message);
  return failed(fmt::format("its locks were not given back within {}", deadline.name));
}

}  // namespace keyrack::persistence
