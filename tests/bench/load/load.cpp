// A load generator for HTTP on loopback. With --rate it is open: requests are due at a constant rate whatever the server
// does, and a latency counts from the moment the request was due, so that a stall is seen by all who waited for it
// (a closed loop would ask less while the server is slow, and call it fast). Without --rate it is closed, like wrk.
// It prints one line of JSON. It knows nothing of what it asks for: the requests are in a file.

#include "connection.hpp"
#include "histogram.hpp"
#include "requests.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace keyrack::bench {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// Answers that are under way at the end get this long; what is then missing has failed.
constexpr auto drain_time = std::chrono::seconds{5};
// A server that refuses or drops connections this often in one run is not being measured any more.
constexpr std::uint64_t broken_max = 1000;

struct options {
  std::uint16_t port = 0;
  std::string requests;
  unsigned connections = 64;
  unsigned threads = 1;
  double seconds = 10;
  double warmup_seconds = 0;
  double rate = 0;
  int expected_status = 200;
};

/// What one thread counted. Latencies in microseconds, of requests that were due after the warm-up.
struct tally {
  histogram latency_us;
  std::map<int, std::uint64_t> statuses;
  std::uint64_t broken = 0;
  std::uint64_t unsent = 0;
};

nanoseconds duration_of(double seconds) { return nanoseconds{static_cast<std::int64_t>(seconds * 1e9)}; }

/// One thread's connections and its share of the rate.
class worker {
public:
  worker(const options& opts, const std::vector<rendered_request>& requests, unsigned connections, double rate,
         clock::time_point start)
      : opts_{opts},
        requests_{requests},
        slots_(connections),
        interval_{rate > 0 ? duration_of(1 / rate) : nanoseconds{0}},
        start_{start},
        measured_from_{start + duration_of(opts.warmup_seconds)},
        end_{measured_from_ + duration_of(opts.seconds)},
        next_due_{start} {}

  tally run() {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (auto& slot : slots_) {
      slot = std::make_unique<slot_state>();
      connect(*slot);
    }
    std::this_thread::sleep_until(start_);
    while (clock::now() < end_ && tally_.broken < broken_max) {
      send_due();
      wait(next_wake());
    }
    count_unsent();
    ending_ = true;
    while (under_way_ > 0 && clock::now() < end_ + drain_time && tally_.broken < broken_max) wait(end_ + drain_time);
    tally_.broken += under_way_;
    ::close(epoll_);
    return std::move(tally_);
  }

private:
  struct slot_state {
    connection conn;
    std::string text;
    clock::time_point due;
    bool busy = false;
  };

  [[nodiscard]] bool open_loop() const { return interval_.count() > 0; }

  void connect(slot_state& slot) {
    slot.busy = false;
    if (!slot.conn.open(opts_.port)) {
      ++tally_.broken;
      return;
    }
    epoll_event interest{};
    interest.events = EPOLLIN | EPOLLOUT | EPOLLET;
    interest.data.ptr = &slot;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, slot.conn.socket(), &interest);
    idle_.push_back(&slot);
  }

  void send_due() {
    const auto now = clock::now();
    while (!idle_.empty() && (!open_loop() || next_due_ <= now)) {
      // The one that has rested longest: all connections are used, and none is idle for so long that the server ends it.
      auto& slot = *idle_.front();
      idle_.pop_front();
      slot.due = open_loop() ? next_due_ : now;
      next_due_ += interval_;
      const auto& request = requests_[random_.below(requests_.size())];
      slot.text = request.text;
      if (request.id_at != std::string::npos) write_id(slot.text.data() + request.id_at, random_);
      slot.busy = true;
      ++under_way_;
      slot.conn.send(slot.text);
    }
  }

  // With every connection busy only an answer can wake us usefully.
  [[nodiscard]] clock::time_point next_wake() const {
    return open_loop() && !idle_.empty() ? std::min(next_due_, end_) : end_;
  }

  void wait(clock::time_point until) {
    const auto left = std::max(nanoseconds{0}, nanoseconds{until - clock::now()});
    const timespec timeout{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    epoll_event events[256];
    const int count = ::epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
    for (int i = 0; i < count; ++i) on_socket(*static_cast<slot_state*>(events[i].data.ptr));
  }

  void on_socket(slot_state& slot) {
    const auto found = slot.conn.advance();
    if (found == progress::waiting) return;
    const bool was_busy = std::exchange(slot.busy, false);
    under_way_ -= was_busy ? 1 : 0;
    if (found == progress::broken) {
      ++tally_.broken;
      std::erase(idle_, &slot);
      if (tally_.broken < broken_max) connect(slot);
      return;
    }
    const auto now = clock::now();
    // Of an open loop all that was due counts, however late; a closed one counts what it got within its time.
    if (slot.due >= measured_from_ && (open_loop() || now < end_)) {
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - slot.due);
      tally_.latency_us.add(static_cast<std::uint64_t>(took.count()));
      ++tally_.statuses[slot.conn.status()];
    }
    idle_.push_back(&slot);
    // A closed loop asks again at once; an open one only when the next request is due.
    if (!ending_ && !open_loop()) send_due();
  }

  void count_unsent() {
    if (open_loop() && next_due_ < end_) tally_.unsent = static_cast<std::uint64_t>((end_ - next_due_) / interval_);
  }

  const options& opts_;
  const std::vector<rendered_request>& requests_;
  std::vector<std::unique_ptr<slot_state>> slots_;
  std::deque<slot_state*> idle_;
  nanoseconds interval_;
  clock::time_point start_, measured_from_, end_, next_due_;
  random_source random_;
  tally tally_;
  std::uint64_t under_way_ = 0;
  int epoll_ = -1;
  bool ending_ = false;
};

