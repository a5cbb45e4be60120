// The journal's slots: their connections, appends and hand-overs, as persistence/journal_slot_actor.
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <algorithm>

namespace keyrack::sim {

using persistence::found_commit;
using persistence::slot_machine;

namespace {

constexpr duration append_timeout = 1s;

}  // namespace

void node::lose(slot& s) { s.machine.lost(in_.steady()); }

// A thread that never comes back: nothing of its slot moves again.
void node::stall_slot() {
  slots_[env_.w.below(slots_.size())].stuck = true;
  ++env_.stalls;
}

void node::slot_done(slot& s) {
  s.busy = false;
  board_.set_settled(number_of(s), s.machine.settled(), in_.steady());
  tell_verdicts(s);
  step_slot(s);
}

void node::step_slot(slot& s) {
  if (s.busy || s.stuck || !started_ || hand_over_next(s)) return;
  auto step = s.machine.next(in_.steady());
  board_.set_settled(number_of(s), s.machine.settled(), in_.steady());
  tell_verdicts(s);
  s.busy = true;
  if (const auto* p = std::get_if<slot_machine::pause>(&step)) {
    after(std::max(std::chrono::ceil<duration>(p->until - in_.steady()), duration{0}) + 1us,
          [this, &s] { slot_done(s); });
  } else if (std::holds_alternative<slot_machine::connect>(step)) {
    after(env_.w.between(100us, 1ms), [this, &s] { connect_slot(s); });
  } else if (std::holds_alternative<slot_machine::end_old>(step)) {
    end_old(s);
  } else if (std::holds_alternative<slot_machine::enlist>(step)) {
    enlist(s);
  } else if (const auto* l = std::get_if<slot_machine::look>(&step)) {
    std::vector<commit_ptr> at;
    for (const auto& c : l->at) at.push_back(c.what);
    look_for(s, at);
  } else if (const auto* a = std::get_if<slot_machine::append>(&step)) {
    std::vector<commit_ptr> what;
    for (const auto& c : a->what) what.push_back(c.what);
    run_append(s, what);
  } else {
    s.busy = false;
  }
}

void node::connect_slot(slot& s) {
  if (auto made = in_.connect(me_, role_of(s))) {
    s.connection = std::move(made);
    s.machine.connected(in_.steady());
  } else {
    lose(s);
  }
  slot_done(s);
}

// The old connections are the server's still: whatever they were told last may yet run.
void node::end_old(slot& s) {
  in_.ask<bool>(
      s.connection,
      [this, &s] {
        const bool remains = env_.w.chance(0.1);
        if (remains || env_.f.bug == planted::doubt_taken_for_absent) return !remains;
        env_.db.end_namesakes(s.connection);
        return true;
      },
      [this, &s](std::optional<bool> ended) {
        if (!ended) {
          lose(s);
        } else if (*ended) {
          s.machine.old_ended();
        } else {
          s.machine.old_remains(in_.steady());
        }
        slot_done(s);
      });
}

void node::enlist(slot& s) {
  // Without the write what is visible is believed, and a standby may not have it.
  const bool unwritten = env_.f.bug == planted::doubt_answered_from_visibility;
  in_.write<bool>(
      s.connection,
      [this, id = writer_id{me_, number_of(s)}, unwritten](const auto& t, auto executed) {
        if (unwritten) return executed(env_.db.rows().unfenced(id));
        env_.db.enlist(t, id, std::move(executed));
      },
      [this, &s](std::optional<bool> unfenced) {
        if (!unfenced) {
          lose(s);
        } else {
          const bool here = s.connection->lineage == lineage_;
          s.machine.enlisted((*unfenced && here) || env_.f.bug == planted::append_without_fence);
          if (!*unfenced || !here) fence_learnt();
        }
        slot_done(s);
      });
}

void node::look_for(slot& s, const std::vector<commit_ptr>& at) {
  using all_found = std::vector<found_commit>;
  in_.ask<all_found>(
      s.connection,
      [this, at] {
        auto found = env_.db.look(me_, at);
        for (auto& f : found) {
          if (env_.f.bug == planted::doubt_taken_for_absent) f = found_commit::absent;
        }
        return found;
      },
      [this, &s](const std::optional<all_found>& found) {
        if (found) {
          s.machine.looked(*found);
        } else {
          lose(s);
        }
        slot_done(s);
      });
}

void node::run_append(slot& s, const std::vector<commit_ptr>& what) {
  board_.set_working(number_of(s), in_.steady());
  // A statement whose answer is lost may run much later, unless its backend was ended before.
  const auto arrives = env_.w.chance(env_.f.slow) ? env_.w.between(50ms, 4s) : env_.w.between(200us, 3ms);
  in_.write<append_answer>(
      s.connection,
      {.arrives = arrives,
       .open_for = env_.w.between(0us, env_.f.hold_max),
       .patience = append_timeout,
       .lost = env_.f.lost_answer,
       .splits = true},
      [this, id = writer_id{me_, number_of(s)}, what](const auto& t, auto executed) {
        env_.db.append(t, id, what, std::move(executed));
      },
      [this, &s, size = what.size()](const std::optional<append_answer>& answer) {
        if (answer) {
          finish_append(s, *answer);
        } else if (env_.f.bug == planted::doubt_taken_for_applied) {
          s.machine.appended(std::vector<bool>(size, true));
        } else {
          lose(s);
        }
        slot_done(s);
      });
}

void node::finish_append(slot& s, const append_answer& answer) {
  if (!answer.fenced) return s.machine.appended(answer.inserted);
  s.machine.append_fenced();
  fence_learnt();
}

// By the first slot, when none has anything in doubt. A lost answer is asked for again.
bool node::hand_over_next(slot& s) {
  if (&s != &slots_.front() || handing_over_.empty()) return false;
  if (s.machine.fenced()) {
    answer_hand_overs(std::exchange(handing_over_, {}), {});
    return false;
  }
  if (!s.machine.ready()) return false;
  s.busy = true;
  if (board_.all_settled()) {
    hand_over(s);
  } else {
    after(5ms, [this, &s] { slot_done(s); });
  }
  return true;
}

void node::answer_hand_overs(const std::vector<keyrack::hand_over>& what, const std::vector<bool>& done) {
  after(10us, [this, what, done] {
    run_region([&](auto& out) {
      for (std::size_t i = 0; i < what.size(); ++i) region_.on_handed_over(what[i], !done.empty() && done[i], out);
    });
    set_timer();
  });
}

void node::hand_over(slot& s) {
  in_.write<std::vector<bool>>(
      s.connection,
      {.arrives = env_.w.between(200us, 2ms),
       .open_for = env_.w.between(0us, env_.f.hold_max),
       .patience = append_timeout,
       .lost = env_.f.lost_answer,
       .splits = true},
      [this, what = handing_over_](const auto& t, auto executed) {
        env_.db.hand_over(t, {me_, 0}, what, std::move(executed));
      },
      [this, &s, what = handing_over_](const std::optional<std::vector<bool>>& done) {
        if (!done) lose(s);
        if (done || env_.f.bug == planted::lost_hand_over_taken_back) {
          handing_over_.erase(handing_over_.begin(), handing_over_.begin() + static_cast<std::ptrdiff_t>(what.size()));
          answer_hand_overs(what, done.value_or(std::vector<bool>{}));
        }
        slot_done(s);
      });
}

void node::tell_verdicts(slot& s) {
  const auto verdicts = s.machine.take_verdicts();
  for (const auto& v : verdicts) {
    const auto [id, serial] = tickets_.at(v.ticket);
    tickets_.erase(v.ticket);
    if (env_.f.bug == planted::answer_before_commit) continue;
    after(20us, [this, id, serial, v] {
      const auto found = hotels_.find(id);
      if (found == hotels_.end() || found->second.serial != serial) return;  // the actor that asked is gone
      run_hotel(id, [&](auto& p, auto& out) { p.on_append_done(v.result, v.first_seq, out); });
      stop_if_finished(id);
    });
  }
  const bool owes_hand_overs = &s == &slots_.front() && !handing_over_.empty();
  if (!s.machine.has_work() && !owes_hand_overs) {
    board_.set_idle(number_of(s));
  } else if (!verdicts.empty()) {
    board_.set_working(number_of(s), in_.steady());
  }
}

}  // namespace keyrack::sim
