#include "actors/hotel_actor.hpp"

#include "actors/time_zones.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace keyrack {

namespace {

class hotel_actor : public hotel_handle::base {
public:
  hotel_actor(caf::actor_config& cfg, hotel_id id, std::shared_ptr<hotel_door> door,
              std::shared_ptr<const hotel_environment> environment, region_handle region,
              std::shared_ptr<const hotel_loaded> ahead)
      : hotel_handle::base(cfg),
        id_(id),
        door_(std::move(door)),
        env_(std::move(environment)),
        region_(std::move(region)),
        ahead_(std::move(ahead)) {}

  behavior_type make_behavior() override {
    loading_since_ = steady_now();
    send(env_->journal.reader_of(id_), load_hotel{id_, std::exchange(ahead_, nullptr)});
    return {
        [this](const deliver& m) { on_deliver(m.what); },
        [this](const append_done& m) { on_append_done(m); },
        [this](const hotel_loaded& m) { on_loaded(m); },
        [this](const event_read& m) { run([&](auto& p, auto& out) { p.on_event_read(m.seq, m.what, out); }); },
        [this](const snapshot_saved&) {},
        [this](const tick&) { on_timer(); },
        [this](const retire& m) { on_retire(m.snapshot); },
        [this](const incarnation_fenced&) { on_fenced(); },
    };
  }

private:
  void on_deliver(const envelope_ptr& e) {
    if (!pipeline_) {  // loading; bounded by the door
      stash_.push_back(e);
      return;
    }
    const auto now = moment_now();
    run([&](auto& p, auto& out) { p.on_envelope(e, now, steady_now(), out); });
  }

  void on_loaded(const hotel_loaded& m) {
    if (pipeline_) return;
    env_->observer->loaded(id_, steady_now() - loading_since_, m.state ? nullptr : &m.why);
    if (!m.state) {
      return give_up({errc::unavailable, outcome::not_applied, "the hotel could not be loaded from the journal"});
    }
    pipeline_.emplace(std::move(*m.state), m.snapshot_seq, steady_now(), env_->incarnation, env_->snapshots);
    while (!stash_.empty()) {
      const auto e = std::move(stash_.front());
      stash_.pop_front();
      on_deliver(e);
    }
    on_timer();
  }

  void on_append_done(const append_done& m) {
    if (m.result != append_result::applied) env_->observer->append_failed(id_, m.first_seq, m.result);
    run([&](auto& p, auto& out) { p.on_append_done(m.result, m.first_seq, out); });
  }

  void on_fenced() {
    if (pipeline_) {
      run([](auto& p, auto& out) { p.on_fenced(out); });
    } else {
      give_up({errc::fenced, outcome::not_applied, "this node lost its place"});
    }
  }

  void on_timer() {
    timer_set_ = false;
    const auto now = moment_now();
    run([&](auto& p, auto& out) { p.on_tick(now, out); });
  }

  void on_retire(bool snapshot) {
    retiring_ = true;
    last_snapshot_ = snapshot;
    stop_if_finished();
  }

  // The hotel's own today, at a time that is never before its last event.
  moment moment_now() {
    if (!pipeline_) return {};
    const auto& hotel = pipeline_->state();
    const auto at = std::max(env_->clock->now(), hotel.last_at);
    return {at, dates_.today(at, hotel.profile.time_zone)};
  }

  // Lets the pipeline take one thing in, and does what it says.
  template <typename Step>
  void run(Step step) {
    if (!pipeline_) return;
    hotel_pipeline::effects out;
    step(*pipeline_, out);
    if (out.append) send(env_->journal.slot_of(id_), append_commit{out.append});
    answer_all(out.answers);
    give_back(std::move(out.given_back), out.why, outcome::not_applied);
    give_back(std::move(out.in_doubt), out.why, outcome::unknown);
    for (const auto seq : out.read) send(env_->journal.reader_of(id_), read_event{id_, seq});
    if (out.snapshot) send(env_->journal.snapshots_of(id_), save_snapshot{std::move(out.snapshot)});
    if (pipeline_->failed() && !reported_) {
      reported_ = true;
      send(region_, hotel_failed{id_});
    }
    set_timer();
    stop_if_finished();  // the last thing: it ends the pipeline
  }

  // Answers of one commit usually go to one gateway: they travel as one batch.
  void answer_all(std::vector<hotel_pipeline::effects::answer>& answers) {
    if (answers.empty()) return;
    door_->waiting.fetch_sub(static_cast<int>(answers.size()), std::memory_order_relaxed);
    std::vector<reply_port::reply> batch;
    batch.reserve(answers.size());
    auto port = answers.front().to->reply_to;
    const auto now = steady_now();
    for (auto& a : answers) {
      env_->observer->answered(*a.to, a.what, a.arrived, now);
      if (a.to->reply_to != port) {
        port->deliver(std::exchange(batch, {}));
        port = a.to->reply_to;
      }
      batch.push_back({a.to->correlation, std::move(a.what)});
    }
    port->deliver(std::move(batch));
  }

  void give_back(std::vector<envelope_ptr> what, failure why, outcome applied) {
    if (what.empty()) return;
    door_->waiting.fetch_sub(static_cast<int>(what.size()), std::memory_order_relaxed);
    why.outcome = applied;
    env_->router->bounce(std::move(what), why);
  }

  void give_up(const failure& why) {
    pipeline_.emplace(hotel_state{.id = id_}, 0, steady_now(), env_->incarnation, env_->snapshots);
    run([](auto& p, auto& out) { p.on_fenced(out); });
    give_back({stash_.begin(), stash_.end()}, why, outcome::not_applied);
    stash_.clear();
    stop_if_finished();
  }

  // One timer at a time, for the hold that lapses first. It is short, because a timer that has not fired keeps the actor,
  // and with it a node that wants to stop, alive.
  void set_timer() {
    const auto& holds = pipeline_->state().holds;
    if (timer_set_ || retiring_ || pipeline_->failed() || holds.empty()) return;
    timer_set_ = true;
    const auto wait = holds.begin()->first - env_->clock->now();
    delayed_send(this,
                 std::clamp<std::chrono::microseconds>(wait, std::chrono::milliseconds{10}, std::chrono::seconds{1}),
                 tick{});
  }

  void stop_if_finished() {
    if (!retiring_ || !pipeline_ || !stash_.empty() || !(pipeline_->idle() || pipeline_->failed())) return;
    if (!pipeline_->failed() && last_snapshot_) {
      if (auto last = pipeline_->last_snapshot()) send(env_->journal.snapshots_of(id_), save_snapshot{std::move(last)});
    }
    pipeline_.reset();  // the last timer keeps this object for a second: not its reservations, too
    quit();
  }

  const hotel_id id_;
  const std::shared_ptr<hotel_door> door_;
  const std::shared_ptr<const hotel_environment> env_;
  const region_handle region_;
  std::shared_ptr<const hotel_loaded> ahead_;
  std::optional<hotel_pipeline> pipeline_;  // empty while loading
  std::deque<envelope_ptr> stash_;
  local_dates dates_;
  steady_instant loading_since_{};
  bool timer_set_ = false;
  bool retiring_ = false;
  bool last_snapshot_ = true;
  bool reported_ = false;
};

}  // namespace

hotel_handle spawn_hotel(caf::actor_system& system, hotel_id id, std::shared_ptr<hotel_door> door,
                         std::shared_ptr<const hotel_environment> environment, region_handle region,
                         std::shared_ptr<const hotel_loaded> ahead) {
  return system.spawn<hotel_actor>(id, std::move(door), std::move(environment), std::move(region), std::move(ahead));
}

}  // namespace keyrack
