// How a node takes its place and gives it back: draws an incarnation, makes its rows, and sees to it that nobody else of its
// name writes. Owns the rows of one node; who gets which shard is the coordinator's.
#pragma once

#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"
#include "persistence/server_lineage.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::persistence {

/// A place that was taken. The connection is the heartbeat's: its being there is what tells others that this node lives.
struct registration {
  std::int64_t incarnation = 0;
  server_lineage lineage;
  pg_connection heartbeat;
  std::vector<std::int64_t> fenced{};  ///< predecessors that this start has fenced
};

/// Where a node can be reached, each host:port.
struct node_addresses {
  std::string actor;
  std::string http;
};

/// Takes the place of `settings.node.name`. Predecessors of that name are fenced when their heartbeat's backend is gone, or
/// their beats have stood still for the grace; one that beats is left alone and this start refused. Errors are sentences
/// for an operator: no database, schema not up to date, not durable, another process is alive.
std::expected<registration, std::string> register_node(const settings& settings, std::string_view version,
                                                       const node_addresses& addresses);

/// Gives the place back at a clean end: fences itself, frees the shards that it still owns and takes its row away. REQUIRES:
/// no answer leaves any more.
std::expected<void, std::string> leave_node(const database_settings& settings, std::int64_t incarnation);

/// What is seen of another incarnation, twice: when one began to look, and now.
struct seen_node {
  bool heartbeat_connected = false;  ///< now
  std::int64_t beats_since = 0;      ///< since one began to look
  std::chrono::nanoseconds still_for{};
};
enum class judgement : std::uint8_t { wait, fence, alive };

/// Pure. False evidence is safe, since fencing is; beats that go on are the one thing that is believed.
judgement judge(const seen_node& node, std::chrono::nanoseconds grace);

}  // namespace keyrack::persistence
