// What this node knows of the others and does about it: one thread that reads the cluster's rows, hands them to router,
// region and transport, and coordinates when that is this node's part. What is decided is decided in `lookout` and `plan`;
// here is only when rows are read and actions carried out. One for each incarnation.
//
//     look: rows ──► router, region, transport
//            └─► not the coordinator ── its holder is gone ──► take the role
//            └─► coordinator ── renew, plan ──► fence, give, begin and call off moves ──► tell all, look again
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/interfaces.hpp"
#include "cluster/chronicle.hpp"
#include "cluster/forwarding.hpp"
#include "cluster/lookout.hpp"
#include "cluster/node_router.hpp"
#include "cluster/plan.hpp"
#include "cluster/transport.hpp"
#include "config/metrics.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace keyrack::cluster {

struct membership_times {
  std::chrono::nanoseconds look_every = std::chrono::milliseconds{100};
  std::chrono::nanoseconds grace = std::chrono::seconds{2};
  std::chrono::nanoseconds move_deadline = std::chrono::seconds{10};
};

class membership {
public:
  struct environment {
    incarnation_id me = 0;
    std::unique_ptr<cluster_store> store;
    membership_times times;
    plan_limits limits;
    std::shared_ptr<node_router> router;
    region_handle region;
    std::shared_ptr<transport> network;
    std::shared_ptr<forwarding> peers;
    cluster_metrics& counters;
    std::shared_ptr<chronicle> observer;
    /// Whether this node coordinates, when that changes. On the membership's thread.
    std::function<void(incarnation_id me, bool coordinates)> on_role;
  };

  /// Reads the rows once, so that routes are known, and then goes on by itself. The error is a sentence.
  static std::expected<std::unique_ptr<membership>, std::string> start(environment env);
  ~membership();
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;

  /// Something has changed: look at once. Any thread.
  void nudge();
  /// Hand-overs of this node are written: all others should look, too. Any thread.
  void tell_all();

  /// Asks for this node's shards to be taken over, and waits until they are, or nobody is there to take them, or the rows
  /// have been out of reach for the grace. False: some are still here.
  bool give_all_away(std::chrono::milliseconds patience);
  void stop();

  /// As of the last look.
  std::shared_ptr<const cluster_rows> rows() const { return rows_.load(); }
  bool coordinates() const { return term_.load() != 0; }

private:
  explicit membership(environment env);
  void run();
  void rest();
  bool look();
  void publish(cluster_rows read);
  lookout::links links_now() const;
  void tell_leaving(const cluster_rows& rows);
  void tell_reach(const std::vector<incarnation_id>& reach);
  void coordinate(const cluster_rows& rows);
  bool fence_all(const cluster_rows& rows, const std::vector<fencing>& whom);
  void carry_out(const cluster_rows& rows, const plan_actions& actions);
  void set_term(std::int64_t term);
  bool succeeded(const std::expected<void, std::string>& result, std::string_view during);

  environment env_;
  lookout lookout_;
  std::atomic<std::shared_ptr<const cluster_rows>> rows_;
  std::atomic<std::int64_t> term_{0};  // of the role while this node has it
  std::vector<incarnation_id> reach_told_;
  bool urgent_ = false;  // something is expected to change within milliseconds
  bool failing_ = false;
  steady_instant failing_since_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool nudged_ = false;
  bool stopping_ = false;
  bool leaving_ = false;
  bool told_leaving_ = false;
  bool cut_off_from_rows_ = false;  // for longer than the grace
  std::thread thread_;
};

}  // namespace keyrack::cluster
