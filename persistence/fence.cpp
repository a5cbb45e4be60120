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

std::expected<void, std::string> fence_incarnation(pg_connection& connection, std::int64_t incarnation,
                                                   std::chrono::milliseconds lock_timeout, call_deadline deadline) {
  const auto failed = [&](const std::string& why) {
    return std::unexpected(fmt::format("incarnation {} cannot be fenced: {}", incarnation, why));
  };
  const auto set =
      connection.run(sql_lock_timeout, pg_params{}.text(fmt::format("{}ms", lock_timeout.count())), deadline);
  if (!set) return failed(set.error().message);
  for (;;) {
    const auto fenced = connection.run(sql_fence, pg_params{}.int8(incarnation), deadline);
    if (fenced && fenced->affected() == 0) return failed("it has no row in writers");
    if (fenced) return {};
    if (fenced.error().sqlstate != lock_not_available) return failed(fenced.error().message);
    if (steady_now() >= deadline.at)
      return failed(fmt::format("its locks were not given back within {}", deadline.name));
    log_warn("a fence waits for locks: ending the backends that hold them", {{"incarnation", incarnation}});
    // Told to end, not waited for: the fence must stand in the queue for the locks before the next connection of a node
    // that is alive does, or the two chase each other.
    const auto ended = connection.run(sql_end_backends, pg_params{}.text(application_name(incarnation, "")), deadline);
    if (!ended) return failed(ended.error().message);
  }
}

}  // namespace keyrack::persistence
