#include "persistence/heartbeat.hpp"

#include "config/log.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::persistence {

namespace {

using namespace std::chrono_literals;

constexpr auto beats_asked_for_apart = 2ms;  // one beat serves all who asked meanwhile
constexpr auto slice = 10ms;                 // how exactly the deadlines of those who wait are kept during a beat
constexpr auto connect_time_max = 1s;        // those who wait for a beat wait for this too
constexpr int failures_per_line = 50;
constexpr std::size_t waiters_max = 100'000;  // the gateway bounds its requests far below

// What the statement can see was there after it was sent, so the lease is counted from the sending. The fence is looked for
// in the same snapshot: a fence that it does not see commits later, and its owner waits a lease from then on.
constexpr pg_statement sql_beat{.name = "beat", .sql = R"sql(
  UPDATE nodes SET beat = beat + 1, beat_at = clock_timestamp() WHERE incarnation = $1
  RETURNING clock_timestamp(), EXISTS (SELECT FROM writers WHERE incarnation = $1 AND fenced_at IS NOT NULL)
)sql"};

constexpr pg_statement sql_fenced{
    .name = "fenced",
    .sql = "SELECT EXISTS (SELECT FROM writers WHERE incarnation = $1 AND fenced_at IS NOT NULL)",
};

}  // namespace

heartbeat::heartbeat(registration& place, environment env)
    : incarnation_(place.incarnation),
      lineage_(place.lineage),
      env_(std::move(env)),
      connection_(std::move(place.heartbeat)),
      lease_(env_.settings.lease),
      clock_(env_.settings.clock_step_max) {}

heartbeat::~heartbeat() { stop(); }

void heartbeat::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  lease_.end();
  serve_waiters(steady_now());
}

std::expected<void, std::string> heartbeat::start() {
  switch (beat()) {
  case beat_end::fenced: return std::unexpected("this node was fenced while it started: start it again");
  case beat_end::failed: return std::unexpected("the first beat did not come back: is the database in trouble?");
  case beat_end::ok: break;
  }
  thread_ = std::thread{[this] { run(); }};
  return {};
}

bool heartbeat::covers(const leased& answer) const {
  const bool covered = lease_.covers(answer, steady_now());
  if (!covered) env_.counters.lease_refused.add();
  return covered;
}

void heartbeat::await_beat(const leased& answer, steady_instant deadline, std::function<void(bool)> then) {
  std::unique_lock lock{mutex_};
  if (lease_.ended() || stopping_ || waiters_.size() >= waiters_max) {
    lock.unlock();
    return then(false);
  }
  waiters_.push_back({.answer = answer, .deadline = deadline, .then = std::move(then)});
  asked_ = true;
  lock.unlock();
  changed_.notify_all();
}

void heartbeat::serve_waiters(steady_instant now) {
  std::vector<waiter> due;
  const auto is_due = [&](const waiter& w) {
    return lease_.ended() || w.deadline <= now || lease_.covers(w.answer, now);
  };
  {
    std::lock_guard lock{mutex_};
    const auto still = std::partition(waiters_.begin(), waiters_.end(), [&](const waiter& w) { return !is_due(w); });
    due.assign(std::make_move_iterator(still), std::make_move_iterator(waiters_.end()));
    waiters_.erase(still, waiters_.end());
    asked_ = !waiters_.empty();
  }
  for (auto& w : due) w.then(lease_.covers(w.answer, now));
}

void heartbeat::run() {
  auto retry_after = 10ms;
  while (!lease_.ended()) {
    rest_until_due();
    {
      std::lock_guard lock{mutex_};
      if (stopping_) return;
    }
    next_due_ = steady_now() + env_.settings.period;
    if (held_back()) {
      env_.counters.beats.of({"held_back"}).add();
      look_for_fence();
      serve_waiters(steady_now());
      continue;
    }
    if (connect() && beat() != beat_end::failed) {
      retry_after = 10ms;
    } else {
      // Sooner than the next beat: others count the silence.
      next_due_ = steady_now() + retry_after;
      retry_after = std::min(retry_after * 2, std::chrono::milliseconds{env_.settings.period});
    }
    serve_waiters(steady_now());
  }
  serve_waiters(steady_now());
}

void heartbeat::rest_until_due() {
  std::unique_lock lock{mutex_};
  while (!stopping_ && !lease_.ended()) {
    const auto now = steady_now();
    auto due = next_due_;
    if (asked_ && connection_ && !holding_back_) due = std::min(due, last_sent_ + beats_asked_for_apart);
    if (now >= due) return;
    for (const auto& w : waiters_) due = std::min(due, w.deadline);
    if (now >= due) {  // somebody can wait no longer
      lock.unlock();
      serve_waiters(now);
      lock.lock();
      continue;
    }
    changed_.wait_for(lock, due - now);
  }
}

