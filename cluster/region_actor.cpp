#include "cluster/region_actor.hpp"

#include "cluster/hotels_ahead.hpp"
#include "config/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>
#include <unordered_map>
#include <utility>

namespace keyrack::cluster {

namespace {

class region_actor : public region_handle::base {
public:
  region_actor(caf::actor_config& cfg, region_environment environment)
      : region_handle::base(cfg),
        env_(std::move(environment)),
        region_(env_.of_hotels->incarnation, {.waiting_max = static_cast<std::size_t>(env_.hotels.waiting_max),
                                              .wait_after_fence = env_.wait_after_fence}),
        serving_(env_.of_hotels->counters.hotel.shards.of({"serving"})),
        waiting_(env_.of_hotels->counters.hotel.shards.of({"waiting"})),
        leaving_(env_.of_hotels->counters.hotel.shards.of({"leaving"})),
        ahead_({.loading_max = env_.of_hotels->journal.readers.size(),
                .kept_max = static_cast<std::size_t>(env_.hotels.awake_max)}) {
    set_down_handler([this](const caf::down_msg& m) { on_down(m.source); });
  }

  behavior_type make_behavior() override {
    delayed_send(this, env_.look_at_idle_hotels_every, tick{});
    return {
        [this](const deliver& m) { run([&](auto& out) { region_.on_envelope(m.what, out); }); },
        [this](const hotel_failed& m) { run([&](auto& out) { region_.on_failed(m.hotel, out); }); },
        [this](const wake_hotel& m) { run([&](auto& out) { region_.on_wake(m.hotel, out); }); },
        [this](const tick&) { on_tick(); },
        [this](const incarnation_fenced&) { on_fenced(); },
        [this](const close_region&) { run([&](auto& out) { region_.on_close(out); }); },
        [this](const rows_read& m) { on_rows(*m.rows); },
        [this](const serve_waiting&) { on_time(); },
        [this](const shards_handed_over& m) { on_handed_over(m); },
        [this](const shard_prepared& m) { run([&](auto& out) { region_.on_prepared(m.shard, m.version, out); }); },
        [this](const prepare_shard& m) { on_prepare(m); },
        [this](const hotel_loaded& m) { on_loaded_ahead(m); },
    };
  }

private:
  template <typename Step>
  void run(Step step) {
    region::effects out;
    step(out);
    if (env_.observer) env_.observer->on_region(out, steady_now());
    for (const auto id : out.wake) wake(id);
    for (const auto& r : out.retire) retire_hotel(r);
    for (const auto& e : out.send) send_to_hotel(e);
    for (auto& [e, why] : out.bounce) hotels().router->bounce({std::move(e)}, why);
    for (const auto& a : out.announce) announce(a);
    // The first slot writes for the region; all slots are settled before it does.
    if (!out.hand_overs.empty()) send(hotels().journal.slots.front(), hand_over_shards{std::move(out.hand_overs)});
    if (!out.gone.empty()) env_.on_gone(out.gone);
    if (out.admits_more) env_.on_admits_more();
    if (region_.closed()) count_shards();
    if (region_.closed() && ids_.empty()) quit();
  }

  void on_rows(const cluster_rows& rows) {
    run([&](auto& out) { region_.on_rows(rows.shards, steady_now(), out); });
    wake_loaded_ahead();
    count_shards();
    set_timer();
  }

  void on_time() {
    timer_at_.reset();
    run([&](auto& out) { region_.on_time(steady_now(), out); });
    wake_loaded_ahead();
    count_shards();
    set_timer();
  }

  // For shards that wait; an earlier timer finds nothing to do, and sets the next.
  void set_timer() {
    const auto until = region_.waits_until();
    if (!until || region_.closed() || (timer_at_ && *timer_at_ <= *until)) return;
    timer_at_ = until;
    delayed_send(this, std::max(*until - steady_now(), std::chrono::nanoseconds{1'000'000}), serve_waiting{});
  }

  void announce(const region::announcement& a) {
    env_.announce(a, [self = region_handle{this}, shard = a.shard, version = a.version] {
      caf::anon_send(self, shard_prepared{shard, version});
    });
  }

