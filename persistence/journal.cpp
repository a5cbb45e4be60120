#include "persistence/journal.hpp"

namespace keyrack::persistence {

writer_rows writer_rows_of(const journal_settings& settings) {
  return {.slots = settings.slots, .snapshot_writers = settings.snapshot_writers};
}

journal_handles spawn_journal(caf::actor_system& system, std::shared_ptr<const journal_environment> environment) {
  journal_handles handles;
  const auto& s = environment->journal;
  for (int i = 0; i < s.slots; ++i) handles.slots.push_back(spawn_journal_slot(system, environment, i));
  for (int i = 0; i < s.readers; ++i) handles.readers.push_back(spawn_journal_reader(system, environment, i));
  for (int i = 0; i < s.snapshot_writers; ++i) {
    handles.snapshots.push_back(spawn_snapshot_writer(system, environment, i));
  }
  return handles;
}

}  // namespace keyrack::persistence
