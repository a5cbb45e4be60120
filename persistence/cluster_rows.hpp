// The cluster's tables, as nodes read them and the coordinator writes them: nodes, wishes, shards, pins, moves and the
// coordinator's row. Owns their SQL; refuses to know what is planned with them.
#pragma once

#include "actors/cluster_ports.hpp"
#include "config/settings.hpp"
#include "persistence/server_lineage.hpp"

#include <memory>

namespace keyrack::persistence {

/// The store of one incarnation, on a connection that it makes at the first call and anew after every error. Every statement that
/// writes stands under the incarnation's own fence (its node row of `writers`), and the coordinator's under its term, too.
std::unique_ptr<cluster_store> make_cluster_store(const settings& settings, incarnation_id me, server_lineage lineage);

}  // namespace keyrack::persistence
