// The way to a hotel: the directory of awake hotels or the region when its shard is this node's, else the owner's node. What
// comes back from either is tried again at whoever owns the hotel then, until the client's deadline: the client sees latency,
// not an error. Refuses to know bytes and links.
//
//   send ──► local hotel ──────────────────────────────────────► answered
//     │  └──► owner's node ── answered ─────────────────────────►   │
//     │             └── moving, fenced, unreachable ─┐              │ given back
//     └── nobody ──► parked ◄────────────────────────┴──────────────┘
//                      │  new routes, or a short while
//                      └──► send again; past the deadline: failed, with what is known of its outcome
#pragma once

#include "actors/interfaces.hpp"
#include "actors/ports.hpp"
#include "cluster/routes.hpp"
#include "config/metrics.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace keyrack::cluster {

struct router_bounds {
  std::chrono::milliseconds retry_after{
      25};                  ///< what was given back is tried again after so long, or when routes change
  int parked_max = 10'000;  ///< commands that wait to be tried again
};

/// The way to other nodes. Thread-safe.
class peer_port {
public:
  virtual ~peer_port() = default;
  /// `row_version`: of the shard's row by which it is sent there. Ends in an answer through `e->reply_to` or in
  /// `router.bounce`, once, at the latest soon after the deadline.
  virtual void forward(incarnation_id to, std::int64_t row_version, envelope_ptr e) = 0;
};

/// Keeps commands until they are tried again: `deliver` parks one, `tick` and `try_parked` let all go that are there.
using parking_handle = caf::typed_actor<caf::reacts_to<deliver>, caf::reacts_to<tick>, caf::reacts_to<try_parked>>;

/// Router of the gateway and bounce port of the hotels. `send` is a plain call on the caller's thread.
class node_router final : public router, public bounce_port, public std::enable_shared_from_this<node_router> {
public:
  static std::shared_ptr<node_router> start(caf::actor_system& system, router_bounds bounds, metrics& counters);

  void send(envelope_ptr e) override;
  void bounce(std::vector<envelope_ptr> what, const failure& why) override;

  /// What another node has forwarded: served here or given back to it, never sent on. What was sent by a row from before
  /// this ownership is given back: it may have been on its way for so long that its sender tried elsewhere, was refused
  /// there, and has told so.
  void accept(envelope_ptr e, std::int64_t row_version);

  /// This node's own hotels from now on; null: it has no place.
  void use_local(std::shared_ptr<const local_hotels> local);
  /// Owners as of a reading of the rows; an older reading than the last is ignored.
  void use_owners(const cluster_rows& rows);
  /// Where what belongs to others goes; null: nowhere, any more.
  void use_peers(std::shared_ptr<peer_port> peers) { peers_.store(std::move(peers)); }
  /// Something that was given back may be taken now: everything parked is tried at once.
  void retry_parked();

  /// Every hotel has an owner, as far as this node knows.
  bool knows_owners() const;

  std::shared_ptr<const routes> current() const { return routes_.load(std::memory_order_acquire); }

private:
  node_router(router_bounds bounds, metrics& counters) : bounds_(bounds), metrics_(counters.router) {}
  void send_local(const local_hotels& local, envelope_ptr e);
  void park(envelope_ptr e, const failure& why);
  void unpark(std::vector<envelope_ptr> parked);
  void fail(const envelope_ptr& e, failure why);

  const router_bounds bounds_;
  router_metrics& metrics_;
  parking_handle parking_;
  std::mutex replacing_;  // of the routes: one after the other
  std::atomic<std::shared_ptr<const routes>> routes_{std::make_shared<const routes>()};
  std::atomic<std::shared_ptr<peer_port>> peers_;
  std::atomic<int> parked_{0};
};

}  // namespace keyrack::cluster
