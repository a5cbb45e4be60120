#include "gateway/server.hpp"

#include "config/log.hpp"
#include "gateway/digest.hpp"
#include "gateway/session.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include <condition_variable>
#include <ctime>
#include <stdexcept>
#include <thread>

namespace keyrack::gateway {
namespace {

namespace asio = boost::asio;

constexpr std::size_t known_guests_kept = 100'000;
// How late a deadline may be noticed.
constexpr auto tick = std::chrono::milliseconds{50};
constexpr int ticks_per_sweep = 5;
// Files that are open beside connections: database, log, pipes of the event loop.
constexpr rlim_t files_beside = 256;
constexpr std::string_view safe_fields = "X-Content-Type-Options: nosniff\r\n"
                                         "Referrer-Policy: no-referrer\r\n"
                                         "X-Frame-Options: DENY\r\n";

std::string date_line() {
  const auto now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 48> text;
  const auto n = std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
  return {text.data(), n};
}

/// As many files as the connections need, as far as the system allows: how many connections that makes.
std::size_t room_for(int connections_max) {
  rlimit files{};
  const auto wanted = static_cast<rlim_t>(connections_max) + files_beside;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return static_cast<std::size_t>(connections_max);
  if (files.rlim_cur < wanted) {
    files.rlim_cur = std::min(wanted, files.rlim_max);
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur >= wanted) return static_cast<std::size_t>(connections_max);
  log_warn("fewer connections than gateway.connections_max: raise the limit on open files",
           {{"files", files.rlim_cur}});
  return files.rlim_cur > 2 * files_beside ? files.rlim_cur - files_beside : files_beside;
}

trusted_proxies read_proxies(const gateway_settings& settings) {
  auto read = trusted_proxies::parse(settings.trusted_proxies);
  if (!read) throw std::invalid_argument{read.error()};
  return std::move(*read);
}

}  // namespace

class server::core {
public:
  core(const gateway_settings& settings, server_needs needs)
      : settings_(settings),
        needs_(std::move(needs)),
        connections_max_(room_for(settings.connections_max)),
        bridge_(std::make_shared<bridge>(needs_.router,
                                         bridge_bounds{static_cast<std::size_t>(settings.in_flight_max),
                                                       static_cast<std::size_t>(settings.in_flight_per_hotel_max)},
                                         [this] { asio::post(loop_, [this] { bridge_->drain(); }); })),
        host_{.shared = {.settings = settings_,
                         .hotels = *bridge_,
                         .lease = needs_.lease,
                         .clock = needs_.clock,
                         .records = needs_.records,
                         .operators = needs_.operators,
                         .guests = guests_,
                         .ready = [this] { return ready(); },
                         .metrics_text = needs_.metrics_text,
                         .later = [this](std::coroutine_handle<> h) { asio::post(loop_, [h] { h.resume(); }); }},
              .settings = settings_,
              .metrics = needs_.metrics,
              .proxies = read_proxies(settings_)} {
    host_.request_id_prefix = fmt::format("{:06x}-", random_key().low & 0xFF'FFFF);
    for (const auto& r : route_table()) {
      host_.request_seconds.push_back(&host_.metrics.request_seconds.of({route_label(&r)}));
    }
    host_.request_seconds.push_back(&host_.metrics.request_seconds.of({"none"}));
  }

  void start();
  std::uint16_t port() const { return port_; }
  void begin_leaving();
  bool drain(std::chrono::milliseconds patience);
  void stop();

private:
  readiness ready() const;
  void listen();
  void accept_next();
  void admit(tcp_socket socket, const asio::ip::tcp::endpoint& peer);
  void leave(std::list<std::unique_ptr<session>>::iterator which);
  void arm_timer();
  void on_tick();
  void log_readiness();

  const gateway_settings settings_;
  server_needs needs_;
  const std::size_t connections_max_;
  asio::io_context loop_{1};
  std::shared_ptr<bridge> bridge_;
  known_guests guests_{known_guests_kept};
  session_host host_;

  asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type> acceptor_{loop_};
  asio::steady_timer timer_{loop_};
  asio::steady_timer accept_pause_{loop_};
  std::uint16_t port_ = 0;
  int ticks_ = 0;
  bool was_ready_ = false;
  bridge_counts counted_;
  std::list<std::unique_ptr<session>> sessions_;
  bool stopping_ = false;
  std::thread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable emptied_;
  bool is_empty_ = false;
};

void server::core::listen() {
  boost::system::error_code ec;
  asio::ip::tcp::resolver resolver{loop_};
  const auto found =
      resolver.resolve(settings_.host, std::to_string(settings_.port), asio::ip::resolver_base::passive, ec);
  if (ec || found.empty())
    throw std::runtime_error{fmt::format("gateway.host: \"{}\" is not an address of this machine.", settings_.host)};
  const auto at = found.begin()->endpoint();
  acceptor_.open(at.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address{true});
  acceptor_.bind(at, ec);
  if (!ec) acceptor_.listen(4096, ec);
  if (ec == asio::error::address_in_use) {
    throw std::runtime_error{
        fmt::format("port {} of {} is taken: stop what listens there, or choose another with gateway.port.",
                    settings_.port, settings_.host)};
  }
  if (ec)
    throw std::runtime_error{
        fmt::format("cannot listen on {} port {}: {}.", settings_.host, settings_.port, ec.message())};
  port_ = acceptor_.local_endpoint().port();
}

void server::core::start() {
  listen();
  host_.common_fields = date_line() + std::string{safe_fields};
  accept_next();
  arm_timer();
  thread_ = std::thread{[this] { loop_.run(); }};
}

readiness server::core::ready() const {
  auto now = needs_.ready();
  if (host_.draining) {
    now.ready = false;
    now.reasons.emplace_back("The node is being drained.");
  }
  return now;
}

void server::core::accept_next() {
  acceptor_.async_accept([this](boost::system::error_code ec, tcp_socket socket) {
    if (ec == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!ec) {
      boost::system::error_code gone;
      const auto peer = socket.remote_endpoint(gone);
      if (!gone) admit(std::move(socket), peer);
      accept_next();
      return;
    }
    // Out of files or memory: those who wait in the kernel wait a little longer.
    log_error("cannot accept a connection", {{"detail", ec.message()}});
    accept_pause_.expires_after(std::chrono::milliseconds{100});
    accept_pause_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped && acceptor_.is_open()) accept_next();
    });
  });
}

