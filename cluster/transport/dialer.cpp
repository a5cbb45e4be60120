#include "cluster/transport/dialer.hpp"

#include "actors/domain/assert.hpp"
#include "actors/ports.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace keyrack::cluster {

dialer::dialer(std::chrono::milliseconds timeout, std::function<void(std::uint64_t, dial_result)> done)
    : timeout_(timeout), done_(std::move(done)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  KEYRACK_ASSERT(wake_);
  thread_ = std::thread{[this] { run(); }};
}

void dialer::dial(std::uint64_t ticket, std::string address) {
  const std::scoped_lock lock{mutex_};
  asked_.emplace_back(ticket, std::move(address));
  ::eventfd_write(wake_.get(), 1);
}

void dialer::stop() {
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
    ::eventfd_write(wake_.get(), 1);
  }
  if (thread_.joinable()) thread_.join();
}

void dialer::begin(std::uint64_t ticket, const std::string& address) {
  auto found = resolve(address);
  if (!found) return done_(ticket, dial_failure{link_state::lost, std::move(found.error())});
  std::ranges::reverse(*found);
  attempt made{.ticket = ticket, .untried = std::move(*found), .gives_up = steady_now() + timeout_};
  if (try_next(made)) under_way_.push_back(std::move(made));
}

bool dialer::try_next(attempt& which) {
  while (!which.untried.empty()) {
    auto begun = begin_connect(which.untried.back());
    which.untried.pop_back();
    if (begun) {
      which.fd = std::move(*begun);
      return true;
    }
    failed(which, begun.error());
  }
  done_(which.ticket, dial_failure{which.all_refused ? link_state::refused : link_state::lost, which.detail});
  return false;
}

void dialer::failed(attempt& which, int error) {
  which.fd = unique_fd{};
  if (error != ECONNREFUSED) which.all_refused = false;
  which.detail = std::generic_category().message(error);
}

bool dialer::advance(attempt& which, bool ready) {
  if (!ready) {
    if (steady_now() < which.gives_up) return true;
    done_(which.ticket, dial_failure{link_state::lost, "connecting took too long"});
    return false;
  }
  if (const int error = connect_result(which.fd.get()); error != 0) {
    failed(which, error);
    return try_next(which);
  }
  done_(which.ticket, std::move(which.fd));
  return false;
}

void dialer::wait_and_advance() {
  std::vector<pollfd> polled{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  int wait_ms = -1;
  for (const auto& each : under_way_) {
    polled.push_back({.fd = each.fd.get(), .events = POLLOUT, .revents = 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(each.gives_up - steady_now());
    const int left_ms = std::max(0, static_cast<int>(left.count()));
    wait_ms = wait_ms < 0 ? left_ms : std::min(wait_ms, left_ms);
  }
  ::poll(polled.data(), polled.size(), wait_ms);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);

  std::vector<attempt> rest;
  for (std::size_t i = 0; i < under_way_.size(); ++i) {
    if (advance(under_way_[i], polled[i + 1].revents != 0)) rest.push_back(std::move(under_way_[i]));
  }
  under_way_.swap(rest);
}

void dialer::run() {
  while (true) {
    std::vector<std::pair<std::uint64_t, std::string>> asked;
    {
      const std::scoped_lock lock{mutex_};
      if (stopping_) return;
      asked.swap(asked_);
    }
    for (const auto& [ticket, address] : asked) begin(ticket, address);
    wait_and_advance();
  }
}

}  // namespace keyrack::cluster
