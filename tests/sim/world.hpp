// One thread, one seed, virtual time: the ground that a simulation stands on. Everything that happens is an event in one queue,
// and everything that is left to chance is drawn from one generator, so that a seed replays exactly.
#pragma once

#include "actors/envelope.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace keyrack::sim {

using duration = std::chrono::microseconds;
using namespace std::chrono_literals;

class world {
public:
  explicit world(std::uint64_t seed) : random_(seed) {}

  /// Virtual time since the beginning.
  duration now() const { return now_; }
  steady_instant steady() const { return {1'000 + std::chrono::nanoseconds{now_}.count()}; }
  instant cluster_time() const { return std::chrono::sys_days{std::chrono::year{2030} / 1 / 1} + now_; }

  void after(duration delay, std::function<void()> what) {
    queue_.push({now_ + std::max(delay, duration{0}), ++order_, std::move(what)});
  }

  /// Runs until nothing is left before `until`.
  void run_until(duration until) {
    while (!queue_.empty() && queue_.top().at <= until) {
      auto next = queue_.top();
      queue_.pop();
      now_ = next.at;
      next.what();
    }
    now_ = until;
  }

  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random_() % n; }
  bool chance(double p) { return static_cast<double>(random_() % 1'000'000) < p * 1e6; }
  duration between(duration low, duration high) {
    return low + duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()) + 1))};
  }

  /// What happened, folded into one number: two runs of a seed must end with the same.
  void trace(std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0) {
    for (const char c : what) mix(static_cast<std::uint64_t>(c));
    mix(a);
    mix(b);
    mix(static_cast<std::uint64_t>(now_.count()));
  }
  std::uint64_t trace_hash() const { return hash_; }

private:
  void mix(std::uint64_t v) { hash_ = (hash_ ^ v) * 0x100000001B3ULL; }
  struct scheduled {
    duration at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const scheduled& other) const { return std::pair{at, order} > std::pair{other.at, other.order}; }
  };
  std::mt19937_64 random_;
  duration now_{};
  std::uint64_t order_ = 0;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  std::priority_queue<scheduled> queue_;
};

}  // namespace keyrack::sim
