// The way to a hotel. One node owns all of them yet, so that the way is: the directory of awake hotels, else the region. What
// a hotel gives back is tried again at whoever owns it then, until the client's deadline: the client sees latency, not an error.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/ports.hpp"
#include "cluster/hotel_directory.hpp"
#include "config/metrics.hpp"

#include <atomic>
#include <memory>

namespace keyrack::cluster {

/// Where this node's hotels are, as of one incarnation. Replaced as a whole, never changed.
struct local_routes {
  std::shared_ptr<hotel_directory> directory;
  region_handle region;
};

struct router_bounds {
  std::chrono::milliseconds retry_after{25};  ///< a bounced command is tried again after so long
  int parked_max = 10'000;                    ///< commands that wait to be tried again
};

/// Keeps commands until they are tried again: `deliver` parks one, `tick` lets all go that are there.
using parking_handle = caf::typed_actor<caf::reacts_to<deliver>, caf::reacts_to<tick>>;

/// Router of the gateway and bounce port of the hotels. `send` is a plain call on the caller's thread.
class node_router final : public router, public bounce_port, public std::enable_shared_from_this<node_router> {
public:
  static std::shared_ptr<node_router> start(caf::actor_system& system, router_bounds bounds, metrics& counters);

  void send(envelope_ptr e) override;
  void bounce(std::vector<envelope_ptr> what, const failure& why) override;

  /// The routes from now on; null while this node owns nothing: commands are parked and tried again.
  void use(std::shared_ptr<const local_routes> routes) { routes_.store(std::move(routes)); }

private:
  node_router(router_bounds bounds, metrics& counters) : bounds_(bounds), metrics_(counters.router) {}
  void park(envelope_ptr e, const failure& why);
  void unpark(std::vector<envelope_ptr> parked);
  static void fail(const envelope_ptr& e, failure why);

  const router_bounds bounds_;
  router_metrics& metrics_;
  parking_handle parking_;
  std::atomic<std::shared_ptr<const local_routes>> routes_;
  std::atomic<int> parked_{0};
};

}  // namespace keyrack::cluster
