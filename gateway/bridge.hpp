// The bridge between coroutines and actors: hands commands to the router, bounds what is in flight, and resumes the
// waiting coroutine with the answer. Owns correlation ids and deadlines: whoever waits is resumed in time, answered or not.
// Refuses to know HTTP. Everything but `deliver`, `complete` and `close` belongs to the gateway's one thread.
//
//   ask ──► slot ──► queue ──wake, once──► drain ──► router … deliver (any thread) ──► queue ──wake, once──► drain ──► goes on
//             └── expire: the deadline passed ───────────────────────────────────────►┘
#pragma once

#include "actors/ports.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace keyrack::gateway {

struct bridge_bounds {
  std::size_t in_flight_max = 8'192;
  std::size_t per_hotel_max = 4'096;
};

/// What the bridge counts; read by the metrics.
struct bridge_counts {
  std::uint64_t late_answers = 0;
  std::uint64_t refused_node = 0;
  std::uint64_t refused_hotel = 0;
};

class bridge final : public reply_port, public std::enable_shared_from_this<bridge> {
public:
  /// `wake` must have `drain` called on the gateway's thread, soon; it is called by any thread, never again after `close`.
  bridge(router& to, bridge_bounds bounds, std::function<void()> wake);

  // Called by others, on any thread.
  void deliver(std::vector<reply> replies) override;
  void complete(std::uint64_t correlation);

  // Called on the gateway's thread.
  /// Resumes those whose answers have come, and sends on what was asked since: all of it at a time, so that a hotel that is
  /// asked by many is woken once, and commits what they ask together.
  void drain();
  /// Resumes all whose deadline has passed.
  void expire(steady_instant now);
  /// Resumes all that wait: commands may have been applied.
  void fail_all();
  /// Nothing is taken any more, and `wake` is not called again. Whoever asks from now on is refused.
  void close();
  std::size_t in_flight() const { return in_flight_; }
  const bridge_counts& counts() const { return counts_; }

  /// Sends the envelope and awaits its answer: `co_await bridge.ask(std::move(e))` is an answer_envelope. Over a bound it is
  /// `overloaded`, and `hotel_bound` is set when that bound was the hotel's. Gives up some time after `e.deadline`, so that
  /// the router's own, better answer comes first.
  class asking;
  asking ask(envelope e, bool& hotel_bound);

  /// Asks something that answers by a callback on another thread: `start(then)` begins it.
  template <typename T>
  class looking;
  template <typename T, typename Start>
  looking<T> look_up(steady_instant deadline, Start start);

private:
  struct slot {
    std::coroutine_handle<> waiting;
    answer_envelope* answer = nullptr;  ///< in the waiting coroutine
    bool* timed_out = nullptr;          ///< in the waiting coroutine
    steady_instant deadline{};
    hotel_id hotel{};
    std::uint32_t generation = 0;
    bool of_hotel = false;
  };
  slot* find(std::uint64_t correlation);
  std::uint64_t occupy(slot with);
  void release(std::size_t index);
  void resume(std::uint64_t correlation, answer_envelope* answer);
  void give_up(std::size_t index);
  void push_and_wake(std::unique_lock<std::mutex> held);
  void send_asked();

  router& router_;
  const bridge_bounds bounds_;
  const std::function<void()> wake_;

  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  boost::unordered_flat_map<hotel_id, std::uint32_t, std::hash<hotel_id>> per_hotel_;
  std::size_t in_flight_ = 0;
  std::vector<envelope_ptr> asked_;  // not sent on yet
  bool draining_ = false;
  bool ended_ = false;
  bridge_counts counts_;

  std::mutex mutex_;  // guards what follows: what comes from other threads
  std::vector<reply> replies_;
  std::vector<std::uint64_t> completions_;
  bool woken_ = false;
  bool closed_ = false;

  std::vector<reply> replies_taken_;
  std::vector<std::uint64_t> completions_taken_;
};

class bridge::asking {
public:
  asking(bridge& over, envelope e, bool& hotel_bound)
      : over_(over), envelope_(std::move(e)), hotel_bound_(hotel_bound) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiting);
  answer_envelope await_resume();

private:
  bridge& over_;
  envelope envelope_;
  bool& hotel_bound_;
  bool timed_out_ = false;
  answer_envelope answer_;
};

/// The result arrives in a box of its own, so that a callback that comes too late finds a place, if not a reader.
template <typename T>
class bridge::looking {
public:
  using begin = std::function<void(std::function<void(T)>)>;
  looking(bridge& over, steady_instant deadline, begin start)
      : over_(over), deadline_(deadline), start_(std::move(start)) {}
  bool await_ready() { return over_.ended_ || over_.in_flight_ >= over_.bounds_.in_flight_max; }
  void await_suspend(std::coroutine_handle<> waiting) {
    const auto correlation = over_.occupy({.waiting = waiting, .timed_out = &timed_out_, .deadline = deadline_});
    // The callback may come at once, on another thread; the coroutine goes on only in `drain`, on this one.
    start_([box = box_, over = over_.shared_from_this(), correlation](T result) {
      *box = std::move(result);
      over->complete(correlation);
    });
  }
  /// Nothing when it was not asked (over the bound) or did not answer in time.
  std::optional<T> await_resume() { return timed_out_ ? std::nullopt : std::move(*box_); }

private:
  bridge& over_;
  steady_instant deadline_;
  begin start_;
  std::shared_ptr<std::optional<T>> box_ = std::make_shared<std::optional<T>>();
  bool timed_out_ = false;
};

template <typename T, typename Start>
bridge::looking<T> bridge::look_up(steady_instant deadline, Start start) {
  return looking<T>{*this, deadline, typename looking<T>::begin{std::move(start)}};
}

}  // namespace keyrack::gateway
