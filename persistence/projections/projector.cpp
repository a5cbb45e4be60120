#include "persistence/projections/projector.hpp"

#include "actors/ports.hpp"
#include "config/log.hpp"

#include <chrono>

namespace keyrack::persistence {
namespace {

using outcome = projection_step::outcome;

constexpr std::chrono::seconds lag_period{1};
constexpr std::chrono::seconds complaint_period{10};
// Older than this, whoever holds the horizon back is named in the log.
constexpr std::chrono::seconds horizon_age_alarming{5};

}  // namespace

projector::projector(database_settings database, projector_settings settings, projector_metrics& counted,
                     std::int64_t incarnation)
    : settings_(settings),
      counted_(counted),
      worker_(std::move(database), settings, incarnation),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

projector::~projector() = default;

void projector::nudge() {
  {
    std::lock_guard lock{mutex_};
    nudged_ = true;
  }
  changed_.notify_one();
}

void projector::run(const std::stop_token& stop) {
  journal_rush rush;
  while (!stop.stop_requested()) {
    const auto begun = steady_now();
    const auto step = worker_.step();
    const auto ended = steady_now();
    failures_ = step.what == outcome::failed ? failures_ + 1 : 0;
    report(step, ended - begun);
    if (const auto newest = worker_.newest_in_journal()) rush.see(*newest, ended);
    if (ended - lag_reported_at_ >= lag_period) report_lag();
    wait(stop, rest_after(step.what, ended - begun, rush.quiet(ended), failures_, settings_));
  }
}

void projector::report(const projection_step& step, std::chrono::nanoseconds work) {
  counted_.stopped.set(step.what == outcome::poisoned ? 1 : 0);
  if (step.commits > 0) {
    counted_.commits.add(step.commits);
    counted_.batch_seconds.observe(work);
  }
  if (step.what != outcome::failed && step.what != outcome::poisoned) return;
  counted_.failures.add();
  const auto now = steady_now();
  const bool first = failures_ == 1 || step.what == outcome::poisoned;
  if (!first && now - complained_at_ < complaint_period) return;
  complained_at_ = now;
  if (step.what == outcome::poisoned) {
    log_error("the projection has stopped at a commit that it cannot read: nothing behind it is projected",
              {{"detail", step.why}});
  } else {
    log_warn("projection: the database failed, trying again", {{"detail", step.why}, {"failures", failures_}});
  }
}

void projector::report_lag() {
  const auto lag = worker_.lag();
  if (!lag) return;
  lag_reported_at_ = steady_now();
  counted_.lag_commits.set(static_cast<double>(lag->commits));
  counted_.lag_seconds.set(std::chrono::nanoseconds{lag->now - lag->oldest_at});
  counted_.horizon_seconds.set(std::chrono::nanoseconds{lag->horizon_age});
  if (lag->horizon_age > horizon_age_alarming)
    log_warn("projection: an open transaction hides later commits from all readers",
             {{"holder", lag->horizon_holder}, {"seconds", std::chrono::duration<double>{lag->horizon_age}.count()}});
}

void projector::wait(const std::stop_token& stop, const rest& r) {
  const auto begun = std::chrono::steady_clock::now();
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, stop, begun + r.at_least, [] { return false; });
  changed_.wait_until(lock, stop, begun + r.at_most, [this] { return nudged_; });
  nudged_ = false;
}

}  // namespace keyrack::persistence
