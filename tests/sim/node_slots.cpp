// The journal's slots: their connections, appends and hand-overs.
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <algorithm>

namespace keyrack::sim {

using persistence::found_commit;
using persistence::slot_machine;

namespace {

constexpr duration append_timeout = 1s;

}  // namespace

void node::lose(slot& s) { s.machine.lost(env_.w.steady()); }

void node::step_slot(slot& s) {
  if (s.busy || hand_over_next(s)) return;
  auto step = s.machine.next(env_.w.steady());
  tell_verdicts(s);
  const auto done = [this, &s] {
    s.busy = false;
    tell_verdicts(s);
    step_slot(s);
  };
  // A step that is one statement: `then` takes what it brought.
  const auto statement = [&]<typename R>(std::function<R()> what, std::function<void(const R&)> then) {
    s.busy = true;
    in_.ask<R>(s.connection, std::move(what), [this, &s, then, done](std::optional<R> brought) {
      brought ? then(*brought) : lose(s);
      done();
    });
  };
  if (const auto* p = std::get_if<slot_machine::pause>(&step)) {
    s.busy = true;
    after(std::max(std::chrono::ceil<duration>(p->until - env_.w.steady()), duration{0}) + 1us, done);
  } else if (std::holds_alternative<slot_machine::connect>(step)) {
    s.busy = true;
    after(env_.w.between(100us, 1ms), [this, &s, done] {
      if (env_.db.up() && in_.reaches_database()) {
        // The old connection is the server's still: whatever it was told last may yet run.
        if (s.connection) s.old.push_back(s.connection);
        s.connection = env_.db.connect(me_);
        s.machine.connected(env_.w.steady());
      } else {
        lose(s);
      }
      done();
    });
  } else if (std::holds_alternative<slot_machine::end_old>(step)) {
    statement.operator()<bool>(
        [this, &s] {
          const bool remains = env_.w.chance(0.1);
          if (remains || env_.f.bug == planted::doubt_taken_for_absent) return !remains;
          for (const auto& old : std::exchange(s.old, {})) old->alive = false;
          return true;
        },
        [this, &s](const bool& ended) { ended ? s.machine.old_ended() : s.machine.old_remains(env_.w.steady()); });
  } else if (std::holds_alternative<slot_machine::enlist>(step)) {
    statement.operator()<bool>([this] { return env_.db.live(me_); },
                               [this, &s](const bool& live) {
                                 s.machine.enlisted(live || env_.f.bug == planted::append_without_fence);
                                 if (s.machine.fenced()) fence_learnt();
                               });
  } else if (const auto* l = std::get_if<slot_machine::look>(&step)) {
    std::vector<commit_ptr> at;
    for (const auto& c : l->at) at.push_back(c.what);
    statement.operator()<std::vector<found_commit>>(
        [this, at] {
          std::vector<found_commit> found;
          for (const auto& c : at) found.push_back(find(*c));
          return found;
        },
        [this, &s](const std::vector<found_commit>& found) {
          s.machine.looked(found);
          if (s.machine.fenced()) fence_learnt();
        });
  } else if (const auto* a = std::get_if<slot_machine::append>(&step)) {
    std::vector<commit_ptr> what;
    for (const auto& c : a->what) what.push_back(c.what);
    run_append(s, std::move(what));
  }
}

found_commit node::find(const commit& c) const {
  if (env_.f.bug == planted::doubt_taken_for_absent) return found_commit::absent;
  const auto* row = env_.db.find(c.hotel, c.first_seq());
  if (!row) return found_commit::absent;
  if (env_.f.bug == planted::foreign_row_taken_for_mine) return found_commit::mine;
  return row->writer == me_ && row->last_seq == c.last_seq() ? found_commit::mine : found_commit::foreign;
}

// Answered once: by the server, or by the client's own patience.
void node::write_on_slot(slot& s, duration arrives, std::function<void(bool)> commit, std::function<void(bool)> then) {
  s.busy = true;
  const bool lost = env_.w.chance(env_.f.lost_answer);
  const bool runs = !(lost && env_.w.chance(env_.f.lost_before_run));
  const auto answered = std::make_shared<bool>(false);
  const auto finish = [this, &s, answered, then](bool came) {
    if (std::exchange(*answered, true)) return;
    s.busy = false;
    then(came);
    tell_verdicts(s);
    step_slot(s);
  };
  const bool split = env_.w.chance(env_.f.split);
  env_.w.after(arrives, [this, &s, connection = s.connection, lost, runs, split, finish, commit] {
    if (!runs || !in_.reaches_database()) return;
    if (!connection->alive) return after(200us, [finish] { finish(false); });
    const auto held = split ? [this] { return in_.frozen(); } : std::function<bool()>{};
    env_.db.write(connection, env_.w.between(0us, env_.f.hold_max), held, [this, lost, finish, commit](bool unfenced) {
      commit(unfenced);
      // Lost with its connection, which is seen at once, or without a word.
      if (lost && !env_.w.chance(0.5)) return;
      if (in_.reaches_database()) after(200us, [finish, lost] { finish(!lost); });
    });
  });
  after(append_timeout, [finish] { finish(false); });
}

void node::run_append(slot& s, std::vector<commit_ptr> what) {
  const auto size = what.size();
  const auto rows = std::make_shared<std::vector<database::row_result>>();
  // A statement whose answer is lost may run much later, unless its backend was ended before.
  const auto arrives = env_.w.chance(env_.f.slow) ? env_.w.between(50ms, 4s) : env_.w.between(200us, 3ms);
  write_on_slot(
      s, arrives,
      [this, rows, what = std::move(what)](bool unfenced) {
        if (unfenced) *rows = env_.db.append(me_, what);
      },
      [this, &s, rows, size](bool came) {
        if (came) {
          finish_append(s, *rows);
        } else if (env_.f.bug == planted::doubt_taken_for_applied) {
          finish_append(s, std::vector<database::row_result>(size, database::row_result::applied));
        } else {
          lose(s);
        }
      });
}

void node::finish_append(slot& s, const std::vector<database::row_result>& rows) {
  if (rows.empty()) {
    s.machine.append_fenced();
    return fence_learnt();
  }
  std::vector<bool> inserted;
  for (const auto r : rows) inserted.push_back(r == database::row_result::applied);
  s.machine.appended(inserted);
}

// By the first slot, when none has anything in doubt. A lost answer is asked for again.
bool node::hand_over_next(slot& s) {
  if (&s != &slots_.front() || handing_over_.empty()) return false;
  const auto answer_all = [this](const std::vector<keyrack::hand_over>& what, const std::vector<bool>& done) {
    after(10us, [this, what, done] {
      run_region([&](auto& out) {
        for (std::size_t i = 0; i < what.size(); ++i) region_.on_handed_over(what[i], !done.empty() && done[i], out);
      });
      set_timer();
    });
  };
  if (s.machine.fenced()) {
    answer_all(std::exchange(handing_over_, {}), {});
    return false;
  }
  if (!s.machine.ready()) return false;
  if (!std::ranges::all_of(slots_, [](const slot& other) { return other.machine.settled(); })) {
    s.busy = true;
    after(5ms, [this, &s] {
      s.busy = false;
      step_slot(s);
    });
    return true;
  }
  const auto done = std::make_shared<std::vector<bool>>();
  write_on_slot(
      s, env_.w.between(200us, 2ms),
      [this, done, what = handing_over_](bool unfenced) {
        if (unfenced) *done = env_.db.hand_over(me_, what);
      },
      [this, &s, done, answer_all, what = handing_over_](bool came) {
        if (!came) lose(s);
        if (!came && env_.f.bug != planted::lost_hand_over_taken_back) return;
        handing_over_.erase(handing_over_.begin(), handing_over_.begin() + static_cast<std::ptrdiff_t>(what.size()));
        answer_all(what, came ? *done : std::vector<bool>{});
      });
  return true;
}

void node::tell_verdicts(slot& s) {
  for (const auto& v : s.machine.take_verdicts()) {
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
}

}  // namespace keyrack::sim
