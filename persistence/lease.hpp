// What the beats prove: whether an answer from memory may leave, and what time it is in the cluster. Pure bookkeeping, told
// when beats were sent and what they brought; refuses to know connections and threads. Reading is lock-free, on any thread.
#pragma once

#include "actors/envelope.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace keyrack::persistence {

/// The read lease (architecture §6). It belongs to the incarnation, and ends for good when that is fenced.
class lease {
public:
  explicit lease(std::chrono::nanoseconds length) : length_(length) {}

  /// A beat that was sent at `sent` has come back, unfenced. Beats come back in the order they are sent.
  void beat_completed(steady_instant sent) { last_sent_.store(sent.ns); }
  void end() { ended_.store(true); }
  bool ended() const { return ended_.load(); }
  /// Of the last beat that came back; long ago when there was none.
  steady_instant last_sent() const { return {last_sent_.load()}; }

  /// True when the last completed beat was sent less than a lease ago and after the hotel was loaded, or after the
  /// answer was decided, however long ago.
  bool covers(const leased& answer, steady_instant now) const {
    const steady_instant sent{last_sent_.load()};
    if (ended()) return false;
    return sent > answer.decided_at || (sent > answer.loaded_at && now - sent < length_);
  }

private:
  static constexpr std::int64_t never = INT64_MIN / 2;
  const std::chrono::nanoseconds length_;
  std::atomic<std::int64_t> last_sent_{never};
  std::atomic<bool> ended_{false};
};

/// Cluster time: the database's clock as of the beats, carried on by the node's steady clock. Never goes back.
class carried_clock {
public:
  explicit carried_clock(std::chrono::microseconds step_max) : step_max_(step_max) {}

  enum class correction : std::uint8_t { none, followed, refused };

  /// The database said `read` at some moment between `sent` and `received`. What is possible within these bounds is
  /// kept; what is not is followed when it is a small step, and refused when it is larger. The first reading is
  /// believed. One thread only.
  correction correct(steady_instant sent, steady_instant received, instant read);

  /// REQUIRES: `correct` was called before.
  instant now(steady_instant steady) const;
  bool set() const { return set_.load(); }

  /// How far the last reading was from what the clock said.
  std::chrono::microseconds last_step() const { return std::chrono::microseconds{last_step_.load()}; }

private:
  const std::chrono::microseconds step_max_;
  std::atomic<bool> set_{false};
  std::atomic<std::int64_t> offset_us_{0};  // cluster time less steady time
  std::atomic<std::int64_t> last_step_{0};
  mutable std::atomic<std::int64_t> told_us_{INT64_MIN};  // the latest that was ever told
};

}  // namespace keyrack::persistence
