// The rows of `shards` as their owner writes them: hand-overs. Owns that statement; the coordinator's are in cluster_rows.
#pragma once

#include "actors/cluster_ports.hpp"
#include "persistence/journal_writer.hpp"
#include "persistence/pg_connection.hpp"

#include <expected>
#include <vector>

namespace keyrack::persistence {

/// Gives shards to their targets, each by compare-and-set on owner, target and version, under this writer's fence, and only to
/// nodes that are there. Parallel: whether the row is another's now; asking again after a lost answer tells the truth.
/// REQUIRES: no append of this incarnation is in doubt.
std::expected<std::vector<bool>, pg_error> write_hand_overs(pg_connection& connection, writer_id me,
                                                            const std::vector<hand_over>& what, call_deadline deadline);

}  // namespace keyrack::persistence