void server::core::admit(tcp_socket socket, const asio::ip::tcp::endpoint& peer) {
  boost::system::error_code ignored;
  if (sessions_.size() >= connections_max_) {
    host_.metrics.rejected.of({"connections"}).add();
    // Who says nothing makes room for who may want to say something.
    if (host_.idle.empty()) {
      socket.close(ignored);
      return;
    }
    host_.metrics.closed.of({"idle_for_others"}).add();
    host_.idle.front()->abort();
  }
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
  host_.metrics.accepted.add();
  const auto which = sessions_.insert(sessions_.end(), std::make_unique<session>(host_, std::move(socket), peer));
  host_.metrics.connections.set(static_cast<double>(sessions_.size()));
  gateway::start((*which)->serve(), [this, which] { leave(which); });
}

void server::core::leave(std::list<std::unique_ptr<session>>::iterator which) {
  sessions_.erase(which);
  host_.metrics.connections.set(static_cast<double>(sessions_.size()));
  if (!host_.draining || !sessions_.empty()) return;
  std::lock_guard lock{mutex_};
  is_empty_ = true;
  emptied_.notify_all();
}

void server::core::arm_timer() {
  timer_.expires_after(tick);
  timer_.async_wait([this](boost::system::error_code ec) {
    // One that had fired before it was cancelled comes without an error.
    if (ec || stopping_) return;
    on_tick();
    arm_timer();
  });
}

void server::core::on_tick() {
  bridge_->expire(steady_now());
  host_.metrics.in_flight.set(static_cast<double>(bridge_->in_flight()));
  const auto& counts = bridge_->counts();
  host_.metrics.late_answers.add(counts.late_answers - counted_.late_answers);
  host_.metrics.rejected.of({"in_flight"}).add(counts.refused_node - counted_.refused_node);
  host_.metrics.rejected.of({"in_flight_per_hotel"}).add(counts.refused_hotel - counted_.refused_hotel);
  counted_ = counts;
  if (++ticks_ % ticks_per_sweep != 0) return;
  host_.common_fields = date_line() + std::string{safe_fields};
  log_readiness();
  const auto now = session_time::now();
  for (const auto& s : sessions_) s->check(now);
}

// Probes ask all the time: what they see is said when it changes.
void server::core::log_readiness() {
  const auto now = ready();
  if (host_.draining || now.ready == was_ready_) return;
  was_ready_ = now.ready;
  if (now.ready) {
    log_info("ready");
  } else {
    log_warn("not ready",
             {{"detail", now.reasons.empty() ? std::string_view{} : std::string_view{now.reasons.front()}}});
  }
}

void server::core::begin_leaving() {
  asio::post(loop_, [this] { host_.leaving = true; });
}

bool server::core::drain(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return true;
  asio::post(loop_, [this] {
    host_.draining = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (const auto& s : sessions_) s->close_when_idle();
    std::lock_guard lock{mutex_};
    is_empty_ = sessions_.empty();
    emptied_.notify_all();
  });
  std::unique_lock lock{mutex_};
  return emptied_.wait_for(lock, patience, [this] { return is_empty_; });
}

void server::core::stop() {
  if (!thread_.joinable()) return;
  asio::post(loop_, [this] {
    host_.draining = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    stopping_ = true;
    timer_.cancel();
    accept_pause_.cancel();
    // Whoever waits for a hotel gets his answer into the socket before it is closed.
    bridge_->close();
    bridge_->fail_all();
    for (const auto& s : sessions_) s->abort();
  });
  // The loop ends by itself when the last session has: nothing is left that it waits for.
  thread_.join();
}

server::server(const gateway_settings& settings, server_needs needs)
    : core_(std::make_unique<core>(settings, std::move(needs))) {}
server::~server() { stop(); }
void server::start() { core_->start(); }
std::uint16_t server::port() const { return core_->port(); }
void server::begin_leaving() { core_->begin_leaving(); }
bool server::drain(std::chrono::milliseconds patience) { return core_->drain(patience); }
void server::stop() { core_->stop(); }

}  // namespace keyrack::gateway
