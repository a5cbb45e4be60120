#include "tests/sim/node.hpp"

#include <algorithm>

namespace keyrack::sim {

using persistence::found_commit;
using persistence::slot_machine;

node::node(world& w, database& db, incarnation me, faults f, const bool& database_up, answer_handler answered,
           bounce_handler bounced)
    : world_(w),
      db_(db),
      me_(me),
      faults_(f),
      database_up_(database_up),
      answered_(std::move(answered)),
      bounced_(std::move(bounced)) {
  for (int i = 0; i < 2; ++i) slots_.emplace_back(world_.steady());
  for (auto& s : slots_) step_slot(s);
  beat();
  tick();
}

// All that the node does passes here: the dead do nothing, the frozen do it later.
void node::after(duration delay, std::function<void()> what) {
  world_.after(delay, [this, what = std::move(what)] {
    if (!alive_) return;
    if (frozen_) {
      when_thawed_.push_back(what);
    } else {
      what();
    }
  });
}

void node::freeze(duration time) {
  if (frozen_) return;
  frozen_ = true;
  world_.after(time, [this] {
    frozen_ = false;
    for (auto& what : std::exchange(when_thawed_, {})) {
      if (alive_) what();
    }
  });
}

void node::send(const envelope_ptr& e) {
  after(world_.between(10us, 300us), [this, e] { run_region([&](auto& out) { region_.on_envelope(e, out); }); });
}

void node::run_region(const std::function<void(cluster::region::effects&)>& step) {
  cluster::region::effects out;
  step(out);
  for (const auto id : out.wake) load(id);
  for (const auto id : out.retire) {
    hotels_[id].retiring = true;
    if (region_.fenced()) run_hotel(id, [](auto& p, auto& effects) { p.on_fenced(effects); });
    stop_if_finished(id);
  }
  for (const auto& e : out.send) take(e->hotel, e);
  for (auto& [e, why] : out.bounce) bounced_(e, why);
}

void node::load(hotel_id id) {
  hotels_.erase(id);
  hotels_[id].serial = ++last_serial_;
  after(world_.between(200us, 5ms), [this, id] {
    if (!database_up_ || !slot_of(id).machine.settled() || world_.chance(faults_.load_fails))
      return loaded(id, std::nullopt);
    hotel_state state{.id = id};
    if (const auto kept = db_.snapshots.find(id); kept != db_.snapshots.end() && world_.chance(0.7))
      state = *kept->second;
    const auto already = state.seq;
    for (const auto& e : db_.events(id)) {
      if (e.seq <= already) continue;
      if (e.seq != state.seq + 1) return loaded(id, std::nullopt);  // commits do not join: a planted bug's doing
      evolve(state, e);
    }
    loaded(id, std::move(state), already);
  });
}

void node::loaded(hotel_id id, std::optional<hotel_state> state, std::uint64_t snapshot_seq) {
  auto& h = hotels_.at(id);
  const bool failed = !state;
  h.pipeline.emplace(failed ? hotel_state{.id = id} : std::move(*state), snapshot_seq, world_.steady(),
                     static_cast<std::int64_t>(me_), snapshot_policy{faults_.snapshot_events});
  if (failed || region_.fenced()) {
    run_hotel(id, [](auto& p, auto& out) { p.on_fenced(out); });
    for (auto& e : std::exchange(h.stash, {})) bounced_(e, {errc::unavailable, outcome::not_applied, "not loaded"});
    return stop_if_finished(id);
  }
  for (auto& e : std::exchange(h.stash, {})) take(id, e);
  stop_if_finished(id);
}

void node::take(hotel_id id, const envelope_ptr& e) {
  auto& h = hotels_.at(id);
  if (!h.pipeline) return h.stash.push_back(e);
  run_hotel(id, [&](auto& p, auto& out) { p.on_envelope(e, now(), world_.steady(), out); });
}

void node::run_hotel(hotel_id id, const std::function<void(hotel_pipeline&, hotel_pipeline::effects&)>& step) {
  const auto found = hotels_.find(id);
  if (found == hotels_.end() || !found->second.pipeline) return;
  auto& h = found->second;
  hotel_pipeline::effects out;
  step(*h.pipeline, out);
  for (auto& a : out.answers) leave(a.to, a.what);
  for (auto& e : out.given_back) bounced_(e, {out.why.code, outcome::not_applied, out.why.detail});
  for (auto& e : out.in_doubt) bounced_(e, {out.why.code, outcome::unknown, out.why.detail});
  for (const auto seq : out.read) {
    after(world_.between(100us, 2ms), [this, id, seq] {
      const auto events = db_.events(id);
      const auto what = seq <= events.size() && database_up_ ? std::make_shared<const event>(events[seq - 1]) : nullptr;
      run_hotel(id, [&](auto& p, auto& effects) { p.on_event_read(seq, what, effects); });
      stop_if_finished(id);
    });
  }
  if (out.snapshot && db_.live(me_) && database_up_) {
    auto kept = std::make_shared<hotel_state>(*out.snapshot);
    if (faults_.bug == planted::request_keys_forgotten) kept->requests = {};
    db_.snapshots[id] = kept;
  }
  if (out.append) {
    auto& s = slot_of(id);
    tickets_[++last_ticket_] = {id, h.serial};
    s.machine.take({.what = out.append, .payload = {}, .ticket = last_ticket_, .queued_at = world_.steady()});
    step_slot(s);
    if (faults_.bug == planted::answer_before_commit) {
      const auto first = out.append->first_seq();
      after(0us, [this, id, first] {
        run_hotel(id, [&](auto& p, auto& effects) { p.on_append_done(append_result::applied, first, effects); });
      });
    }
  }
  if (h.pipeline->failed() && !h.reported) {
    h.reported = true;
    after(10us, [this, id] { run_region([&](auto& o) { region_.on_failed(id, o); }); });
  }
}

void node::stop_if_finished(hotel_id id) {
  const auto found = hotels_.find(id);
  if (found == hotels_.end()) return;
  auto& h = found->second;
  if (!h.retiring || !h.pipeline || !h.stash.empty() || !(h.pipeline->idle() || h.pipeline->failed())) return;
  hotels_.erase(found);
  after(20us, [this, id] { run_region([&](auto& out) { region_.on_gone(id, out); }); });
}

// As the gateway does: an answer from memory leaves under the lease, or after a beat that was sent after it was decided.
void node::leave(const envelope_ptr& e, const answer_envelope& a) {
  const auto* l = std::get_if<leased>(&a.rests_on);
  if (!l || lease_covers(*l) || faults_.bug == planted::no_lease) return answered_(e, a);
  waits_for_beat_.emplace_back(e, a);
}

bool node::lease_covers(const leased& l) const {
  if (beat_sent_ > l.decided_at) return true;
  return world_.steady() - beat_sent_ < lease_time && beat_sent_ > l.loaded_at;
}

void node::beat() {
  const auto sent = world_.steady();
  // The statement runs at the server on its own; only its answer needs this node to be awake.
  world_.after(world_.between(200us, 2ms), [this, sent] {
    const bool came = database_up_ && !world_.chance(faults_.lost_answer / 2);
    const bool live = db_.live(me_);
    after(world_.between(100us, 1ms), [this, sent, came, live] {
      if (came && !live)
        return run_region([&](auto& out) {
          if (!region_.fenced()) region_.on_fenced(out);
        });
      if (came) beat_sent_ = sent;
      for (auto& [e, a] : std::exchange(waits_for_beat_, {})) leave(e, a);
      after(200ms, [this] { beat(); });
    });
  });
}

void node::tick() {
  after(faults_.retire_every.count() ? faults_.retire_every : duration{50ms}, [this] {
    std::vector<hotel_id> awake;
    for (const auto& [id, h] : hotels_) awake.push_back(id);
    for (const auto id : awake) run_hotel(id, [&](auto& p, auto& out) { p.on_tick(now(), out); });
    if (faults_.retire_every.count() && !awake.empty()) {
      const auto id = awake[world_.below(awake.size())];
      run_region([&](auto& out) { region_.on_sleepy(id, out); });
    }
    tick();
  });
}

void node::step_slot(slot& s) {
  if (s.busy) return;
  auto step = s.machine.next(world_.steady());
  tell_verdicts(s);
  const auto reply = [&](duration delay, std::function<void()> what) {
    s.busy = true;
    after(delay, [this, &s, what = std::move(what)] {
      s.busy = false;
      what();
      tell_verdicts(s);
      step_slot(s);
    });
  };
  const auto delay = world_.between(100us, 1ms);
  if (const auto* p = std::get_if<slot_machine::pause>(&step)) {
    reply(std::chrono::ceil<duration>(p->until - world_.steady()) + 1us, [] {});
  } else if (std::holds_alternative<slot_machine::connect>(step)) {
    reply(delay, [this, &s] { database_up_ ? s.machine.connected(world_.steady()) : s.machine.lost(world_.steady()); });
  } else if (std::holds_alternative<slot_machine::end_old>(step)) {
    if (faults_.bug != planted::doubt_taken_for_absent) *s.session = false;
    reply(delay, [this, &s] {
      if (!database_up_) return s.machine.lost(world_.steady());
      world_.chance(0.1) ? s.machine.old_remains(world_.steady()) : s.machine.old_ended();
    });
  } else if (std::holds_alternative<slot_machine::enlist>(step)) {
    reply(delay, [this, &s] {
      if (!database_up_) return s.machine.lost(world_.steady());
      s.session = std::make_shared<bool>(true);
      s.machine.enlisted(db_.live(me_));
    });
  } else if (const auto* l = std::get_if<slot_machine::look>(&step)) {
    std::vector<commit_ptr> at;
    for (const auto& c : l->at) at.push_back(c.what);
    reply(delay, [this, &s, at] {
      if (!database_up_) return s.machine.lost(world_.steady());
      std::vector<found_commit> found;
      for (const auto& c : at) found.push_back(find(*c));
      s.machine.looked(found);
    });
  } else if (const auto* a = std::get_if<slot_machine::append>(&step)) {
    std::vector<commit_ptr> what;
    for (const auto& c : a->what) what.push_back(c.what);
    s.busy = true;
    run_append(s, std::move(what));
  }
}

found_commit node::find(const commit& c) const {
  if (faults_.bug == planted::doubt_taken_for_absent) return found_commit::absent;
  const auto* row = db_.find(c.hotel, c.first_seq());
  if (!row) return found_commit::absent;
  if (faults_.bug == planted::foreign_row_taken_for_mine) return found_commit::mine;
  return row->writer == me_ && row->last_seq == c.last_seq() ? found_commit::mine : found_commit::foreign;
}

void node::run_append(slot& s, std::vector<commit_ptr> what) {
  const bool lost = world_.chance(faults_.lost_answer);
  const bool runs = !(lost && world_.chance(faults_.lost_before_run));
  // A statement whose answer is lost may run much later, unless its backend was ended before.
  const auto delay = world_.chance(faults_.slow) ? world_.between(50ms, 4s) : world_.between(200us, 3ms);
  const auto session = s.session;
  world_.after(delay, [this, &s, what = std::move(what), session, lost, runs] {
    std::vector<database::row_result> rows;
    const bool executed = runs && database_up_ && *session;
    if (executed) {
      if (faults_.bug == planted::append_without_fence) db_.register_writer(me_);
      rows = db_.append(me_, what);
      world_.trace("append", me_, rows.size());
    }
    after(lost || !executed ? 1s : duration{200us}, [this, &s, rows, size = what.size(), answered = executed && !lost] {
      s.busy = false;
      if (answered) {
        finish_append(s, rows);
      } else if (faults_.bug == planted::doubt_taken_for_applied) {
        finish_append(s, std::vector<database::row_result>(size, database::row_result::applied));
      } else {
        s.machine.lost(world_.steady());
      }
      tell_verdicts(s);
      step_slot(s);
    });
  });
}

void node::finish_append(slot& s, const std::vector<database::row_result>& rows) {
  if (rows.empty()) return s.machine.append_fenced();
  std::vector<bool> inserted;
  for (const auto r : rows) inserted.push_back(r == database::row_result::applied);
  s.machine.appended(inserted);
}

void node::tell_verdicts(slot& s) {
  for (const auto& v : s.machine.take_verdicts()) {
    const auto [id, serial] = tickets_.at(v.ticket);
    tickets_.erase(v.ticket);
    if (faults_.bug == planted::answer_before_commit) continue;
    after(20us, [this, id, serial, v] {
      const auto found = hotels_.find(id);
      if (found == hotels_.end() || found->second.serial != serial) return;  // the actor that asked is gone
      run_hotel(id, [&](auto& p, auto& out) { p.on_append_done(v.result, v.first_seq, out); });
      stop_if_finished(id);
    });
  }
}

}  // namespace keyrack::sim
