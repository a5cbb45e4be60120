// What nodes ask of each other, over the transport: commands for hotels that live elsewhere, and hints. Turns envelopes into
// bytes and back, and checks that what rests on this node's memory may leave it. Refuses to know routes and retries.
#pragma once

#include "actors/ports.hpp"
#include "actors/value_codec.hpp"
#include "cluster/node_router.hpp"
#include "cluster/transport.hpp"
#include "config/metrics.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keyrack::cluster {

class forwarding final : public peer_port, public std::enable_shared_from_this<forwarding> {
public:
  struct environment {
    std::shared_ptr<node_router> router;
    read_lease& lease;  ///< of this node; outlives the transport
    const value_codec& values;
    metrics& counters;
    /// A peer says that rows have changed. Any thread; must not block.
    std::function<void()> on_routes_changed;
    /// A shard is about to come, say its owner. `done` is kept until its hotels are loaded. Any thread; must not block.
    std::function<void(shard_id shard, std::vector<hotel_id> hotels, std::function<void()> done)> on_prepare;
  };
  explicit forwarding(environment env) : env_(std::move(env)) {}

  /// REQUIRES: before anything is forwarded; null when nothing will be any more.
  void use(std::shared_ptr<transport> over) { transport_ = std::move(over); }

  void forward(incarnation_id to, std::int64_t row_version, envelope_ptr e) override;

  /// The transport's `on_request`.
  void on_request(incarnation_id from, const std::string& bytes, steady_instant deadline, transport::respond respond);

  /// Tells peers that rows have changed; whether they hear of it does not matter much.
  void tell_routes_changed(const std::vector<incarnation_id>& peers);

  /// Asks a shard's next owner to load these hotels. `done` runs once, on any thread: when it says that it has, or there is
  /// no hope of it.
  void ask_to_prepare(incarnation_id peer, shard_id shard, const std::vector<hotel_id>& hotels, steady_instant deadline,
                      std::function<void()> done);

private:
  void take_answer(const envelope_ptr& e, transport::answer answer);
  void serve(const std::string& bytes, std::int64_t row_version, steady_instant deadline, transport::respond respond);

  const environment env_;
  std::shared_ptr<transport> transport_;
};

}  // namespace keyrack::cluster
