// One incarnation of this node, from its registration to its end: heartbeat, journal, region. A process lives through several
// when it is fenced; gateway and router stay and use whichever is current.
#pragma once

#include "cluster/membership.hpp"
#include "cluster/node_router.hpp"
#include "config/settings.hpp"
#include "persistence/heartbeat.hpp"
#include "persistence/node_registry.hpp"

#include <atomic>
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
    std::shared_ptr<cluster::transport> network;
    std::shared_ptr<cluster::forwarding> peers;
    metrics& counters;
    persistence::node_addresses addresses;
    /// Whether this node coordinates, when that changes. Any thread.
    std::function<void(incarnation_id me, bool coordinates)> on_role;
    /// This incarnation has lost its place: any thread, once. The owner ends it and begins another.
    std::function<void(std::string why)> on_fenced;
  };

  /// Registers, fences predecessors, beats, opens the region and joins the others. The error is a sentence for an operator.
  static std::expected<std::unique_ptr<incarnation>, std::string> begin(const environment& env);

  /// Lets others take this node's shards over, while it still serves. False: some are still here.
  bool give_all_away(std::chrono::milliseconds patience) { return members_->give_all_away(patience); }

  /// Rows have changed, says somebody.
  void nudge() { members_->nudge(); }
  /// A shard is about to come, says its owner: loads these hotels ahead. `done` as `prepare_shard` has it.
  void prepare(shard_id shard, std::vector<hotel_id> hotels, std::function<void()> done);

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
  std::expected<void, std::string> join(const persistence::server_lineage& lineage);
  void part();

  // What the region tells; it may outlive the membership, and begins before it.
  struct told_by_region {
    std::atomic<std::shared_ptr<cluster::membership>> members;
  };

  environment env_;
  std::int64_t id_ = 0;
  std::shared_ptr<persistence::heartbeat> heartbeat_;
  journal_handles journal_;
  std::shared_ptr<cluster::hotel_directory> directory_;
  region_handle region_;
  std::shared_ptr<told_by_region> told_ = std::make_shared<told_by_region>();
  std::shared_ptr<cluster::membership> members_;
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
