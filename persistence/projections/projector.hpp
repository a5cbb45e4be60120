// The projector: a thread that keeps the projections up to the journal, with its lag told to everybody. Several in a
// cluster do no harm, and no good either. Owns when it works and what it reports; the work is projection_worker's.
#pragma once

#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "persistence/projections/pace.hpp"
#include "persistence/projections/projection_worker.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace keyrack::persistence {

class projector {
public:
  /// Starts. `counted` outlives it. The database may be away: it is asked again until it answers.
  projector(database_settings database, projector_settings settings, projector_metrics& counted,
            std::int64_t incarnation);
  /// Stops, after the statement that is under way.
  ~projector();
  projector(const projector&) = delete;

  /// There is something new in the journal: look now. Any thread; never blocks.
  void nudge();

private:
  void run(const std::stop_token& stop);
  void report(const projection_step& step, std::chrono::nanoseconds work);
  void report_lag();
  void wait(const std::stop_token& stop, const rest& r);

  projector_settings settings_;
  projector_metrics& counted_;
  projection_worker worker_;
  int failures_ = 0;
  steady_instant complained_at_{};
  steady_instant lag_reported_at_{};

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool nudged_ = false;
  std::jthread thread_;
};

}  // namespace keyrack::persistence
