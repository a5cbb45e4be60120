// One connection of a script on a real server: a thread that runs one of the product's statements at a time, however long
// that waits, and what can be seen of it meanwhile.
#pragma once

#include "persistence/cluster_rows.hpp"
#include "persistence/pg_connection.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace keyrack::testing {

class database_lane {
public:
  using job = std::function<std::string(database_lane&)>;

  /// Connects as `keyrack/<incarnation>/<role>` when it is first needed.
  database_lane(settings s, std::int64_t incarnation, std::string role, persistence::server_lineage lineage);
  ~database_lane();
  database_lane(const database_lane&) = delete;
  database_lane& operator=(const database_lane&) = delete;

  /// What the server knows it as.
  std::string name() const { return persistence::application_name(incarnation_, role_); }
  std::int64_t incarnation() const { return incarnation_; }
  const persistence::server_lineage& lineage() const { return lineage_; }

  /// REQUIRES: nothing is under way.
  void begin(job what);
  bool ended();
  /// What came of it; nothing, when that takes longer.
  std::optional<std::string> wait(std::chrono::milliseconds patience);
  /// Makes its connection, if there is none. REQUIRES: nothing is under way.
  void connect() { backend_ = connection().backend_pid(); }
  /// Of the connection that `connect` made.
  int backend_pid() const { return backend_; }
  /// Its connections are closed. REQUIRES: nothing is under way.
  void drop();

  // For the job, on its thread.

  persistence::pg_connection& connection();
  /// Gives its connection away; it makes another when it needs one.
  persistence::pg_connection take_connection();
  /// The rows of the cluster, with that patience for locks.
  cluster_store& store(std::chrono::milliseconds lock_timeout);
  const settings& all_settings() const { return settings_; }

private:
  void run();

  const settings settings_;
  const std::int64_t incarnation_;
  const std::string role_;
  const persistence::server_lineage lineage_;
  std::optional<persistence::pg_connection> connection_;
  std::map<std::chrono::milliseconds, std::unique_ptr<cluster_store>> stores_;  // by their patience
  int backend_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  job job_;
  std::optional<std::string> outcome_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keyrack::testing
