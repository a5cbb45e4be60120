// One incarnation of this node, from its registration to its end: heartbeat, journal, region. A process lives through several
// when it is fenced; gateway and router stay and use whichever is current.
#pragma once

#include "cluster/node_router.hpp"
#include "config/settings.hpp"
#include "persistence/heartbeat.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace keyrack::deploy {

class incarnation {
public:
  struct environment {
    caf::actor_system& system;
    const keyrack::settings& settings;
    std::shared_ptr<cluster::node_router> router;
    metrics& counters;
    std::string http_address;
    /// This incarnation has lost its place: any thread, once. The owner ends it and begins another.
    std::function<void(std::string why)> on_fenced;
  };

  /// Registers, fences predecessors, beats, and opens the region when no other lease can be alive any more. The error is a
  /// sentence for an operator.
  static std::expected<std::unique_ptr<incarnation>, std::string> begin(const environment& env);

  /// Puts all hotels to sleep, at most for `patience`, and gives the place back.
  void leave(std::chrono::milliseconds patience);

  /// Without `leave`: as after a fence, everything is dropped.
  ~incarnation();

  persistence::heartbeat& heartbeat() { return *heartbeat_; }
  std::int64_t id() const { return id_; }
  const region_handle& region() const { return region_; }
  std::size_t hotels_awake() const { return directory_->size(); }
  int commands_waiting() const { return directory_->waiting(); }

private:
  explicit incarnation(const environment& env) : env_(env) {}
  void open_region();

  environment env_;
  std::int64_t id_ = 0;
  std::shared_ptr<persistence::heartbeat> heartbeat_;
  journal_handles journal_;
  std::shared_ptr<cluster::hotel_directory> directory_;
  region_handle region_;
  bool left_ = false;
};

/// Lease and clock of whichever incarnation is current: what the gateway holds. Answers of an earlier one are not covered.
class current_lease final : public read_lease, public cluster_clock {
public:
  void use(std::shared_ptr<incarnation> current) { current_.store(std::move(current)); }
  std::shared_ptr<incarnation> current() const { return current_.load(); }

  bool covers(const leased& answer) const override;
  void await_beat(const leased& answer, steady_instant deadline, std::function<void(bool)> then) override;
  instant now() const override;

private:
  std::atomic<std::shared_ptr<incarnation>> current_;
  mutable std::atomic<std::int64_t> last_told_us_{0};
};

}  // namespace keyrack::deploy