tally run_all(const options& opts) {
  const auto requests = read_requests(opts.requests, opts.port);
  // Connections are opened before the first request is due.
  const auto start = clock::now() + std::chrono::milliseconds{100};
  std::vector<tally> tallies(opts.threads);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < opts.threads; ++i) {
    const unsigned share = opts.connections / opts.threads + (i < opts.connections % opts.threads ? 1 : 0);
    threads.emplace_back([&opts, &requests, &out = tallies[i], share, start] {
      out = worker{opts, requests, share, opts.rate / opts.threads, start}.run();
    });
  }
  for (auto& thread : threads) thread.join();
  tally all;
  for (const auto& one : tallies) {
    all.latency_us.merge(one.latency_us);
    for (const auto& [status, count] : one.statuses) all.statuses[status] += count;
    all.broken += one.broken;
    all.unsent += one.unsent;
  }
  return all;
}

void print(const options& opts, const tally& all) {
  const auto found = all.statuses.find(opts.expected_status);
  const auto succeeded = found == all.statuses.end() ? 0 : found->second;
  const auto milliseconds = [&](double percent) {
    return static_cast<double>(all.latency_us.percentile(percent)) / 1000.0;
  };
  std::printf("{\"succeeded\":%lu,\"failed\":%lu,\"unsent\":%lu,\"broken\":%lu,\"seconds\":%.3f,\"p50_ms\":%.3f,"
              "\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,\"statuses\":{",
              succeeded, all.latency_us.total() - succeeded + all.broken, all.unsent, all.broken, opts.seconds,
              milliseconds(50), milliseconds(99), milliseconds(99.9),
              static_cast<double>(all.latency_us.max()) / 1000.0);
  const char* separator = "";
  for (const auto& [status, count] : all.statuses) {
    std::printf("%s\"%d\":%lu", separator, status, count);
    separator = ",";
  }
  std::printf("}}\n");
}

options parse(int argc, char** argv) {
  options opts;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port")
      opts.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--requests")
      opts.requests = value;
    else if (name == "--connections")
      opts.connections = static_cast<unsigned>(std::atoi(value));
    else if (name == "--threads")
      opts.threads = static_cast<unsigned>(std::atoi(value));
    else if (name == "--seconds")
      opts.seconds = std::atof(value);
    else if (name == "--warmup")
      opts.warmup_seconds = std::atof(value);
    else if (name == "--rate")
      opts.rate = std::atof(value);
    else if (name == "--expect")
      opts.expected_status = std::atoi(value);
    else
      throw std::runtime_error("unknown option " + name);
  }
  if (argc % 2 == 0 || opts.port == 0 || opts.requests.empty() || opts.connections == 0 || opts.threads == 0 ||
      opts.threads > opts.connections || opts.seconds <= 0 || opts.rate < 0) {
    throw std::runtime_error("usage: load --port N --requests FILE [--connections 64] [--threads 1] [--seconds 10] "
                             "[--warmup 0] [--rate PER_SECOND] [--expect STATUS]");
  }
  return opts;
}

}  // namespace
}  // namespace keyrack::bench

int main(int argc, char** argv) {
  try {
    const auto opts = keyrack::bench::parse(argc, argv);
    keyrack::bench::print(opts, keyrack::bench::run_all(opts));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "load: " << error.what() << '\n';
    return 2;
  }
}
