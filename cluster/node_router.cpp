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
  parking_actor(caf::actor_config& cfg, std::function<void()> on_soon, std::function<void()> on_later)
      : parking_handle::base(cfg), on_soon_(std::move(on_soon)), on_later_(std::move(on_later)) {}

  behavior_type make_behavior() override {
    return {
        [this](const tick&) { on_later_(); },
        [this](const try_parked&) { on_soon_(); },
    };
  }

private:
  const std::function<void()> on_soon_;
  const std::function<void()> on_later_;
};

}  // namespace

std::shared_ptr<node_router> node_router::start(caf::actor_system& system, parking::bounds bounds, metrics& counters) {
  std::shared_ptr<node_router> router{new node_router{bounds, counters}};
  const auto retry = [weak = std::weak_ptr{router}](auto of_parking) {
    return [weak, of_parking] {
      if (const auto alive = weak.lock()) {
        alive->with_parking([&](parking& p, auto& out) { (p.*of_parking)(steady_now(), out); });
      }
    };
  };
  router->retrying_ = system.spawn<parking_actor>(retry(&parking::on_soon), retry(&parking::on_later));
  return router;
}

node_router::~node_router() { caf::anon_send_exit(retrying_, caf::exit_reason::user_shutdown); }

void node_router::send(envelope_ptr e) {
  const auto now = now_.load(std::memory_order_acquire);
  const auto way = now->table.way_to(e->hotel);
  if (way.here) return send_local(*now->local, std::move(e));
  if (way.owner == 0) return park(std::move(e), "nobody owns the hotel yet");
  const auto peers = peers_.load(std::memory_order_acquire);
  if (!peers) return park(std::move(e), "the owner cannot be reached");
  peers->forward(way.owner, way.row_version, std::move(e));
}

void node_router::accept(envelope_ptr e, std::int64_t row_version) {
  const auto now = now_.load(std::memory_order_acquire);
  if (!now->table.admits(e->hotel, row_version)) {
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
    auto next = std::make_shared<knowledge>(*now_.load());
    next->table.use_incarnation(local ? local->incarnation : 0);
    next->local = std::move(local);
    now_.store(std::move(next), std::memory_order_release);
  }
  retry_parked();
}

void node_router::use_owners(const cluster_rows& rows) {
  const auto version = rows.routes_version();
  {
    const std::scoped_lock lock{replacing_};
    auto next = std::make_shared<knowledge>(*now_.load());
    if (!next->table.take(rows.shards, version)) return;
    now_.store(std::move(next), std::memory_order_release);
  }
  metrics_.routes_version.set(static_cast<double>(version));
  retry_parked();
}

void node_router::retry_parked() {
  with_parking([](parking& p, auto& out) { p.on_way_open(out); });
}

void node_router::bounce(std::vector<envelope_ptr> what, const failure& why) {
  with_parking([&, now = steady_now()](parking& p, auto& out) {
    for (auto& e : what) p.on_given_back(std::move(e), why, now, out);
  });
}

void node_router::park(envelope_ptr e, const char* why) {
  with_parking(
      [&](parking& p, auto& out) { p.on_no_way(std::move(e), {errc::unavailable, outcome::not_applied, why}, out); });
}

template <typename Decide>
void node_router::with_parking(Decide decide) {
  parking::effects out;
  {
    const std::scoped_lock lock{parking_alone_};
    const auto before = parking_.size();
    decide(parking_, out);
    metrics_.parked.add(static_cast<double>(parking_.size()) - static_cast<double>(before));
  }
  follow(std::move(out));
}

// Without the lock: what is sent again may come back before `send` returns.
void node_router::follow(parking::effects out) {
  for (const auto reason : out.parked) metrics_.retries.of({std::string{to_text(reason)}}).add();
  metrics_.deadlines.add(static_cast<std::uint64_t>(out.too_late));
  if (out.later) caf::delayed_anon_send(retrying_, retry_after_, tick{});
  if (out.soon) caf::anon_send(retrying_, try_parked{});
  for (const auto& ended : out.end) end(ended);
  for (auto& e : out.send) send(std::move(e));
}

void node_router::fail(const envelope_ptr& e, const failure& why) {
  end({.what = e, .reason = why.code, .told = last_words(*e, why)});
}

void node_router::end(const parking::ending& ended) {
  const auto& e = *ended.what;
  (e.forwarded ? metrics_.given_back : metrics_.given_up).of({std::string{to_text(ended.reason)}}).add();
  e.reply_to->deliver({{e.correlation, {.hotel = e.hotel, .rests_on = durable{}, .body = ended.told}}});
}

}  // namespace keyrack::cluster
