// The timeline comes from the name of the WAL file being written: the control file's is behind until a checkpoint.
#include "persistence/server_lineage.hpp"

#include <fmt/format.h>

namespace keyrack::persistence {

namespace {

constexpr pg_statement sql_lineage{.name = "lineage", .sql = R"sql(
  SELECT (SELECT system_identifier FROM pg_control_system()),
         ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
)sql"};

}  // namespace

std::expected<server_lineage, pg_error> read_lineage(pg_connection& connection, call_deadline deadline) {
  const auto rows = connection.run(sql_lineage, {}, deadline);
  if (!rows) return std::unexpected(rows.error());
  return server_lineage{.system = rows->integer(0, 0), .timeline = rows->integer(0, 1)};
}

std::expected<pg_connection, pg_error> connect_to(const server_lineage& lineage, const database_settings& settings,
                                                  std::int64_t incarnation, std::string_view role) {
  const auto deadline = call_deadline::in("database.connect_timeout", settings.connect_timeout);
  auto c = pg_connection::connect(settings, application_name(incarnation, role), deadline);
  if (!c) return c;
  const auto here = read_lineage(*c, deadline);
  if (!here) return std::unexpected(here.error());
  if (*here != lineage) {
    return std::unexpected(
        pg_error{.kind = pg_failure::not_sent,
                 .sqlstate = {},
                 .message = fmt::format("another server or timeline ({}/{}) than the node began "
                                        "with ({}/{})",
                                        here->system, here->timeline, lineage.system, lineage.timeline)});
  }
  return c;
}

}  // namespace keyrack::persistence
