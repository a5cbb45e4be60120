// One thread, one seed, virtual time: the ground that a simulation stands on. Everything that happens is an event in one queue,
// and everything that is left to chance is drawn from one generator, so that a seed replays exactly.
#pragma once

#include "actors/envelope.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace keyrack::sim {

using duration = std::chrono::microseconds;
using namespace std::chrono_literals;

/// What happens at some time, once.
using happening = std::move_only_function<void()>;

class world {
public:
  explicit world(std::uint64_t seed) : random_(seed) {}

  /// Virtual time since the beginning.
  duration now() const { return now_; }

  void after(duration delay, happening what) {
    std::uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(what_.size());
      what_.push_back(std::move(what));
    } else {
      place = free_.back();
      free_.pop_back();
      what_[place] = std::move(what);
    }
    queue_.push_back({now_ + std::max(delay, duration{0}), ++order_, place});
    std::ranges::push_heap(queue_, later{});
  }

  /// Runs until nothing is left before `until`.
  void run_until(duration until) {
    while (!queue_.empty() && queue_.front().at <= until) {
      std::ranges::pop_heap(queue_, later{});
      const auto next = queue_.back();
      queue_.pop_back();
      now_ = next.at;
      auto what = std::exchange(what_[next.place], nullptr);
      free_.push_back(next.place);
      what();
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
    std::uint32_t place;  // in `what_`: the heap moves small things only
  };
  struct later {
    bool operator()(const scheduled& a, const scheduled& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  std::mt19937_64 random_;
  duration now_{};
  std::uint64_t order_ = 0;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  std::vector<scheduled> queue_;  // a heap, the earliest first
  std::vector<happening> what_;
  std::vector<std::uint32_t> free_;  // places in `what_`
};

}  // namespace keyrack::sim
