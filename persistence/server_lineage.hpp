// Which server a connection reached: a promoted standby or a restored backup is another one, even at the same address.
#pragma once

#include "persistence/pg_connection.hpp"

#include <cstdint>
#include <expected>

namespace keyrack::persistence {

/// Changes when a standby is promoted (timeline) and between clusters (system identifier).
struct server_lineage {
  std::int64_t system = 0;
  std::int64_t timeline = 0;
  bool operator==(const server_lineage&) const = default;
};

/// Asks the server. Refused by one that is in recovery: it takes no writes.
std::expected<server_lineage, pg_error> read_lineage(pg_connection& connection, call_deadline deadline);

/// Connects as `keyrack/<incarnation>/<role>` and makes sure that it is the server of `lineage`: all connections of a node
/// are to the same one. A different one is an error like no connection at all.
std::expected<pg_connection, pg_error> connect_to(const server_lineage& lineage, const database_settings& settings,
                                                  std::int64_t incarnation, std::string_view role);

}  // namespace keyrack::persistence
