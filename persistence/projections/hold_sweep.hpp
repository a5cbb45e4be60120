// Holds that have lapsed while their hotel slept: who must be woken. Owns the sweep over the projection's deadlines; refuses
// to lapse anything, which only a hotel does.
#pragma once

#include "actors/ports.hpp"
#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace keyrack::persistence {

/// Hotels with pending holds whose deadline is not after `now`, ascending, above `above` or from the first on, at most
/// `limit`. As the projection knows it: some may have lapsed them already.
std::expected<std::vector<hotel_id>, pg_error>
lapsed_holds(pg_connection& connection, instant now, std::optional<hotel_id> above, int limit, call_deadline deadline);

/// Sweeps every `hotels.sweep_period` and hands each such hotel to `wake`, `hotels.sweep_hotels_max` in one sweep; the
/// next one goes on behind them, so that hotels which cannot be woken keep nobody waiting.
class hold_sweep {
public:
  /// Starts. `clock` outlives it; `wake` is called on its thread.
  hold_sweep(database_settings database, hotels_settings hotels, std::int64_t incarnation, const cluster_clock& clock,
             std::function<void(hotel_id)> wake);
  ~hold_sweep();
  hold_sweep(const hold_sweep&) = delete;

private:
  void run(const std::stop_token& stop);
  bool sweep();

  database_settings database_;
  hotels_settings hotels_;
  std::int64_t incarnation_;
  const cluster_clock& clock_;
  std::function<void(hotel_id)> wake_;
  std::optional<pg_connection> connection_;
  std::optional<hotel_id> above_;

  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace keyrack::persistence
