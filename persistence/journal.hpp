// The journal of a node: its slots, readers and snapshot writers as actors, and what they share. Owns how they are
// started; what they do is theirs.
#pragma once

#include "actors/interfaces.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "persistence/server_lineage.hpp"
#include "persistence/slot_board.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace caf {
class actor_system;
}

namespace keyrack::persistence {

/// What the journal's actors of one incarnation share. `counters` outlives them.
struct journal_environment {
  database_settings database;
  journal_settings journal;
  std::int64_t incarnation = 0;
  server_lineage lineage;  ///< of the server that the incarnation was registered at
  std::shared_ptr<slot_board> board;
  journal_metrics& counters;
  /// The incarnation has lost its place: found by a slot, told with a sentence. Any thread, perhaps more than once.
  std::function<void(std::string_view why)> on_fenced;
};

/// The rows of `writers` of an incarnation: journal slots from 0, then snapshot writers, then the node's own row, for
/// what it writes about shards. All are made in one transaction, before anybody sees the node.
struct writer_rows {
  int slots = 0;
  int snapshot_writers = 0;
  std::int16_t slot(int n) const { return static_cast<std::int16_t>(n); }
  std::int16_t snapshot_writer(int n) const { return static_cast<std::int16_t>(slots + n); }
  std::int16_t node() const { return static_cast<std::int16_t>(slots + snapshot_writers); }
  int count() const { return slots + snapshot_writers + 1; }
};
writer_rows writer_rows_of(const journal_settings& settings);

/// Starts all of it, each actor with a thread and a connection of its own, which it makes and remakes by itself.
journal_handles spawn_journal(caf::actor_system& system, std::shared_ptr<const journal_environment> environment);

journal_slot_handle spawn_journal_slot(caf::actor_system& system,
                                       std::shared_ptr<const journal_environment> environment, int slot);
journal_reader_handle spawn_journal_reader(caf::actor_system& system,
                                           std::shared_ptr<const journal_environment> environment, int reader);
snapshot_handle spawn_snapshot_writer(caf::actor_system& system, std::shared_ptr<const journal_environment> environment,
                                      int writer);

}  // namespace keyrack::persistence
