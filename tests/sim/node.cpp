// The region's shell and the hotels'; beats, and what may leave under them.
#include "tests/sim/node.hpp"

#include "tests/sim/process.hpp"

#include <algorithm>

namespace keyrack::sim {

namespace {

constexpr duration beat_every = 200ms;

cluster::region::bounds bounds_of(const faults& f) {
  auto wait = lease_time + lease_margin;
  if (f.bug == planted::serves_before_lease_ended) wait = 0us;
  return {.waiting_max = 10'000, .wait_after_fence = wait};
}

}  // namespace

node::node(environment& env, process& in, incarnation me, session_ptr heartbeat)
    : env_(env),
      in_(in),
      me_(me),
      region_(me, bounds_of(env.f)),
      heartbeat_(std::move(heartbeat)),
      lineage_(heartbeat_->lineage),
      lookout_(me, {.grace = grace, .move_deadline = env.f.move_deadline}) {}

// The first beat comes before all: it brings the time.
void node::start() {
  for (int i = 0; i < slots_of_node; ++i) slots_.emplace_back(in_.steady());
  beat();
}

// As actors/hotel_actor: never before the hotel's last event, whatever the database's clock did.
moment node::now(const hotel_pipeline& p) const {
  auto at = clock_.now(in_.steady());
  if (env_.f.bug != planted::time_goes_back) at = std::max(at, p.state().last_at);
  return {at, utc_date(at)};
}

void node::after(duration delay, happening what) { in_.after(delay, std::move(what)); }

void node::fence_learnt() {
  if (region_.fenced()) return;
  gone_ = true;
  lease_.end();
  run_region([&](auto& out) { region_.on_fenced(out); });
  std::vector<hotel_id> retiring;
  for (const auto& [id, h] : hotels_) retiring.push_back(id);
  for (const auto id : retiring) {
    run_hotel(id, [](auto& p, auto& effects) { p.on_fenced(effects); });
    stop_if_finished(id);
  }
  serve_waiters();
  in_.lost_place(this);
}

void node::take(const envelope_ptr& e) {
  run_region([&](auto& out) { region_.on_envelope(e, out); });
}

void node::run_region(const std::function<void(cluster::region::effects&)>& step) {
  cluster::region::effects out;
  step(out);
  for (const auto id : out.wake) load(id);
  for (const auto& r : out.retire) {
    auto& h = hotels_[r.hotel];
    h.retiring = true;
    h.snapshot = r.snapshot;
    if (env_.f.bug == planted::hand_over_before_appends_end) {
      after(1us, [this, id = r.hotel] { run_region([&](auto& o) { region_.on_gone(id, o); }); });
    }
    after(10us, [this, id = r.hotel] { stop_if_finished(id); });
  }
  for (const auto& e : out.send) take_in_hotel(e->hotel, e);
  for (auto& [e, why] : out.bounce) in_.bounce(e, why);
  for (const auto& a : out.announce) announce(a);
  if (!out.hand_overs.empty()) {
    const bool idle = handing_over_.empty() && !slots_.front().machine.has_work();
    if (idle && env_.f.bug != planted::hand_overs_are_no_work) board_.set_working(0, in_.steady());
    handing_over_.insert(handing_over_.end(), out.hand_overs.begin(), out.hand_overs.end());
    after(10us, [this] { step_slot(slots_.front()); });
  }
  if (!out.gone.empty()) {
    in_.tell_routes_changed();
    nudge();
  }
  if (out.admits_more) in_.retry_parked();
  leave_if_done();
}

// The target loads the shard's hotels, and says so; or its answer is lost, and time goes by.
void node::announce(const cluster::region::announcement& a) {
  if (env_.w.chance(env_.f.lost_answer)) return;
  after(env_.w.between(500us, 100ms), [this, shard = a.shard, version = a.version] {
    run_region([&](auto& out) { region_.on_prepared(shard, version, out); });
  });
}

void node::set_timer() {
  const auto until = region_.waits_until();
  if (!until || region_.closed() || std::exchange(timer_set_, true)) return;
  after(std::max(std::chrono::ceil<duration>(*until - in_.steady()), duration{1ms}), [this] {
    timer_set_ = false;
    run_region([&](auto& out) { region_.on_time(in_.steady(), out); });
    set_timer();
  });
}

void node::load(hotel_id id) {
  hotels_.erase(id);
  const auto serial = ++last_serial_;
  hotels_[id].serial = serial;
  after(env_.w.between(200us, 5ms), [this, id, serial] {
    const auto found = hotels_.find(id);
    if (found == hotels_.end() || found->second.serial != serial) return;
    if (!env_.db.up() || !in_.reaches_database() || !slot_of(id).machine.settled() ||
        env_.w.chance(env_.f.load_fails)) {
      return loaded(id, std::nullopt);
    }
    hotel_state state{.id = id};
    const auto& snapshots = env_.db.rows().snapshots;
    if (const auto kept = snapshots.find(id); kept != snapshots.end() && env_.w.chance(0.7)) {
      state = *kept->second;
    }
    const auto already = state.seq;
    bool joins = true;
    env_.db.each_event(id, already, UINT64_MAX, [&](const event& e) {
      joins = joins && e.seq == state.seq + 1;
      if (joins) evolve(state, e);
    });
    if (!joins) return loaded(id, std::nullopt);  // a planted bug's doing
    loaded(id, std::move(state), already);
  });
}

void node::loaded(hotel_id id, std::optional<hotel_state> state, std::uint64_t snapshot_seq) {
  auto& h = hotels_.at(id);
  const bool failed = !state;
  h.pipeline.emplace(failed ? hotel_state{.id = id} : std::move(*state), snapshot_seq, in_.steady(), me_,
                     snapshot_policy{env_.f.snapshot_events});
  if (failed || region_.fenced()) {
    run_hotel(id, [](auto& p, auto& out) { p.on_fenced(out); });
    for (auto& e : std::exchange(h.stash, {})) in_.bounce(e, {errc::unavailable, outcome::not_applied, "not loaded"});
    return stop_if_finished(id);
  }
  for (auto& e : std::exchange(h.stash, {})) take_in_hotel(id, e);
  stop_if_finished(id);
}

void node::take_in_hotel(hotel_id id, const envelope_ptr& e) {
  auto& h = hotels_[id];
  if (!h.pipeline) return h.stash.push_back(e);
  run_hotel(id, [&](auto& p, auto& out) { p.on_envelope(e, now(p), in_.steady(), out); });
}

void node::run_hotel(hotel_id id, const std::function<void(hotel_pipeline&, hotel_pipeline::effects&)>& step) {
  const auto found = hotels_.find(id);
  if (found == hotels_.end() || !found->second.pipeline) return;
  auto& h = found->second;
  hotel_pipeline::effects out;
  step(*h.pipeline, out);
  const bool failed = h.pipeline->failed() && !std::exchange(h.reported, h.pipeline->failed());
  carry_out(id, h, out);
  if (failed) after(10us, [this, id] { run_region([&](auto& o) { region_.on_failed(id, o); }); });
}

void node::carry_out(hotel_id id, const hotel& h, const hotel_pipeline::effects& out) {
  for (const auto& a : out.answers) answer(a.to, a.what);
  for (const auto& e : out.given_back) in_.bounce(e, {out.why.code, outcome::not_applied, out.why.detail});
  for (const auto& e : out.in_doubt) in_.bounce(e, {out.why.code, outcome::unknown, out.why.detail});
  for (const auto seq : out.read) {
    after(env_.w.between(100us, 2ms), [this, id, seq] {
      const auto what = env_.db.up() ? env_.db.event_at(id, seq) : nullptr;
      run_hotel(id, [&](auto& p, auto& effects) { p.on_event_read(seq, what, effects); });
      stop_if_finished(id);
    });
  }
  if (out.snapshot) keep_snapshot(out.snapshot);
  if (!out.append) return;
  auto& s = slot_of(id);
  tickets_[++last_ticket_] = {id, h.serial};
  if (!s.machine.has_work()) board_.set_working(number_of(s), in_.steady());
  s.machine.take({.what = out.append, .payload = {}, .ticket = last_ticket_, .queued_at = in_.steady()});
  step_slot(s);
  if (env_.f.bug == planted::answer_before_commit) {
    after(0us, [this, id, first = out.append->first_seq()] {
      run_hotel(id, [&](auto& p, auto& effects) { p.on_append_done(append_result::applied, first, effects); });
    });
  }
}

void node::keep_snapshot(const std::shared_ptr<const hotel_state>& state) {
  const auto s = in_.connect(me_, role::start);
  const auto t = s ? env_.db.begin(s) : nullptr;
  if (!t) return;
  auto kept = std::make_shared<hotel_state>(*state);
  if (env_.f.bug == planted::request_keys_forgotten) kept->requests = {};
  env_.db.save_snapshot(t, {me_, node_slot}, std::move(kept),
                        [this, t, s](bool) { env_.db.commit(t, [this, s] { env_.db.end(s); }); });
}

void node::stop_if_finished(hotel_id id) {
  const auto found = hotels_.find(id);
  if (found == hotels_.end()) return;
  auto& h = found->second;
  if (!h.retiring || !h.pipeline || !h.stash.empty() || !(h.pipeline->idle() || h.pipeline->failed())) return;
  if (!h.pipeline->failed() && h.snapshot) {
    if (auto last = h.pipeline->last_snapshot()) keep_snapshot(last);
  }
  hotels_.erase(found);
  after(20us, [this, id] { run_region([&](auto& out) { region_.on_gone(id, out); }); });
}

void node::tick() {
  after(env_.f.retire_every.count() ? env_.f.retire_every : duration{100ms}, [this] {
    if (region_.closed()) return;
    std::vector<hotel_id> awake;
    for (const auto& [id, h] : hotels_) awake.push_back(id);
    for (const auto id : awake) run_hotel(id, [&](auto& p, auto& out) { p.on_tick(now(p), out); });
    if (env_.f.retire_every.count() && !awake.empty()) {
      const auto id = awake[env_.w.below(awake.size())];
      run_region([&](auto& out) { region_.on_sleepy(id, out); });
    }
    tick();
  });
}

// As gateway and forwarding do: an answer from memory leaves under the lease, or after a beat that was sent after it was
// decided.
void node::answer(const envelope_ptr& e, const answer_envelope& a) {
  const auto* l = std::get_if<leased>(&a.rests_on);
  if (!l || lease_.covers(*l, in_.steady()) || env_.f.bug == planted::no_lease) return in_.answer(e, a);
  waits_for_beat_.emplace_back(e, a);
  if (gone_) serve_waiters();
}

void node::serve_waiters() {
  for (auto& [e, a] : std::exchange(waits_for_beat_, {})) {
    if (lease_.covers(std::get<leased>(a.rests_on), in_.steady())) {
      in_.answer(e, a);
    } else if (gone_ || in_.steady() >= e->deadline) {
      in_.answer(e,
                 {.hotel = e->hotel,
                  .rests_on = durable{},
                  .body = failure{e->forwarded ? errc::fenced : errc::unavailable, outcome::not_applied, "no lease"}});
    } else {
      waits_for_beat_.emplace_back(e, a);
    }
  }
}

// A beat vouches for all the node's slots.
bool node::held_back() const {
  return answered_ && board_.stalled(in_.steady(), stall, answered_since_).has_value() &&
         env_.f.bug != planted::beats_vouch_for_nothing;
}

void node::beat_again(duration delay) {
  after(delay, [this] { beat(); });
}

void node::beat() {
  if (gone_) return;
  if (!heartbeat_->alive) {
    const auto made = in_.connect(me_, role::heartbeat);
    if (!made) {
      answered_ = false;
      serve_waiters();
      return beat_again(env_.w.between(20ms, 200ms));
    }
    heartbeat_ = made;
    if (made->lineage != lineage_) return fence_learnt();  // another server
  }
  if (held_back()) return look_for_fence();
  in_.write<beat_answer>(
      heartbeat_, [this](const auto& t, auto executed) { env_.db.beat(t, me_, std::move(executed)); },
      [this, sent = in_.steady()](const std::optional<beat_answer>& answer) { beat_ended(sent, answer); });
}

void node::lose_heartbeat() {
  env_.db.end(heartbeat_);
  answered_ = false;
}

// Who does not beat is fenced, and must hear of it all the same.
void node::look_for_fence() {
  in_.ask<bool>(
      heartbeat_, [this] { return env_.db.fenced(me_); },
      [this](std::optional<bool> fenced) {
        if (gone_) return;
        if (fenced.value_or(false) && env_.f.bug != planted::held_back_unaware) return fence_learnt();
        if (!fenced) lose_heartbeat();
        serve_waiters();
        beat_again(beat_every);
      });
}

void node::beat_ended(steady_instant sent, const std::optional<beat_answer>& answer) {
  if (gone_) return;
  if (answer && (!answer->there || answer->fenced)) return fence_learnt();
  if (answer) {
    clock_.correct(sent, in_.steady(), answer->clock);
    lease_.beat_completed(sent);
    if (!std::exchange(answered_, true)) answered_since_ = in_.steady();
  } else {
    lose_heartbeat();
  }
  if (clock_.set() && !std::exchange(started_, true)) {
    for (auto& s : slots_) step_slot(s);
    tick();
    look();
  }
  serve_waiters();
  beat_again(answer ? beat_every : env_.w.between(10ms, 100ms));
}

}  // namespace keyrack::sim
