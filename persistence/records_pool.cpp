#include "persistence/records_pool.hpp"

#include "actors/ports.hpp"
#include "config/log.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::persistence {
namespace {

failure not_applied(errc code, std::string detail) {
  return {.code = code, .outcome = outcome::not_applied, .detail = std::move(detail)};
}

std::chrono::nanoseconds until(steady_instant at) { return std::max(at - steady_now(), std::chrono::nanoseconds{0}); }

}  // namespace

records_pool::records_pool(database_settings database, records_settings settings, records_metrics& counted,
                           std::int64_t incarnation)
    : database_(std::move(database)), settings_(settings), counted_(counted), incarnation_(incarnation) {
  for (int i = 0; i < settings_.threads; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  threads_.emplace_back([this](const std::stop_token& stop) { expire(stop); });
}

records_pool::~records_pool() {
  for (auto& t : threads_) t.request_stop();
  for (auto& t : threads_) t.join();
  for (const auto& [deadline, w] : queue_) {
    counted_.queue.sub();
    end(w, not_applied(errc::unavailable, "the node is stopping"));
  }
}

void records_pool::put(record_question q) {
  waiting w{.question = std::move(q), .since = steady_now()};
  {
    std::lock_guard lock{mutex_};
    if (queue_.size() < static_cast<std::size_t>(settings_.queue_max)) {
      const auto deadline = w.question.deadline;
      queue_.emplace(deadline, std::move(w));
      counted_.queue.add();
      arrived_.notify_all();
      return;
    }
  }
  end(w, not_applied(errc::overloaded, "too many questions to the tables wait"));
}

void records_pool::work(const std::stop_token& stop) {
  std::optional<pg_connection> connection;
  std::unique_lock lock{mutex_};
  while (arrived_.wait(lock, stop, [this] { return !queue_.empty(); })) {
    auto w = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    counted_.queue.sub();
    lock.unlock();
    answer(connection, std::move(w));
    lock.lock();
    if (stop.stop_requested()) return;
  }
}

/// Those whose deadline comes while all connections are busy get their answer in time, too.
void records_pool::expire(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (!stop.stop_requested()) {
    if (queue_.empty()) {
      arrived_.wait(lock, stop, [this] { return !queue_.empty(); });
      continue;
    }
    const auto next = queue_.begin()->first;
    if (next > steady_now()) {
      arrived_.wait_for(lock, stop, until(next), [&] { return !queue_.empty() && queue_.begin()->first < next; });
      continue;
    }
    const auto late = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    counted_.queue.sub();
    lock.unlock();
    end(late, not_applied(errc::deadline_exceeded, "no connection was free in time"));
    lock.lock();
  }
}

void records_pool::answer(std::optional<pg_connection>& connection, waiting w) {
  counted_.busy.add();
  const auto failed = try_to_answer(connection, w.question);
  counted_.busy.sub();
  end(w, failed);
}

std::optional<failure> records_pool::try_to_answer(std::optional<pg_connection>& connection, const record_question& q) {
  const call_deadline deadline{.name = "the question's deadline", .at = q.deadline};
  pg_error error;
  // Twice: a connection that died while it was idle is noticed only by asking.
  for (int attempt = 0; attempt < 2 && steady_now() < q.deadline; ++attempt) {
    if (!connection || !connection->usable()) {
      connection.reset();
      const auto sooner = std::min(q.deadline, steady_now() + database_.connect_timeout);
      auto made = pg_connection::connect(database_, application_name(incarnation_, "records"),
                                         {.name = "database.connect_timeout", .at = sooner});
      if (!made) return not_applied(errc::unavailable, made.error().message);
      connection = std::move(*made);
    }
    const auto failed = q.ask(*connection, deadline);
    if (!failed) return std::nullopt;
    error = *failed;
    const bool may_be_done = q.changes && error.kind == pg_failure::in_doubt;
    if (error.kind == pg_failure::refused || may_be_done) break;
  }
  const bool unknown = q.changes && error.kind == pg_failure::in_doubt;
  const auto code = steady_now() >= q.deadline ? errc::deadline_exceeded : errc::unavailable;
  log_warn("a question to the tables failed", {{"kind", q.kind}, {"detail", error.message}});
  return failure{.code = code, .outcome = unknown ? outcome::unknown : outcome::not_applied, .detail = error.message};
}

void records_pool::end(const waiting& w, const std::optional<failure>& failed) {
  counted_.question_seconds.observe(steady_now() - w.since);
  counted_.questions.of({std::string{w.question.kind}, failed ? std::string{to_text(failed->code)} : "answered"}).add();
  if (failed) {
    w.question.fail(*failed);
  } else {
    w.question.answer();
  }
}

}  // namespace keyrack::persistence
