// Actor systems with a transport each, in one process, over the loopback; and peers that speak TCP and little else.
#pragma once

#include "actors/messages.hpp"
#include "actors/ports.hpp"
#include "cluster/transport.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <optional>

namespace keyrack::cluster {

using namespace std::chrono_literals;

// Far above what anything here takes: a test that waits so long has failed.
constexpr auto patience = 20s;

inline transport_settings quick_settings() {
  transport_settings s;
  s.connect_timeout = 500ms;
  s.ping_period = 50ms;
  s.silence = 500ms;
  s.redial_min = 10ms;
  s.redial_max = 100ms;
  return s;
}

// One node. Answers each request with what `serve` says; without it with the request itself.
class node {
public:
  using serving =
      std::function<void(std::int64_t from, std::string bytes, steady_instant deadline, transport::respond)>;

  explicit node(std::int64_t me, serving serve = {}, transport_settings settings = quick_settings(),
                protocol_range versions = {})
      : serve_(std::move(serve)) {
    config_.add_message_types<caf::id_block::keyrack_actors>();
    config_.set("scheduler.max-threads", std::size_t{1});
    const auto prepared = transport::prepare(config_, settings);
    EXPECT_TRUE(prepared) << prepared.error();
    system_.emplace(config_);
    auto started = transport::start(
        *system_,
        {.settings = settings,
         .counters = &counters,
         .on_request =
             [this](std::int64_t from, std::string bytes, steady_instant deadline, transport::respond respond) {
               if (serve_) return serve_(from, std::move(bytes), deadline, std::move(respond));
               respond(std::move(bytes));
             },
         .on_links_changed = [this] { changed_.notify_all(); },
         .versions = versions});
    EXPECT_TRUE(started) << started.error();
    if (!started) return;
    net = std::move(*started);
    net->use_incarnation(me);
  }
  ~node() { die(); }

  // The process is gone: its sockets are closed.
  void die() {
    if (net) net->stop();
    net.reset();
    system_.reset();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(net->port()); }

  bool wait_link(std::int64_t to, link_state state) {
    std::unique_lock lock{mutex_};
    const auto until = std::chrono::steady_clock::now() + patience;
    while (shown(to) != state) {
      // Changes are told without this lock: look again now and then.
      if (std::chrono::steady_clock::now() > until) return false;
      changed_.wait_for(lock, 50ms);
    }
    return true;
  }
  std::optional<link_state> shown(std::int64_t to) const {
    for (const auto& [who, state] : net->links()) {
      if (who == to) return state;
    }
    return std::nullopt;
  }

  std::future<transport::answer> ask(std::int64_t to, std::string bytes, std::chrono::nanoseconds within = 10s) {
    auto promise = std::make_shared<std::promise<transport::answer>>();
    auto future = promise->get_future();
    net->send(to, std::move(bytes), steady_now() + within,
              [promise](transport::answer a) { promise->set_value(std::move(a)); });
    return future;
  }

  metrics counters;
  std::shared_ptr<transport> net;

private:
  serving serve_;
  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

inline transport::answer got(std::future<transport::answer> f) {
  if (f.wait_for(patience) != std::future_status::ready) {
    ADD_FAILURE() << "no answer at all";
    return std::unexpected{failure{}};
  }
  return f.get();
}

inline void expect_failure(std::future<transport::answer> f, errc code, outcome o) {
  const auto answer = got(std::move(f));
  ASSERT_FALSE(answer) << *answer;
  EXPECT_EQ(to_text(answer.error().code), to_text(code));
  EXPECT_EQ(to_text(answer.error().outcome), to_text(o));
}

}  // namespace keyrack::cluster
