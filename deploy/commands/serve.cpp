// `keyrack serve`: one node, from start to drain. The composition root: every module is made here, handed what it needs, and
// ended in the opposite order.
#include "cluster/node_router.hpp"
#include "config/log.hpp"
#include "config/metrics.hpp"
#include "deploy/commands/commands.hpp"
#include "deploy/commands/incarnation.hpp"
#include "gateway/server.hpp"
#include "persistence/projections/hold_sweep.hpp"
#include "persistence/projections/projector.hpp"
#include "persistence/records.hpp"
#include "persistence/schema.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

namespace keyrack::deploy {

namespace {

caf::actor_system_config actor_system_config_of(const settings& settings) {
  caf::actor_system_config config;
  config.add_message_types<caf::id_block::keyrack_actors>();
  // Work sharing wakes a thread at once; work stealing polls, and sleeps up to 10 ms when there is little to do.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-throughput", static_cast<std::size_t>(settings.node.messages_per_turn));
  // Actors never block, and one thread too many costs two switches for every message that wakes it.
  const auto by_machine = static_cast<int>(std::thread::hardware_concurrency() / 2);
  const int threads = settings.node.scheduler_threads > 0 ? settings.node.scheduler_threads : std::max(1, by_machine);
  config.set("scheduler.max-threads", static_cast<std::size_t>(threads));
  return config;
}

/// What the main thread waits for: a signal to stop, or the end of an incarnation.
class node_events {
public:
  node_events() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // before any thread, so that all inherit it
    std::signal(SIGPIPE, SIG_IGN);
  }
  void listen() {
    waiter_ = std::thread{[this] {
      int caught = 0;
      sigwait(&signals_, &caught);
      log_info("stopping", {{"signal", caught == SIGINT ? "SIGINT" : "SIGTERM"}});
      set([&] { stop_ = true; });
    }};
    waiter_.detach();  // it holds nothing, and ends with the process
  }
  void fenced(std::string why) {
    set([&] { fenced_ = std::move(why); });
  }
  /// Until something happens: the reason of a fence, or nothing when it is time to stop.
  std::optional<std::string> wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return stop_ || fenced_; });
    return stop_ ? std::nullopt : std::exchange(fenced_, std::nullopt);
  }
  /// Waits so long, or until it is time to stop.
  bool stopped_within(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, time, [&] { return stop_; });
  }

private:
  template <typename Change>
  void set(Change change) {
    const std::scoped_lock lock{mutex_};
    change();
    changed_.notify_all();
  }
  sigset_t signals_{};
  std::thread waiter_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::optional<std::string> fenced_;
};

class node {
public:
  node(const settings& settings, node_events& events)
      : settings_(settings),
        events_(events),
        counters_(program_version()),
        config_(actor_system_config_of(settings)),
        system_(config_),
        router_(cluster::node_router::start(system_, {}, counters_)),
        records_(settings.database, settings.records, counters_.records, 0),
        server_(settings.gateway,
                gateway::server_needs{*router_, lease_, lease_, records_, counters_.gateway, [this] { return ready(); },
                                      [this] { return metrics_text(counters_); }}) {
    counters_.registry.before_reading([this] {
      if (const auto now = lease_.current()) counters_.hotel.waiting.set(now->commands_waiting());
    });
  }

  /// The gateway listens first and tells that it is not ready; the place is taken behind it.
  int run() {
    server_.start();
    log_info("listening", {{"address", http_address()}});
    if (settings_.gateway.host == "127.0.0.1" || settings_.gateway.host == "::1") {
      log_info("listening on loopback only: there is no authentication yet; gateway.host opens it to others");
    } else {
      log_warn("listening beyond loopback without authentication: whoever reaches this port may change everything");
    }
    if (!begin_incarnation()) return exit_failed;
    while (const auto why = events_.wait()) {
      log_error("this incarnation has lost its place; taking a new one", {{"detail", *why}});
      end_incarnation();
      while (!begin_incarnation()) {
        if (events_.stopped_within(retry_place_after)) return leave();
      }
    }
    return leave();
  }

private:
  static constexpr std::chrono::milliseconds retry_place_after{500};

  std::string http_address() const { return fmt::format("http://{}:{}", settings_.gateway.host, server_.port()); }

  bool begin_incarnation() {
    auto begun = incarnation::begin({system_, settings_, router_, counters_, http_address(),
                                     [this](std::string why) { events_.fenced(std::move(why)); }});
    if (!begun) {
      log_error("this node cannot take its place", {{"detail", begun.error()}});
      if (!lease_.current() && !was_ready_) complain(begun.error());
      return false;
    }
    std::shared_ptr<incarnation> current{std::move(*begun)};
    projector_.emplace(settings_.database, settings_.projector, counters_.projector, current->id());
    sweep_.emplace(settings_.database, settings_.hotels, current->id(), current->heartbeat(),
                   [region = current->region()](hotel_id id) { caf::anon_send(region, wake_hotel{id}); });
    lease_.use(std::move(current));
    was_ready_ = true;
    return true;
  }

  void end_incarnation() {
    sweep_.reset();
    projector_.reset();
    lease_.use(nullptr);
  }

  int leave() {
    const bool drained = server_.drain(settings_.gateway.drain_timeout);
    if (!drained) log_warn("some requests were not finished in time");
    sweep_.reset();  // it would wake who is put to sleep
    if (const auto current = lease_.current()) {
      current->leave(settings_.gateway.drain_timeout);
    }
    end_incarnation();
    server_.stop();
    log_info("stopped");
    return exit_ok;
  }

  readiness ready() const {
    const auto current = lease_.current();
    if (!current)
      return {false,
              {"this node has no place in the cluster: the database is away, or another process runs under its name"}};
    if (!current->heartbeat().fresh()) return {false, {"the database does not answer the heartbeat"}};
    return {true, {}};
  }

  const settings& settings_;
  node_events& events_;
  metrics counters_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  std::shared_ptr<cluster::node_router> router_;
  current_lease lease_;
  persistence::pg_records records_;  // outlives incarnations: it only reads the journal, and people need no fence
  gateway::server server_;
  std::optional<persistence::projector> projector_;
  std::optional<persistence::hold_sweep> sweep_;
  bool was_ready_ = false;
};

}  // namespace

int serve(const settings& settings) {
  node_events events;
  start_log(settings.log);
  events.listen();
  if (auto status = persistence::migrate(settings.database); !status) {
    complain(status.error());
    stop_log();
    return exit_failed;
  }
  int status = exit_failed;
  {
    node n{settings, events};
    status = n.run();
  }
  stop_log();
  return status;
}

}  // namespace keyrack::deploy
