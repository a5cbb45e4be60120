#include "tests/sim/seeds.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace keyrack::sim {

namespace {

using clock = std::chrono::steady_clock;
constexpr double seconds_between_lines = 20;

thread_local std::uint64_t seed_here = 0;

// Only what a signal handler may do.
void name_seed(int) {
  char line[] = "\nin seed                     \n";
  auto* digit = line + sizeof line - 3;
  for (auto n = seed_here; n != 0; n /= 10) *digit-- = static_cast<char>('0' + n % 10);
  std::ignore = write(STDERR_FILENO, line, sizeof line - 1);
  std::signal(SIGABRT, SIG_DFL);
}

double seconds_since(clock::time_point began) { return std::chrono::duration<double>(clock::now() - began).count(); }

struct progress {
  const seed_range seeds;
  const clock::time_point began = clock::now();
  std::atomic<std::uint64_t> next{seeds.first};
  std::atomic<std::uint64_t> end{seeds.first + seeds.count};
  std::atomic<std::uint64_t> ended{0};
  std::atomic<double> line_at{seconds_between_lines};

  // By whoever ends a seed when it is time.
  void tell() {
    const auto passed = seconds_since(began);
    auto due = line_at.load();
    if (passed < due || !line_at.compare_exchange_strong(due, passed + seconds_between_lines)) return;
    const auto n = static_cast<double>(ended.load());
    const auto rate = n / passed;
    fmt::print("{:.0f} s: {} of {} seeds, {:.0f} a second, {:.0f} s to go\n", passed, ended.load(), seeds.count, rate,
               (static_cast<double>(seeds.count) - n) / rate);
    std::fflush(stdout);
  }
};

}  // namespace

int threads_wanted() {
  if (const char* given = std::getenv("KEYRACK_SIM_THREADS")) return std::max(1, std::atoi(given));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

double for_each_seed(seed_range seeds, bool tells_progress, const std::function<bool(std::uint64_t)>& each,
                     int threads) {
  progress p{.seeds = seeds};
  std::signal(SIGABRT, name_seed);
  const auto work = [&] {
    for (auto seed = p.next++; seed < p.end; seed = p.next++) {
      seed_here = seed;
      if (!each(seed)) {
        auto end = p.end.load();
        while (seed < end && !p.end.compare_exchange_weak(end, seed)) {}
      }
      ++p.ended;
      if (tells_progress) p.tell();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int n = threads; n > 1; --n) others.emplace_back(work);
    work();
  }
  std::signal(SIGABRT, SIG_DFL);
  return seconds_since(p.began);
}

}  // namespace keyrack::sim
