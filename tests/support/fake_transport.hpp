// A network without a network: what is sent waits until the test answers it, or goes straight to a function.
#pragma once

#include "cluster/transport.hpp"

#include <map>
#include <mutex>

namespace keyrack::testing {

class fake_transport final : public cluster::transport {
public:
  using receiver = std::function<void(std::string bytes, steady_instant deadline, respond)>;

  /// What is sent to `to` goes there from now on.
  void connect(std::int64_t to, receiver take) {
    const std::scoped_lock lock{mutex_};
    receivers_[to] = std::move(take);
  }
  void set_link(std::int64_t to, cluster::link_state state) {
    const std::scoped_lock lock{mutex_};
    links_[to] = state;
  }
  /// What every request ends with from now on, instead of reaching anybody; nothing: they reach their receivers.
  void fail_with(std::optional<failure> why) {
    const std::scoped_lock lock{mutex_};
    failing_ = std::move(why);
  }
  int sent_to(std::int64_t to) const {
    const std::scoped_lock lock{mutex_};
    const auto found = sent_.find(to);
    return found == sent_.end() ? 0 : found->second;
  }

  std::uint16_t port() const override { return 1; }
  void use_incarnation(std::int64_t) override {}
  void use_peers(std::vector<peer>) override {}
  void send(std::int64_t to, std::string bytes, steady_instant deadline, std::function<void(answer)> then) override {
    receiver take;
    std::optional<failure> why;
    {
      const std::scoped_lock lock{mutex_};
      ++sent_[to];
      why = failing_;
      if (const auto found = receivers_.find(to); found != receivers_.end()) take = found->second;
    }
    if (!why && !take) why = failure{errc::unavailable, outcome::not_applied, "no link"};
    if (why) return then(std::unexpected(*why));
    take(std::move(bytes), deadline, [then = std::move(then)](std::string reply) { then(std::move(reply)); });
  }
  std::vector<std::pair<std::int64_t, cluster::link_state>> links() const override {
    const std::scoped_lock lock{mutex_};
    return {links_.begin(), links_.end()};
  }
  void stop() override {}

private:
  mutable std::mutex mutex_;
  std::map<std::int64_t, receiver> receivers_;
  std::map<std::int64_t, cluster::link_state> links_;
  std::map<std::int64_t, int> sent_;
  std::optional<failure> failing_;
};

}  // namespace keyrack::testing
