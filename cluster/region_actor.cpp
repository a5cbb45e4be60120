#include "cluster/region_actor.hpp"

#include "cluster/region.hpp"
#include "config/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <unordered_map>
#include <utility>

namespace keyrack::cluster {

namespace {

constexpr auto look_at_idle_hotels_every = std::chrono::seconds{1};

class region_actor : public region_handle::base {
public:
  region_actor(caf::actor_config& cfg, const hotels_settings& settings, std::shared_ptr<hotel_directory> directory,
               std::shared_ptr<const hotel_environment> environment)
      : region_handle::base(cfg),
        settings_(settings),
        region_(static_cast<std::size_t>(settings.waiting_max)),
        directory_(std::move(directory)),
        env_(std::move(environment)) {
    set_down_handler([this](const caf::down_msg& m) { on_down(m.source); });
  }

  behavior_type make_behavior() override {
    delayed_send(this, look_at_idle_hotels_every, tick{});
    return {
        [this](const deliver& m) { run([&](auto& out) { region_.on_envelope(m.what, out); }); },
        [this](const hotel_failed& m) { run([&](auto& out) { region_.on_failed(m.hotel, out); }); },
        [this](const wake_hotel& m) { run([&](auto& out) { region_.on_wake(m.hotel, out); }); },
        [this](const tick&) { on_tick(); },
        [this](const incarnation_fenced&) { run([&](auto& out) { region_.on_fenced(out); }); },
        [this](const close_region&) { run([&](auto& out) { region_.on_close(out); }); },
    };
  }

private:
  template <typename Step>
  void run(Step step) {
    region::effects out;
    step(out);
    for (const auto id : out.wake) wake(id);
    for (const auto id : out.retire) retire_hotel(id);
    for (const auto& e : out.send) send_to_hotel(e);
    for (auto& [e, why] : out.bounce) env_->router->bounce({std::move(e)}, why);
    if (region_.closed() && ids_.empty()) quit();
  }

  void wake(hotel_id id) {
    auto door = std::make_shared<hotel_door>();
    auto handle = spawn_hotel(home_system(), id, door, env_, this);
    monitor(handle);
    ids_.emplace(handle.address(), id);
    directory_->add(id, std::move(handle), std::move(door));
    count_awake();
  }

  // Out of the directory first: `retire` is the last that the hotel hears.
  void retire_hotel(hotel_id id) {
    const auto handle = directory_->remove(id);
    if (!handle) return;
    env_->counters.hotel.sleeps.add();
    if (region_.fenced()) send(*handle, incarnation_fenced{});
    send(*handle, retire{});
  }

  void send_to_hotel(const envelope_ptr& e) {
    if (directory_->send(e) == hotel_directory::sent::yes) return;
    env_->router->bounce({e}, {errc::overloaded, outcome::not_applied, "too many requests wait for this hotel"});
  }

  void on_down(const caf::actor_addr& who) {
    const auto found = ids_.find(who);
    if (found == ids_.end()) return;
    const auto id = found->second;
    ids_.erase(found);
    if (directory_->remove(id))
      log_error("hotel actor died; who waits for it is told by the deadline", {{"hotel", to_text(id)}});
    run([&](auto& out) { region_.on_gone(id, out); });
    count_awake();
  }

  void on_tick() {
    if (region_.closed()) return;
    const auto sleepy =
        directory_->sleepy(steady_now() + -settings_.idle_after, static_cast<std::size_t>(settings_.awake_max));
    run([&](auto& out) {
      for (const auto id : sleepy) region_.on_sleepy(id, out);
    });
    delayed_send(this, look_at_idle_hotels_every, tick{});
  }

  void count_awake() { env_->counters.hotel.awake.set(static_cast<double>(directory_->size())); }

  const hotels_settings settings_;
  region region_;
  const std::shared_ptr<hotel_directory> directory_;
  const std::shared_ptr<const hotel_environment> env_;
  std::unordered_map<caf::actor_addr, hotel_id> ids_;
};

}  // namespace

region_handle spawn_region(caf::actor_system& system, const hotels_settings& settings,
                           std::shared_ptr<hotel_directory> directory,
                           std::shared_ptr<const hotel_environment> environment) {
  return system.spawn<region_actor>(settings, std::move(directory), std::move(environment));
}

}  // namespace keyrack::cluster
