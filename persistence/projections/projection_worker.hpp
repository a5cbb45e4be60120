// One projector's work, a batch at a time and without a thread of its own: read the journal after the position, fold,
// write. Owns its connection, and what it believes of position and sequences until the database says otherwise. Refuses to
// know when it should work.
#pragma once

#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"
#include "persistence/projections/fold.hpp"
#include "persistence/projections/journal_follower.hpp"
#include "persistence/projections/projection_tables.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace keyrack::persistence {

struct projection_step {
  enum class outcome : std::uint8_t {
    caught_up,  ///< all that is complete has been projected
    behind,     ///< a bound ended the batch: there may be more
    lost_race,  ///< another projector has moved the position meanwhile
    failed,     ///< the database did not answer, or refused; `why`
    poisoned,   ///< a commit cannot be projected; nothing behind it will be; `why`
  } what{};
  std::size_t commits = 0;  ///< projected by this step
  std::string why;
};

class projection_worker {
public:
  projection_worker(database_settings database, projector_settings projector, std::int64_t incarnation);

  /// Connects if it must, and projects one batch. Never throws; whatever fails, the next step begins from what the
  /// database holds.
  projection_step step();

  /// How far the projection is behind. Fails when no step has connected yet, or the last one failed.
  std::expected<journal_lag, pg_error> lag();
  std::expected<std::uint64_t, pg_error> newest_in_journal();

private:
  using progress = std::expected<void, projection_step>;  // else what the step ends with

  journal_follower follower();
  projection_tables tables();
  progress connect();
  progress take_position();
  progress reconcile(const std::string& lineage);
  progress drop_lost_tails();
  progress catch_up(hotel_id hotel);
  progress learn(const journal_batch& batch);
  progress write(const projection_fold& fold, const journal_position& to);
  progress project(const journal_batch& batch, std::size_t& projected);
  std::unexpected<projection_step> failed(const pg_error& error);
  std::unexpected<projection_step> poisoned(std::string why);
  std::unexpected<projection_step> lost_race();
  void doubt_everything();

  database_settings database_;
  projector_settings projector_;
  std::string name_;
  std::optional<pg_connection> connection_;
  std::optional<journal_position> position_;
  known_sequences known_;
  int commits_max_;  // shrinks when batches do not end in time
};

}  // namespace keyrack::persistence
