// Reads the cluster's tables: who is there, who owns what, what was wished. Owns those statements; refuses to know what is
// planned with them.
#pragma once

#include "actors/cluster_ports.hpp"
#include "persistence/pg_connection.hpp"

#include <expected>
#include <vector>

namespace keyrack::persistence {

/// Remembers the shards: while none has changed they are not read again. One thread at a time.
class cluster_reader {
public:
  /// Table after table, each as of its own moment. What is remembered is of the database that was read last.
  std::expected<cluster_rows, pg_error> read(pg_connection& connection, call_deadline deadline);

private:
  std::vector<shard_row> shards_ = std::vector<shard_row>(shards_count);
  std::int64_t shards_version_ = -1;
};

}  // namespace keyrack::persistence
