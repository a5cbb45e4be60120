#include "cluster/region_actor.hpp"

#include "config/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <unordered_map>
#include <utility>
#include <vector>

namespace keyrack::cluster {

namespace {

constexpr auto look_at_idle_hotels_every = std::chrono::seconds{1};

class region_actor : public region_handle::base {
public:
  region_actor(caf::actor_config& cfg, const hotels_settings& settings, std::shared_ptr<hotel_directory> directory,
               std::shared_ptr<const hotel_environment> environment)
      : region_handle::base(cfg), settings_(settings), directory_(std::move(directory)), env_(std::move(environment)) {
    set_down_handler([this](const caf::down_msg& m) { on_down(m.source); });
  }

  behavior_type make_behavior() override {
    delayed_send(this, look_at_idle_hotels_every, tick{});
    return {
        [this](const deliver& m) { on_deliver(m.what); },
        [this](const hotel_failed& m) { retire_hotel(m.hotel); },
        [this](const wake_hotel& m) {
          if (!fenced_ && !retiring_.contains(m.hotel) && !directory_->contains(m.hotel)) wake(m.hotel);
        },
        [this](const tick&) { on_tick(); },
        [this](const incarnation_fenced&) { on_fenced(); },
    };
  }

private:
  // The router found no awake hotel; by now there may be one.
  void on_deliver(const envelope_ptr& e) {
    if (fenced_) return env_->router->bounce({e}, {errc::fenced, outcome::not_applied, "this node lost its place"});
    if (const auto found = retiring_.find(e->hotel); found != retiring_.end()) {
      if (found->second.size() >= static_cast<std::size_t>(settings_.waiting_max)) return refuse_full(e);
      found->second.push_back(e);
      return;
    }
    if (!directory_->contains(e->hotel)) wake(e->hotel);
    if (directory_->send(e) == hotel_directory::sent::full) refuse_full(e);
  }

  void wake(hotel_id id) {
    auto door = std::make_shared<hotel_door>();
    auto handle = spawn_hotel(home_system(), id, door, env_, this);
    monitor(handle);
    ids_.emplace(handle.address(), id);
    directory_->add(id, std::move(handle), std::move(door));
    env_->counters.hotel.awake.set(static_cast<double>(directory_->size()));
  }

  // Out of the directory first: from then on commands wait here, and `retire` is the last that the hotel hears.
  void retire_hotel(hotel_id id) {
    const auto handle = directory_->remove(id);
    if (!handle) return;
    env_->counters.hotel.sleeps.add();
    retiring_.try_emplace(id);
    send(*handle, retire{});
  }

  void on_down(const caf::actor_addr& who) {
    const auto found = ids_.find(who);
    if (found == ids_.end()) return;
    const auto id = found->second;
    ids_.erase(found);
    if (!retiring_.contains(id)) {  // it died on its own: whoever waits for it is told by his deadline
      log_error("hotel actor died", {{"hotel", to_text(id)}});
      directory_->remove(id);
    }
    env_->counters.hotel.awake.set(static_cast<double>(directory_->size()));
    auto node = retiring_.extract(id);
    if (node.empty()) return;
    for (const auto& e : node.mapped()) on_deliver(e);
  }

  void on_tick() {
    if (fenced_) return;
    for (const auto id :
         directory_->sleepy(steady_now() + -settings_.idle_after, static_cast<std::size_t>(settings_.awake_max)))
      retire_hotel(id);
    delayed_send(this, look_at_idle_hotels_every, tick{});
  }

  void on_fenced() {
    fenced_ = true;
    for (const auto& handle : directory_->clear()) {
      send(handle, incarnation_fenced{});
      send(handle, retire{});
    }
    for (auto& [id, waiting] : std::exchange(retiring_, {})) {
      for (const auto& e : waiting) on_deliver(e);
    }
    quit();
  }

  void refuse_full(const envelope_ptr& e) {
    env_->router->bounce({e}, {errc::overloaded, outcome::not_applied, "too many requests wait for this hotel"});
  }

  const hotels_settings settings_;
  const std::shared_ptr<hotel_directory> directory_;
  const std::shared_ptr<const hotel_environment> env_;
  std::unordered_map<caf::actor_addr, hotel_id> ids_;
  std::unordered_map<hotel_id, std::vector<envelope_ptr>> retiring_;  // and what waits until they are gone
  bool fenced_ = false;
};

}  // namespace

region_handle spawn_region(caf::actor_system& system, const hotels_settings& settings,
                           std::shared_ptr<hotel_directory> directory,
                           std::shared_ptr<const hotel_environment> environment) {
  return system.spawn<region_actor>(settings, std::move(directory), std::move(environment));
}

}  // namespace keyrack::cluster
