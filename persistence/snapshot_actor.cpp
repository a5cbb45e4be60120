// Keeps snapshots, on a thread and a connection of its own. A snapshot is an optimisation: what cannot be kept now is
// dropped and told, never queued for later.
#include "actors/ports.hpp"
#include "config/log.hpp"
#include "persistence/codec.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_writer.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <optional>
#include <utility>

namespace keyrack::persistence {

namespace {

constexpr auto no_attempt_for = std::chrono::seconds{1};  // after one to connect has failed

// Fenced as an append is; never replaces a later one. The row is read before the payload is written.
constexpr pg_statement sql_save{.name = "save_snapshot", .sql = R"sql(
  WITH me AS MATERIALIZED (
    SELECT incarnation FROM writers WHERE incarnation = $1 AND slot = $2 AND fenced_at IS NULL FOR SHARE)
  INSERT INTO snapshots (hotel_id, seq, writer, at, payload)
  SELECT $3, $4, me.incarnation, clock_timestamp(), $5 FROM me
  ON CONFLICT (hotel_id) DO UPDATE
     SET seq = excluded.seq, writer = excluded.writer, at = excluded.at, payload = excluded.payload
   WHERE snapshots.seq < excluded.seq
)sql"};

// A crash may take the last snapshots with it, and nothing else: their commits went to the disk before them.
constexpr pg_statement sql_do_not_wait{
    .name = "do_not_wait",
    .sql = "SELECT set_config('synchronous_commit', 'off', false)",
};

class snapshot_actor : public snapshot_handle::base {
public:
  snapshot_actor(caf::actor_config& cfg, std::shared_ptr<const journal_environment> environment, int writer)
      : snapshot_handle::base(cfg),
        env_(std::move(environment)),
        me_{.incarnation = env_->incarnation, .slot = writer_rows_of(env_->journal).snapshot_writer(writer)},
        role_(fmt::format("snapshots-{}", writer)),
        reconnects_(env_->counters.reconnects.of({"snapshots"})) {}

  behavior_type make_behavior() override {
    return {[this](const save_snapshot& m) {
      const bool saved = save(*m.state);
      if (const auto asker = current_sender()) {
        caf::anon_send(caf::actor_cast<caf::actor>(asker), snapshot_saved{.seq = m.state->seq, .saved = saved});
      }
    }};
  }

private:
  bool save(const hotel_state& state) {
    if (steady_now() < not_before_ || !connect()) return false;
    const auto payload = encode_snapshot(state);
    pg_params params;
    params.int8(me_.incarnation).int2(me_.slot).int8(state.id.value).int8(state.seq).bytea(payload);
    const auto answer = connection_->run(sql_save, params, deadline());
    if (answer) return answer->affected() == 1;
    failed(answer.error());
    return false;
  }

  bool connect() {
    if (connection_ && connection_->usable()) return true;
    connection_.reset();
    auto made = connect_to(env_->lineage, env_->database, env_->incarnation, role_);
    if (!made) {
      failed(made.error());
      return false;
    }
    connection_.emplace(std::move(*made));
    if (std::exchange(connected_before_, true)) reconnects_.add();
    const auto set = connection_->run(sql_do_not_wait, {}, deadline());
    if (!set) failed(set.error());
    return set.has_value();
  }

  void failed(const pg_error& error) {
    log_warn("snapshot not kept",
             {{"incarnation", me_.incarnation}, {"code", error.sqlstate}, {"detail", error.message}});
    if (error.kind == pg_failure::refused) return;
    connection_.reset();
    not_before_ = steady_now() + no_attempt_for;
  }

  call_deadline deadline() const {
    return call_deadline::in("database.statement_timeout", env_->database.statement_timeout);
  }

  const std::shared_ptr<const journal_environment> env_;
  const writer_id me_;
  const std::string role_;
  counter& reconnects_;
  std::optional<pg_connection> connection_;
  steady_instant not_before_{};
  bool connected_before_ = false;
};

}  // namespace

snapshot_handle spawn_snapshot_writer(caf::actor_system& system, std::shared_ptr<const journal_environment> environment,
                                      int writer) {
  return system.spawn<snapshot_actor, caf::detached>(std::move(environment), writer);
}

}  // namespace keyrack::persistence