  void on_prepare(const prepare_shard& m) {
    if (region_.closed() || region_.serves(m.shard)) return m.done();
    ahead_.want(m.shard, m.hotels, steady_now(), m.done);
    load_ahead();
  }

  void load_ahead() {
    while (const auto id = ahead_.next()) send(hotels().journal.reader_of(*id), load_hotel{*id, nullptr});
  }

  void on_loaded_ahead(const hotel_loaded& m) {
    if (m.state) hotels().counters.hotel.loaded_ahead.add();
    ahead_.on_loaded(std::make_shared<const hotel_loaded>(m));
    load_ahead();
  }

  // Before anybody asks for them.
  void wake_loaded_ahead() {
    for (const auto shard : ahead_.shards()) {
      if (!region_.serves(shard)) continue;
      const auto loaded = ahead_.finish(shard);
      run([&](auto& out) {
        for (const auto id : loaded) region_.on_wake(id, out);
      });
      for (const auto id : loaded) ahead_.take(id);  // of those that were awake already
    }
  }

  // All hotels hear of it, those too that retire already: their slots may stand still, and who waits for them shall not.
  void on_fenced() {
    run([&](auto& out) { region_.on_fenced(out); });
    for (const auto& [who, id] : ids_) {
      if (const auto hotel = caf::actor_cast<caf::actor>(who)) caf::anon_send(hotel, incarnation_fenced{});
    }
  }

  void on_handed_over(const shards_handed_over& m) {
    run([&](auto& out) {
      for (std::size_t i = 0; i < m.what.size(); ++i) region_.on_handed_over(m.what[i], m.done[i], out);
    });
    count_shards();
    set_timer();
  }

  const hotel_environment& hotels() const { return *env_.of_hotels; }

  void wake(hotel_id id) {
    auto door = std::make_shared<hotel_door>();
    auto handle = spawn_hotel(home_system(), id, door, env_.of_hotels, this, ahead_.take(id));
    monitor(handle);
    ids_.emplace(handle.address(), id);
    env_.directory->add(id, std::move(handle), std::move(door));
    count_awake();
  }

  // Out of the directory first: `retire` is the last that the hotel hears.
  void retire_hotel(const region::retirement& r) {
    const auto handle = env_.directory->remove(r.hotel);
    if (!handle) return;
    hotels().counters.hotel.sleeps.add();
    send(*handle, retire{.snapshot = r.snapshot});
  }

  void send_to_hotel(const envelope_ptr& e) {
    if (env_.directory->send(e) == hotel_directory::sent::yes) return;
    hotels().router->bounce({e}, {errc::overloaded, outcome::not_applied, "too many requests wait for this hotel"});
  }

  void on_down(const caf::actor_addr& who) {
    const auto found = ids_.find(who);
    if (found == ids_.end()) return;
    const auto id = found->second;
    ids_.erase(found);
    if (env_.directory->remove(id))
      log_error("hotel actor died; who waits for it is told by the deadline", {{"hotel", to_text(id)}});
    run([&](auto& out) { region_.on_gone(id, out); });
    count_awake();
  }

  void on_tick() {
    if (region_.closed()) return;
    const auto sleepy =
        env_.directory->sleepy(steady_now() + -env_.hotels.idle_after, static_cast<std::size_t>(env_.hotels.awake_max));
    run([&](auto& out) {
      for (const auto id : sleepy) region_.on_sleepy(id, out);
    });
    ahead_.forget_old(steady_now());
    delayed_send(this, env_.look_at_idle_hotels_every, tick{});
  }

  void count_shards() {
    const auto t = region_.closed() ? region::shard_tally{} : region_.tally();
    serving_.set(t.serving);
    waiting_.set(t.waiting);
    leaving_.set(t.leaving);
  }
  void count_awake() { hotels().counters.hotel.awake.set(static_cast<double>(env_.directory->size())); }

  const region_environment env_;
  region region_;
  gauge& serving_;  // of the shards that it owns
  gauge& waiting_;
  gauge& leaving_;
  std::unordered_map<caf::actor_addr, hotel_id> ids_;
  hotels_ahead ahead_;
  std::optional<steady_instant> timer_at_;
};

}  // namespace

region_handle spawn_region(caf::actor_system& system, region_environment environment) {
  return system.spawn<region_actor>(std::move(environment));
}

}  // namespace keyrack::cluster
