// How a node takes its place: draws an incarnation, makes its rows, and sees to it that nobody else writes. Owns the tables
// `nodes`, `writers` and `shards` on behalf of one node; the cluster's coordinator will own who gets which shard.
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
  steady_instant serve_from;           ///< no answer may leave before: a fenced node may still have its read lease
  std::vector<std::int64_t> fenced{};  ///< predecessors that this start has fenced
};

/// Takes the place of `settings.node.name`. Predecessors of the same name are fenced when their heartbeat's backend is gone,
/// others when their beats have stood still for the grace; one that beats is left alone and this start refused. Errors
/// are sentences for an operator: no database, schema not up to date, not durable, another process or node is alive.
std::expected<registration, std::string> register_node(const settings& settings, std::string_view version,
                                                       std::string_view http_address);

/// Gives the place back at a clean end, so that the next start need not wait: fences itself and takes its row away.
std::expected<void, std::string> leave_node(const database_settings& settings, std::int64_t incarnation);

/// What is seen of another incarnation, twice: when one began to look, and now.
struct seen_node {
  bool same_name = false;
  bool heartbeat_connected = false;  ///< now
  std::int64_t beats_since = 0;      ///< since one began to look
  std::chrono::nanoseconds still_for{};
};
enum class judgement : std::uint8_t { wait, fence, alive };

/// Pure. False evidence is safe, since fencing is; beats that go on are the one thing that is believed.
judgement judge(const seen_node& node, std::chrono::nanoseconds grace);

}  // namespace keyrack::persistence
