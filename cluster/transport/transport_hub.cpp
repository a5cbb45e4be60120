#include "cluster/transport/transport_hub.hpp"

#include "actors/messages.hpp"
#include "actors/ports.hpp"
#include "config/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <atomic>
#include <type_traits>

namespace keyrack::cluster {

namespace {

engine_bounds bounds_of(const transport::environment& env) {
  const auto& s = env.settings;
  return {.timing = {.greeting_timeout = s.connect_timeout,
                     .ping_period = s.ping_period,
                     .silence = s.silence,
                     .redial_min = s.redial_min,
                     .redial_max = s.redial_max},
          .in_flight_max = static_cast<std::size_t>(s.in_flight_max),
          .in_flight_bytes_max = static_cast<std::size_t>(s.in_flight_bytes_max),
          .frame_bytes_max = static_cast<std::size_t>(s.frame_bytes_max),
          .versions = env.versions};
}

// The one who may answer a request. Gives its place back when it is destroyed without having done so.
class answer_right {
public:
  answer_right(std::weak_ptr<transport_hub> hub, connection_id on, std::uint64_t id,
               void (*use)(transport_hub&, connection_id, std::uint64_t, std::string*))
      : hub_(std::move(hub)), on_(on), id_(id), use_(use) {}
  answer_right(const answer_right&) = delete;
  ~answer_right() { give(nullptr); }
  void give(std::string* bytes) {
    if (used_.exchange(true)) return;
    if (const auto hub = hub_.lock()) use_(*hub, on_, id_, bytes);
  }

private:
  const std::weak_ptr<transport_hub> hub_;
  const connection_id on_;
  const std::uint64_t id_;
  void (*const use_)(transport_hub&, connection_id, std::uint64_t, std::string*);
  std::atomic<bool> used_{false};
};

}  // namespace

transport_hub::transport_hub(transport::environment env)
    : env_(std::move(env)), counters_(env_.counters->transport), engine_(bounds_of(env_), counters_) {}

transport_hub::~transport_hub() { end(); }

/// Changes the engine under the lock, then does what comes of it without the lock.
template <typename Change>
auto transport_hub::decide(Change change) {
  effects out;
  caf::actor woken;
  const auto finish = [&] {
    if (out.port_has_work && !std::exchange(port_awake_, true)) woken = port_;
    if (engine_.next_due() < clock_wakes_at_) clock_changed_.notify_one();
  };
  if constexpr (std::is_void_v<decltype(change(out))>) {
    {
      const std::scoped_lock lock{mutex_};
      change(out);
      finish();
    }
    carry_out(std::move(out), woken);
  } else {
    const auto result = [&] {
      const std::scoped_lock lock{mutex_};
      auto changed = change(out);
      finish();
      return changed;
    }();
    carry_out(std::move(out), woken);
    return result;
  }
}

void transport_hub::begin(caf::actor port) {
  dialer_ = std::make_unique<dialer>(env_.settings.connect_timeout, [this](std::uint64_t ticket, dial_result result) {
    on_dialed(ticket, std::move(result));
  });
  const std::scoped_lock lock{mutex_};
  port_ = std::move(port);
  clock_ = std::thread{[this] { run_clock(); }};
}

caf::actor transport_hub::end() {
  effects out;
  {
    const std::scoped_lock lock{mutex_};
    if (std::exchange(ending_, true)) return {};
    engine_.stop(out);
    clock_changed_.notify_one();
  }
  carry_out(std::move(out), {});
  if (dialer_) dialer_->stop();
  if (clock_.joinable()) clock_.join();
  const std::scoped_lock lock{mutex_};
  sockets_.clear();
  return std::exchange(port_, {});
}

void transport_hub::use_incarnation(std::int64_t me) {
  decide([&](effects& out) { engine_.use_incarnation(me, steady_now(), out); });
}

void transport_hub::use_peers(std::vector<transport::peer> peers) {
  decide([&](effects& out) { engine_.use_peers(std::move(peers), steady_now(), out); });
}

void transport_hub::send(std::int64_t to, std::string bytes, steady_instant deadline,
                         std::function<void(transport::answer)> then) {
  decide([&](effects& out) { engine_.send(to, std::move(bytes), deadline, std::move(then), out); });
}

std::vector<std::pair<std::int64_t, link_state>> transport_hub::links() const {
  const std::scoped_lock lock{mutex_};
  return engine_.links();
}

transport_hub::port_work transport_hub::take_work() {
  const std::scoped_lock lock{mutex_};
  port_awake_ = false;
  return {.sockets = std::exchange(sockets_, {}), .closing = engine_.take_closing(), .busy = engine_.take_busy()};
}

connection_id transport_hub::connected(std::uint64_t ticket) {
  return decide([&](effects& out) { return engine_.connected(ticket, steady_now(), out); });
}

connection_id transport_hub::accepted() {
  return decide([&](effects&) { return engine_.accepted(steady_now()); });
}

void transport_hub::received(connection_id on, std::vector<link::Frame> frames) {
  decide([&](effects& out) {
    port_awake_ = true;  // it calls take_work when this is done: no message need wake it
    engine_.received(on, std::move(frames), steady_now(), out);
  });
}

void transport_hub::progressed(connection_id which) {
  const std::scoped_lock lock{mutex_};
  engine_.progressed(which, steady_now());
}

void transport_hub::broken(connection_id which, std::string_view why) {
  decide([&](effects& out) { engine_.broken(which, why, steady_now(), out); });
}

std::optional<link::Frame> transport_hub::next_frame(connection_id on) {
  const std::scoped_lock lock{mutex_};
  return engine_.next_frame(on, steady_now());
}

bool transport_hub::greeted(connection_id which) const {
  const std::scoped_lock lock{mutex_};
  return engine_.greeted(which);
}

void transport_hub::on_dialed(std::uint64_t ticket, dial_result result) {
  decide([&](effects& out) {
    if (auto* failed = std::get_if<dial_failure>(&result)) {
      engine_.dial_failed(ticket, failed->why, failed->detail, steady_now(), out);
    } else if (!ending_) {
      sockets_.push_back({.ticket = ticket, .fd = std::move(std::get<unique_fd>(result))});
      out.port_has_work = true;
    }
  });
}

void transport_hub::carry_out(effects out, const caf::actor& woken) {
  if (woken) caf::anon_send(woken, flush_batch{});
  for (auto& each : out.dials) dialer_->dial(each.ticket, std::move(each.address));
  for (auto& each : out.requests) deliver(std::move(each));
  for (auto& each : out.completed) each.then(std::move(each.result));
  for (const auto& each : out.log) {
    // Somebody is there, and will not talk to this node: that does not mend itself.
    const auto log = each.what == to_text(link_state::rejected) ? log_warn : log_info;
    log("link", {{"peer", each.peer}, {"address", each.address}, {"state", each.what}, {"detail", each.detail}});
  }
  if (out.links_changed && env_.on_links_changed) env_.on_links_changed();
}

void transport_hub::deliver(effects::incoming_request request) {
  const auto use = [](transport_hub& hub, connection_id on, std::uint64_t id, std::string* bytes) {
    hub.decide([&](effects& out) {
      if (bytes != nullptr) {
        hub.engine_.answer(on, id, std::move(*bytes), out);
      } else {
        hub.engine_.abandon(on, id);
      }
    });
  };
  auto right = std::make_shared<answer_right>(weak_from_this(), request.connection, request.id, use);
  env_.on_request(request.from, std::move(request.bytes), request.deadline,
                  [right = std::move(right)](std::string bytes) { right->give(&bytes); });
}

void transport_hub::run_clock() {
  std::unique_lock lock{mutex_};
  while (!ending_) {
    const auto now = steady_now();
    const auto due = engine_.next_due();
    if (due > now) {
      const auto wait = std::min<std::chrono::nanoseconds>(due - now, std::chrono::seconds{1});
      clock_wakes_at_ = now + wait;
      clock_changed_.wait_for(lock, wait);
      continue;
    }
    effects out;
    engine_.tick(now, out);
    caf::actor woken;
    if (out.port_has_work && !std::exchange(port_awake_, true)) woken = port_;
    lock.unlock();
    carry_out(std::move(out), woken);
    lock.lock();
  }
}

}  // namespace keyrack::cluster