bool heartbeat::held_back() {
  // While beats fail they are tried: after an outage the node is back with its first beat, and its slots have their time.
  const bool answered = env_.board && failures_ == 0;
  const auto slot = answered ? env_.board->stalled(steady_now(), env_.settings.stall, answered_since_) : std::nullopt;
  if (slot && !holding_back_) {
    log_error("no more beats: a journal slot makes no progress", {{"slot", *slot}, {"incarnation", incarnation_}});
  }
  if (!slot && holding_back_) log_info("beats are no longer held back", {{"incarnation", incarnation_}});
  holding_back_ = slot.has_value();
  return holding_back_;
}

// Whoever does not beat is fenced by the others, and no beat of its own would tell it.
void heartbeat::look_for_fence() {
  if (!connect()) return;
  const auto found = connection_->run(sql_fenced, pg_params{}.int8(incarnation_),
                                      call_deadline::in("heartbeat.answer_timeout", env_.settings.answer_timeout));
  if (!found) return lose(found.error().message, found.error().sqlstate);
  if (found->boolean(0, 0)) end("this incarnation has been fenced");
}

bool heartbeat::connect() {
  if (connection_ && connection_->usable()) return true;
  connection_.reset();
  const auto deadline = call_deadline::in("a second to connect", connect_time_max);
  auto made = pg_connection::connect(env_.database, application_name(incarnation_, "heartbeat"), deadline);
  const auto here = made ? read_lineage(*made, deadline) : std::unexpected(made.error());
  if (!here) {
    lose(here.error().message, here.error().sqlstate);
    return false;
  }
  if (*here != lineage_) {
    end("the database is another server or timeline than the node began with");
    return false;
  }
  connection_.emplace(std::move(*made));
  return true;
}

heartbeat::beat_end heartbeat::beat() {
  const auto deadline = call_deadline::in("heartbeat.answer_timeout", env_.settings.answer_timeout);
  const auto sent = steady_now();
  last_sent_ = sent;
  if (auto gone = connection_->send(sql_beat, pg_params{}.int8(incarnation_), deadline); !gone) {
    lose(gone.error().message, gone.error().sqlstate);
    return beat_end::failed;
  }
  for (;;) {
    const auto outcome = connection_->receive(steady_now() + slice, deadline);
    if (outcome) return take_in(*outcome, sent);
    serve_waiters(steady_now());
  }
}

heartbeat::beat_end heartbeat::take_in(const pg_outcome& outcome, steady_instant sent) {
  const auto received = steady_now();
  if (!outcome) {
    lose(outcome.error().message, outcome.error().sqlstate);
    return beat_end::failed;
  }
  if (outcome->rows() == 0 || outcome->boolean(0, 1)) {
    env_.counters.beats.of({"fenced"}).add();
    end("this incarnation has been fenced");
    return beat_end::fenced;
  }
  const auto correction = clock_.correct(sent, received, outcome->timestamptz(0, 0));
  if (correction == carried_clock::correction::followed) env_.counters.clock_corrections.add();
  if (correction == carried_clock::correction::refused) env_.counters.clock_steps_refused.add();
  const bool alarmed = correction == carried_clock::correction::refused;
  if (alarmed && !std::exchange(clock_alarmed_, alarmed)) {
    log_error("the database's clock jumped: cluster time goes on without it",
              {{"step_us", clock_.last_step().count()}});
  }
  clock_alarmed_ = alarmed;
  env_.counters.clock_offset_seconds.set(std::chrono::nanoseconds{clock_.last_step()});
  env_.counters.beat_seconds.observe(received - sent);
  env_.counters.beats.of({"ok"}).add();
  if (failures_ > 0) {
    log_info("beating again", {{"incarnation", incarnation_}, {"failures", failures_}});
    answered_since_ = received;
  }
  failures_ = 0;
  lease_.beat_completed(sent);
  return beat_end::ok;
}

void heartbeat::lose(std::string_view why, std::string_view code) {
  env_.counters.beats.of({"failed"}).add();
  // An outage is told when it begins, now and then, and when it ends.
  if (failures_++ % failures_per_line == 0) {
    log_warn("beat failed", {{"incarnation", incarnation_}, {"code", code}, {"detail", why}, {"failures", failures_}});
  }
  connection_.reset();
}

void heartbeat::learn_fenced(std::string_view why) { end(why); }

void heartbeat::end(std::string_view why) {
  {
    std::lock_guard lock{mutex_};
    lease_.end();
    if (std::exchange(told_fenced_, true)) return;
  }
  changed_.notify_all();
  log_error("fenced: this node has lost its place", {{"incarnation", incarnation_}, {"detail", why}});
  if (env_.on_fenced) env_.on_fenced(why);
}

}  // namespace keyrack::persistence
