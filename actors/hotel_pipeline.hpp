// The order in which a hotel's commands, commits and answers follow each other; the one place where "nobody sees what the
// journal does not hold" is kept. Pure: it takes what happened and says what to do. It refuses to know actors, threads,
// clocks and the database, so that a simulation can drive it through every order of events.
//
//            envelope              append_done: applied
//          ┌──────────┐           ┌──────────────────┐
//          ▼          │           ▼                  │
//   ┌───────────────────┐  send ┌──────────────────────┐
//   │ idle              │──────►│ appending            │──┐ envelope: decide, evolve, let the next commit grow
//   │ (all is durable)  │       │ (one commit on way)  │◄─┘
//   └───────┬───────────┘       └──────┬───────────────┘
//           │ retire                   │ append_done: anything else
//           ▼                          ▼
//      finished                     failed: everything is given back, nothing is decided any more
#pragma once

#include "actors/domain/hotel/evolve.hpp"
#include "actors/envelope.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace keyrack {

/// When a snapshot is worth its cost: after so many events, or as many as the hotel has reservations, whichever is more,
/// so that the work per event stays constant for a hotel of any size.
struct snapshot_policy {
  std::uint64_t events = 1'000;
};

class hotel_pipeline {
public:
  /// What the shell has to do, in this order.
  struct effects {
    struct answer {
      envelope_ptr to;
      answer_envelope what;
      steady_instant arrived;  ///< when its envelope came
    };
    std::vector<answer> answers;           ///< deliver
    std::vector<envelope_ptr> given_back;  ///< bounce, for the reason `why`
    std::vector<envelope_ptr> in_doubt;    ///< bounce for the same reason, but they may have been applied
    failure why;
    commit_ptr append;                            ///< send to the journal; null: nothing
    std::vector<std::uint64_t> read;              ///< read these events from the journal
    std::shared_ptr<const hotel_state> snapshot;  ///< durable: keep it
  };

  /// `loaded` is what the journal held when it was read, which ended before `loaded_at`, by `incarnation`; the events after
  /// `snapshot_seq` are in no snapshot yet.
  hotel_pipeline(hotel_state loaded, std::uint64_t snapshot_seq, steady_instant loaded_at, std::int64_t incarnation,
                 snapshot_policy policy);

  /// A command or query has arrived. Commands past their deadline are refused undecided.
  void on_envelope(envelope_ptr e, const moment& now, steady_instant steady, effects& out);

  /// The timer: records what has lapsed.
  void on_tick(const moment& now, effects& out);

  /// The journal has answered. Anything but `applied` ends this pipeline: see `failed()`.
  void on_append_done(const append_result& result, std::uint64_t first_seq, effects& out);

  /// An event that was asked for with `effects::read`; null when it could not be read.
  void on_event_read(std::uint64_t seq, std::shared_ptr<const event> what, effects& out);

  /// The incarnation is fenced: gives everything back.
  void on_fenced(effects& out);

  /// The last snapshot, if there is something new to keep. REQUIRES: `idle()`. The pipeline is empty afterwards.
  std::shared_ptr<const hotel_state> last_snapshot();

  /// Nothing is on the way: no commit, no answer, no reading.
  bool idle() const { return !in_flight_ && unwritten_.empty() && waiting_.empty() && reading_.empty(); }
  bool failed() const { return failed_; }

  /// Tentative: includes what is decided and not yet durable.
  const hotel_state& state() const { return state_; }
  std::uint64_t durable_seq() const { return durable_seq_; }
  std::size_t waiting() const { return waiting_.size(); }

private:
  struct waiting_answer {
    envelope_ptr to;
    std::uint64_t needs = 0;        // leaves when the journal holds this sequence number
    std::uint64_t sent_before = 0;  // appends that had been sent when it was decided
    steady_instant decided_at;
    std::uint64_t event_seq = 0;  // of a `done`: the event that it is rendered from
    std::variant<done, refusal, std::shared_ptr<const view>, failure> body;
  };

  void decide_command(const envelope_ptr& e, const moment& now, steady_instant steady, effects& out);
  void answer_query(const envelope_ptr& e, const moment& now, steady_instant steady);
  void adopt(std::vector<event> events);
  void answer_repeated(const envelope_ptr& e, std::uint64_t seq, steady_instant steady, effects& out);
  void append_if_idle(effects& out);
  void release_durable(effects& out);
  answer_envelope finished(const waiting_answer& w) const;
  void give_back_all(failure why, bool commit_in_doubt, effects& out);

  hotel_state state_;
  const steady_instant loaded_at_;
  const std::int64_t incarnation_;
  const snapshot_policy policy_;
  std::uint64_t durable_seq_ = 0;
  std::uint64_t appends_sent_ = 0;
  std::uint64_t snapshot_seq_ = 0;
  bool failed_ = false;

  commit unwritten_commit_;  // grows while an append is on its way
  std::vector<event>& unwritten_ = unwritten_commit_.events;
  commit_ptr in_flight_;
  commit_ptr last_applied_;                                   // its answers are rendered from its events
  std::shared_ptr<const hotel_state> snapshot_when_durable_;  // of the state at the end of `in_flight_`
  std::deque<waiting_answer> waiting_;                        // in the order of their decisions, so of `needs`
  struct waiting_reader {
    envelope_ptr to;
    steady_instant arrived;
  };
  std::map<std::uint64_t, std::vector<waiting_reader>> reading_;  // repeated requests, by the event that answers them
};

}  // namespace keyrack
