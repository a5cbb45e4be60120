// `keyrack serve`: one node, from start to drain. The composition root: every module is made here, handed what it needs, and
// ended in the opposite order.
#include "cluster/forwarding.hpp"
#include "cluster/node_router.hpp"
#include "config/log.hpp"
#include "config/metrics.hpp"
#include "deploy/commands/commands.hpp"
#include "deploy/commands/incarnation.hpp"
#include "deploy/commands/planner.hpp"
#include "gateway/server.hpp"
#include "persistence/operations.hpp"
#include "persistence/projections/hold_sweep.hpp"
#include "persistence/projections/projector.hpp"
#include "persistence/records.hpp"
#include "persistence/schema.hpp"
#include "persistence/value_codec.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

namespace keyrack::deploy {

namespace {

std::expected<void, std::string> prepare(caf::actor_system_config& config, const settings& settings) {
  config.add_message_types<caf::id_block::keyrack_actors>();
  // Work sharing wakes a thread at once; work stealing polls, and sleeps up to 10 ms when there is little to do.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-throughput", static_cast<std::size_t>(settings.node.messages_per_turn));
  // Actors never block, and one thread too many costs two switches for every message that wakes it.
  const auto by_machine = static_cast<int>(std::thread::hardware_concurrency() / 2);
  const int threads = settings.node.scheduler_threads > 0 ? settings.node.scheduler_threads : std::max(1, by_machine);
  config.set("scheduler.max-threads", static_cast<std::size_t>(threads));
  return cluster::transport::prepare(config, settings.transport);
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
  node(const settings& settings, node_events& events, caf::actor_system_config& config)
      : settings_(settings),
        events_(events),
        counters_(program_version()),
        system_(config),
        router_(cluster::node_router::start(system_, {}, counters_)),
        peers_(std::make_shared<cluster::forwarding>(cluster::forwarding::environment{
            .router = router_,
            .lease = lease_,
            .values = persistence::disk_value_codec(),
            .counters = counters_,
            .on_routes_changed = [this] { nudge(); },
            .on_prepare =
                [this](shard_id shard, std::vector<hotel_id> hotels, std::function<void()> done) {
                  if (const auto current = lease_.current()) {
                    current->prepare(shard, std::move(hotels), std::move(done));
                  } else {
                    done();
                  }
                },
        })),
        records_(settings.database, settings.records, counters_.records, 0),
        operators_({.database = settings.database,
                    .planner = coordinators_planner(),
                    .grace = settings.heartbeat.grace,
                    .counted = counters_.records}),
        server_(settings.gateway,
                gateway::server_needs{*router_, lease_, lease_, records_, operators_, counters_.gateway,
                                      [this] { return ready(); }, [this] { return metrics_text(counters_); }}) {
    counters_.registry.before_reading([this] {
      if (const auto now = lease_.current()) counters_.hotel.waiting.set(now->commands_waiting());
    });
  }

  /// The gateway listens first and tells that it is not ready; the place is taken behind it.
  int run() {
    if (!open_network()) return exit_failed;
    const closing close{*this};
    return serve();
  }

private:
  /// Also when serving ends by an exception, such as a port that is taken: router, peers and network hold each other, and the
  /// actor system waits for all that lives on it.
  struct closing {
    node& of;
    ~closing() {
      of.server_.stop();
      of.network_->stop();
      of.peers_->use(nullptr);
      of.router_->use_peers(nullptr);
    }
  };

  int serve() {
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

  static constexpr std::chrono::milliseconds retry_place_after{500};

  bool open_network() {
    auto opened = cluster::transport::start(
        system_, {.settings = settings_.transport,
                  .counters = &counters_,
                  .on_request =
                      [peers = peers_](std::int64_t from, const std::string& bytes, steady_instant deadline,
                                       cluster::transport::respond respond) {
                        peers->on_request(from, bytes, deadline, std::move(respond));
                      },
                  .on_links_changed = [this] { nudge(); },
                  .versions = {}});
    if (!opened) {
      log_error("other nodes cannot reach this one", {{"detail", opened.error()}});
      complain(opened.error());
      return false;
    }
    network_ = std::move(*opened);
    peers_->use(network_);
    router_->use_peers(peers_);
    return true;
  }

  void nudge() {
    if (const auto current = lease_.current()) current->nudge();
  }

  std::string actor_address() const {
    const auto& t = settings_.transport;
    return fmt::format("{}:{}", t.advertise.empty() ? t.host : t.advertise, network_->port());
  }

  std::string http_address() const { return fmt::format("http://{}:{}", settings_.gateway.host, server_.port()); }

  bool begin_incarnation() {
    auto begun =
        incarnation::begin({.system = system_,
                            .settings = settings_,
                            .router = router_,
                            .network = network_,
                            .peers = peers_,
                            .counters = counters_,
                            .addresses = {.actor = actor_address(), .http = http_address()},
                            .on_role = [this](incarnation_id me, bool coordinates) { project(me, coordinates); },
                            .on_fenced = [this](std::string why) { events_.fenced(std::move(why)); }});
    if (!begun) {
      log_error("this node cannot take its place", {{"detail", begun.error()}});
      if (!lease_.current() && !was_ready_) complain(begun.error());
      return false;
    }
    std::shared_ptr<incarnation> current{std::move(*begun)};
    sweep_.emplace(settings_.database, settings_.hotels, current->id(), current->heartbeat(),
                   [region = current->region()](hotel_id id) { caf::anon_send(region, wake_hotel{id}); });
    lease_.use(std::move(current));
    was_ready_ = true;
    return true;
  }

  void end_incarnation() {
    sweep_.reset();
    network_->use_incarnation(0);
    lease_.use(nullptr);
  }

  // One node projects: the coordinator. Two that do for a moment, while the role changes, harm nothing.
  void project(incarnation_id me, bool coordinates) {
    const std::scoped_lock lock{projecting_};
    projector_.reset();
    if (coordinates) projector_.emplace(settings_.database, settings_.projector, counters_.projector, me);
  }

  int leave() {
    leaving_ = true;
    server_.begin_leaving();
    const auto closes_at = steady_now() + settings_.gateway.leave_delay;
    if (const auto current = lease_.current(); current && !current->give_all_away(settings_.gateway.drain_timeout)) {
      log_warn("some shards could not be handed over; their next owner waits for them");
    }
    std::this_thread::sleep_for(std::max(std::chrono::nanoseconds{0}, closes_at - steady_now()));
    const bool drained = server_.drain(settings_.gateway.drain_timeout);
    if (!drained) log_warn("some requests were not finished in time");
    sweep_.reset();  // it would wake who is put to sleep
    if (const auto current = lease_.current()) {
      current->leave(settings_.gateway.drain_timeout);
    }
    end_incarnation();
    log_info("stopped");
    return exit_ok;
  }

  readiness ready() const {
    const auto current = lease_.current();
    if (!current)
      return {false,
              {"this node has no place in the cluster: the database is away, or another process runs under its name"}};
    if (leaving_) return {false, {"this node is stopping"}};
    if (!router_->knows_owners()) return {false, {"some hotels have no owner yet"}};
    if (!current->heartbeat().fresh()) return {false, {"the database does not answer the heartbeat"}};
    return {true, {}};
  }

  const settings& settings_;
  node_events& events_;
  metrics counters_;
  caf::actor_system system_;
  std::shared_ptr<cluster::node_router> router_;
  current_lease lease_;
  std::shared_ptr<cluster::forwarding> peers_;
  std::shared_ptr<cluster::transport> network_;
  persistence::pg_records records_;  // outlives incarnations: it only reads the journal, and people need no fence
  persistence::pg_operations operators_;
  gateway::server server_;
  std::mutex projecting_;
  std::optional<persistence::projector> projector_;
  std::optional<persistence::hold_sweep> sweep_;
  bool was_ready_ = false;
  std::atomic<bool> leaving_{false};
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
  caf::actor_system_config config;
  if (auto prepared = prepare(config, settings); prepared) {
    node n{settings, events, config};
    status = n.run();
  } else {
    complain(prepared.error());
  }
  stop_log();
  return status;
}

}  // namespace keyrack::deploy
