// The shell around `routes` and `parking`: the directory of awake hotels or the region when a hotel's shard is this node's, else
// the owner's node; and the lock and the timer for what came back, until it is tried again. The client sees latency, not an
// error. Refuses to know bytes and links.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/ports.hpp"
#include "cluster/hotel_directory.hpp"
#include "cluster/parking.hpp"
#include "cluster/routes.hpp"
#include "config/metrics.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace keyrack::cluster {

/// Where this node's own hotels are, as of one incarnation.
struct local_hotels {
  incarnation_id incarnation = 0;
  std::shared_ptr<hotel_directory> directory;
  region_handle region;
};

/// The way to other nodes. Thread-safe.
class peer_port {
public:
  virtual ~peer_port() = default;
  /// `row_version`: of the shard's row by which it is sent there. Ends in an answer through `e->reply_to` or in
  /// `router.bounce`, once, at the latest soon after the deadline.
  virtual void forward(incarnation_id to, std::int64_t row_version, envelope_ptr e) = 0;
};

/// Where what is parked is tried again, away from whoever opened the way: `try_parked` soon, `tick` after a while.
using parking_handle = caf::typed_actor<caf::reacts_to<tick>, caf::reacts_to<try_parked>>;

/// Router of the gateway and bounce port of the hotels. `send` is a plain call on the caller's thread.
class node_router final : public router, public bounce_port, public std::enable_shared_from_this<node_router> {
public:
  static std::shared_ptr<node_router> start(caf::actor_system& system, parking::bounds bounds, metrics& counters);

  /// Nothing is tried again any more; an actor system does not wait for the timer.
  ~node_router() override;

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

  /// As this node knows it.
  routes::way way_to(hotel_id hotel) const { return now_.load()->table.way_to(hotel); }
  bool knows_owners() const { return now_.load()->table.all_owned(); }

private:
  // Replaced as a whole, never changed.
  struct knowledge {
    routes table;
    std::shared_ptr<const local_hotels> local;  // null while this node has no place
  };
  node_router(parking::bounds bounds, metrics& counters)
      : retry_after_(bounds.retry_after), metrics_(counters.router), parking_(bounds) {}
  void send_local(const local_hotels& local, envelope_ptr e);
  void park(envelope_ptr e, const char* why);
  void fail(const envelope_ptr& e, const failure& why);
  void end(const parking::ending& ended);
  /// Has `decide(parking_, out)` run alone, and does what it says.
  template <typename Decide>
  void with_parking(Decide decide);
  void follow(parking::effects out);

  const std::chrono::nanoseconds retry_after_;
  router_metrics& metrics_;
  parking_handle retrying_;
  std::mutex replacing_;  // of what is known: one after the other
  std::atomic<std::shared_ptr<const knowledge>> now_{std::make_shared<const knowledge>()};
  std::atomic<std::shared_ptr<peer_port>> peers_;
  std::mutex parking_alone_;  // never taken for what goes straight to its hotel
  parking parking_;
};

}  // namespace keyrack::cluster
