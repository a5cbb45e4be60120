// The node's beat: one row, counted up on a connection and a thread of its own, as a synchronous commit. Every beat brings
// the database's clock and whether the node still has its place. Owns lease and cluster time; refuses to know who asks.
//
//              beat came back            lost, late                fenced, row gone,
//            ┌───────────────┐      ┌──────────────────┐           other server
//            ▼               │      ▼                  │                 │
//      ┌───────────┐   ┌──────────────┐   connected  ┌──────────────┐    ▼
//      │ resting   │──►│ beating      │──────────────│ disconnected │  ended: covers nothing, never again
//      └───────────┘   └──────────────┘              └──────────────┘
//        due, asked for; held back while a journal slot makes no progress
#pragma once

#include "actors/ports.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "persistence/lease.hpp"
#include "persistence/node_registry.hpp"
#include "persistence/slot_board.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace keyrack::persistence {

class heartbeat final : public cluster_clock, public read_lease {
public:
  struct environment {
    database_settings database;
    heartbeat_settings settings;
    std::shared_ptr<const slot_board> board;
    heartbeat_metrics& counters;
    /// The incarnation has lost its place. On the thread that found out, once; must not destroy the heartbeat.
    std::function<void(std::string_view why)> on_fenced;
  };

  /// Takes the connection of the registration over. `start` makes the first beat, so that the clock is set, and then
  /// beats by itself; its error is a sentence.
  heartbeat(registration& place, environment env);
  ~heartbeat() override;
  heartbeat(const heartbeat&) = delete;
  heartbeat& operator=(const heartbeat&) = delete;
  std::expected<void, std::string> start();
  /// Beats no more and covers nothing from now on; nobody is told of a fence. Not on its own thread; idempotent.
  void stop();

  /// Somebody else found out that the incarnation has lost its place: ends the lease at once. Any thread.
  void learn_fenced(std::string_view why);
  bool ended() const { return lease_.ended(); }
  /// The last beat is younger than a lease: the database answers. What readiness asks.
  bool fresh() const { return lease_.covers({.loaded_at = {INT64_MIN}, .decided_at = {INT64_MAX}}, steady_now()); }

  /// Since the sending of the last beat that came back.
  std::chrono::nanoseconds age() const { return steady_now() - lease_.last_sent(); }

  // cluster_clock
  instant now() const override { return clock_.now(steady_now()); }

  // read_lease
  bool covers(const leased& answer) const override;
  void await_beat(const leased& answer, steady_instant deadline, std::function<void(bool)> then) override;

private:
  struct waiter {
    leased answer;
    steady_instant deadline;
    std::function<void(bool)> then;
  };
  enum class beat_end : std::uint8_t { ok, fenced, failed };

  void run();
  void rest_until_due();
  bool held_back();
  void look_for_fence();
  bool connect();
  beat_end beat();
  beat_end take_in(const pg_outcome& outcome, steady_instant sent);
  void lose(std::string_view why, std::string_view code);
  /// Calls back whoever is covered now, or can wait no longer.
  void serve_waiters(steady_instant now);
  void end(std::string_view why);

  const std::int64_t incarnation_;
  const server_lineage lineage_;
  const environment env_;
  std::optional<pg_connection> connection_;
  lease lease_;
  carried_clock clock_;
  steady_instant next_due_{};
  steady_instant last_sent_{};
  int failures_ = 0;                 // since the last beat that came back
  steady_instant answered_since_{};  // when the database came back from its last failure
  bool holding_back_ = false;
  bool clock_alarmed_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<waiter> waiters_;
  bool asked_ = false;
  bool stopping_ = false;
  bool told_fenced_ = false;
  std::thread thread_;
};

}  // namespace keyrack::persistence
