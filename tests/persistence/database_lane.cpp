#include "tests/persistence/database_lane.hpp"

#include "tests/support/postgres_server.hpp"

#include <utility>

namespace keyrack::testing {

database_lane::database_lane(settings s, std::int64_t incarnation, std::string role,
                             persistence::server_lineage lineage)
    : settings_(std::move(s)), incarnation_(incarnation), role_(std::move(role)), lineage_(std::move(lineage)) {
  thread_ = std::thread{[this] { run(); }};
}

database_lane::~database_lane() {
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void database_lane::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || job_; });
    if (stopping_) return;
    lock.unlock();
    std::string outcome;
    try {
      outcome = job_(*this);
    } catch (const std::exception& e) {
      outcome = e.what();
    }
    lock.lock();
    job_ = nullptr;
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }
}

void database_lane::begin(job what) {
  {
    const std::scoped_lock lock{mutex_};
    outcome_.reset();
    job_ = std::move(what);
  }
  changed_.notify_all();
}

bool database_lane::ended() {
  const std::scoped_lock lock{mutex_};
  return outcome_.has_value();
}

std::optional<std::string> database_lane::wait(std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, patience, [this] { return outcome_.has_value(); });
  return outcome_;
}

void database_lane::drop() {
  connection_.reset();
  stores_.clear();
}

persistence::pg_connection& database_lane::connection() {
  if (!connection_ || !connection_->usable()) connection_.emplace(connect_for_test(settings_.database, name()));
  return *connection_;
}

persistence::pg_connection database_lane::take_connection() {
  connection();
  return *std::exchange(connection_, std::nullopt);
}

cluster_store& database_lane::store(std::chrono::milliseconds lock_timeout) {
  auto& kept = stores_[lock_timeout];
  if (!kept) {
    auto s = settings_;
    s.database.lock_timeout = lock_timeout;
    kept = persistence::make_cluster_store(s, incarnation_, lineage_);
  }
  return *kept;
}

}  // namespace keyrack::testing
