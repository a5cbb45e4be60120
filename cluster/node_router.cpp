#include "cluster/node_router.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace keyrack::cluster {

namespace {

class parking_actor : public parking_handle::base {
public:
  parking_actor(caf::actor_config& cfg, std::chrono::milliseconds retry_after,
                std::function<void(std::vector<envelope_ptr>)> unpark)
      : parking_handle::base(cfg), retry_after_(retry_after), unpark_(std::move(unpark)) {}

  behavior_type make_behavior() override {
    return {
        [this](const deliver& m) {
          if (!std::exchange(timer_set_, true)) delayed_send(this, retry_after_, tick{});
          parked_.push_back(m.what);
        },
        [this](const tick&) {
          timer_set_ = false;
          unpark_(std::exchange(parked_, {}));
        },
        [this](const try_parked&) { unpark_(std::exchange(parked_, {})); },
    };
  }

private:
  const std::chrono::milliseconds retry_after_;
  const std::function<void(std::vector<envelope_ptr>)> unpark_;
  std::vector<envelope_ptr> parked_;
  bool timer_set_ = false;
};

}  // namespace

std::shared_ptr<node_router> node_router::start(caf::actor_system& system, router_bounds bounds, metrics& counters) {
  std::shared_ptr<node_router> router{new node_router{bounds, counters}};
  router->parking_ =
      system.spawn<parking_actor>(bounds.retry_after, [weak = std::weak_ptr{router}](std::vector<envelope_ptr> parked) {
        if (const auto alive = weak.lock()) alive->unpark(std::move(parked));
      });
  return router;
}

void node_router::send(envelope_ptr e) {
  const auto now = current();
  const auto owner = now->owner_of(e->hotel);
  if (now->is_local(owner)) return send_local(*now->local, std::move(e));
  if (owner == 0) return park(std::move(e), {errc::unavailable, outcome::not_applied, "nobody owns the hotel yet"});
  const auto peers = peers_.load(std::memory_order_acquire);
  if (!peers) return park(std::move(e), {errc::unavailable, outcome::not_applied, "the owner cannot be reached"});
  const auto row_version = now->version_of(e->hotel);
  peers->forward(owner, row_version, std::move(e));
}

void node_router::accept(envelope_ptr e, std::int64_t row_version) {
  const auto now = current();
  if (row_version < now->owned_since_of(e->hotel)) {
    return bounce({std::move(e)}, {errc::moving, outcome::not_applied, "sent before the hotel came back to this node"});
  }
  // This node's own reading may be older than the sender's: the region is asked, which knows best.
  if (now->local) return send_local(*now->local, std::move(e));
  bounce({std::move(e)}, {errc::fenced, outcome::not_applied, "this node has no place at the moment"});
}

void node_router::send_local(const local_hotels& local, envelope_ptr e) {
  switch (local.directory->send(e)) {
  case hotel_directory::sent::yes: return;
  case hotel_directory::sent::absent: caf::anon_send(local.region, deliver{std::move(e)}); return;
  case hotel_directory::sent::full:
    fail(e, {errc::overloaded, outcome::not_applied, "too many requests wait for this hotel; ask again later"});
    return;
  }
}

void node_router::use_local(std::shared_ptr<const local_hotels> local) {
  {
    const std::scoped_lock lock{replacing_};
    auto next = std::make_shared<routes>(*current());
    next->local = std::move(local);
    routes_.store(std::move(next), std::memory_order_release);
  }
  retry_parked();
}

void node_router::use_owners(const cluster_rows& rows) {
  const auto version = rows.routes_version();
  {
    const std::scoped_lock lock{replacing_};
    const auto now = current();
    if (version <= now->version) return;
    auto next = std::make_shared<routes>(*now);
    for (std::size_t s = 0; s < next->owners.size(); ++s) {
      const auto& row = rows.shards[s];
      if (std::exchange(next->owners[s], row.owner) != row.owner) next->owned_since[s] = row.version;
      next->versions[s] = row.version;
    }
    next->version = version;
    routes_.store(std::move(next), std::memory_order_release);
  }
  metrics_.routes_version.set(static_cast<double>(version));
  retry_parked();
}

bool node_router::knows_owners() const {
  const auto now = current();
  return std::ranges::none_of(now->owners, [](incarnation_id owner) { return owner == 0; });
}

void node_router::retry_parked() {
  if (parked_.load(std::memory_order_relaxed) > 0) caf::anon_send(parking_, try_parked{});
}

void node_router::bounce(std::vector<envelope_ptr> what, const failure& why) {
  for (auto& e : what) {
    if (e->forwarded) {
      fail(e, why);  // whoever sent it tries again
    } else if (why.code == errc::overloaded || steady_now() + bounds_.retry_after >= e->deadline) {
      fail(e, why);
    } else if (why.outcome == outcome::unknown && !e->in_doubt) {
      auto again =
          std::make_shared<envelope>(*e);  // from now on its failure is unknown, whatever the next attempt says
      again->in_doubt = true;
      park(std::move(again), why);
    } else {
      park(std::move(e), why);
    }
  }
}

void node_router::park(envelope_ptr e, const failure& why) {
  if (parked_.fetch_add(1, std::memory_order_relaxed) >= bounds_.parked_max) {
    parked_.fetch_sub(1, std::memory_order_relaxed);
    return fail(e, why);
  }
  metrics_.retries.of({std::string{to_text(why.code)}}).add();
  metrics_.parked.set(parked_.load(std::memory_order_relaxed));
  caf::anon_send(parking_, deliver{std::move(e)});
}

// The hotel may be owned again by now.
void node_router::unpark(std::vector<envelope_ptr> parked) {
  parked_.fetch_sub(static_cast<int>(parked.size()), std::memory_order_relaxed);
  metrics_.parked.set(parked_.load(std::memory_order_relaxed));
  for (auto& e : parked) {
    if (steady_now() >= e->deadline) {
      metrics_.deadlines.add();
      fail(e, {errc::unavailable, outcome::not_applied, "the hotel could not be reached in time"});
    } else {
      send(std::move(e));
    }
  }
}

void node_router::fail(const envelope_ptr& e, failure why) {
  if (e->in_doubt) why.outcome = outcome::unknown;
  const bool for_routers = why.code == errc::moving || why.code == errc::fenced;  // not a client's words
  if (for_routers && !e->forwarded) why.code = errc::unavailable;
  e->reply_to->deliver({{e->correlation, {.hotel = e->hotel, .rests_on = durable{}, .body = std::move(why)}}});
}

}  // namespace keyrack::cluster
