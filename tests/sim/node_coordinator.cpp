// What a node does about the others when it coordinates, as cluster/membership: takes the role, and carries out what `plan`
// says.
#include "tests/sim/node.hpp"
#include "tests/sim/node_rows.hpp"
#include "tests/sim/process.hpp"

#include <algorithm>
#include <ranges>

namespace keyrack::sim {

namespace {

constexpr duration fence_timeout = 3s;

}  // namespace

void node::coordinate(const next& then) {
  const bool mine = rows_.coordinator.holder == me_;
  if (!mine || term_ == 0) {
    term_ = 0;
    if (rows_.find(me_)->leaving || (!mine && !lookout_.holder_is_gone(rows_))) return then();
    return take_role(then);
  }
  write_row<bool>([this](const auto& t, auto executed) { env_.db.renew_role(t, me_, term_, std::move(executed)); },
                  [this, then](bool renewed) {
                    if (gone_) return;
                    if (renewed) return carry_out(plan_next(), then);
                    term_ = 0;
                    then();
                  });
}

// A frozen coordinator may hold its share lock with a statement that nobody ends.
void node::take_role(const next& then) {
  const auto holder = rows_.coordinator.holder;
  write_row<std::int64_t>(
      [this, holder](const transaction_ptr& t, auto executed) {
        t->timed_out = [this, holder, reset = t->timed_out] {
          if (env_.f.bug != planted::role_holder_not_ended) env_.db.end_sessions(holder, role::membership);
          reset();
        };
        env_.db.take_role(t, me_, rows_.coordinator.term, std::move(executed));
      },
      [this, then](std::int64_t term) {
        term_ = term;
        if (term_ != 0) ++env_.terms;
        nudge();
        then();
      });
}

// Plan is pure: for a view for which there was nothing to do it would say so again.
cluster::plan_actions node::plan_next() {
  const auto h = lookout_.hints(rows_, in_.steady());
  std::vector<std::int64_t> view{routes_version_, rows_.rebalance_asked};
  for (const auto& n : rows_.nodes) {
    const int flags = n.drained + 2 * n.leaving + 4 * n.connected;
    view.insert(view.end(), {n.incarnation, n.weight, flags});
  }
  const auto add = [&](const auto& all) {
    view.push_back(-1);
    view.insert(view.end(), all.begin(), all.end());
  };
  add(h.silent), add(h.refused), add(h.cut_off), add(h.late), add(h.resting);
  add(rows_.wishes | std::views::transform(&move_wish::id));
  for (const auto& [shard, name] : rows_.pins) view.insert(view.end(), {shard, name.back()});
  if (view == idle_view_) return {};
  auto actions = cluster::plan(rows_, h, {.moves_max = env_.f.moves_max});
  if (actions.empty()) idle_view_ = std::move(view);
  return actions;
}

// A statement under this node's fence, in the time and with the locks that those take.
void node::change_rows(std::function<void(const transaction_ptr&, database::then<int>)> statement, const next& then) {
  if (!role_session_) return then();
  in_.write<int>(role_session_,
                 {.arrives = env_.w.between(100us, 800us),
                  .open_for = env_.w.between(0us, env_.f.hold_max),
                  .lost = env_.f.lost_answer / 2,
                  .splits = true},
                 std::move(statement), [this, then](std::optional<int> done) {
                   if (!done) drop_role_session();
                   then();
                 });
}

void node::carry_out(const cluster::plan_actions& actions, const next& then) {
  if (actions.empty()) return then();
  // In their order, the last first.
  std::vector<std::function<void(const transaction_ptr&, database::then<int>)>> steps;
  const auto term = term_;
  const auto add = [&](const auto& what, auto statement) {
    if (what.empty()) return;
    steps.push_back([this, term, what, statement](const auto& t, auto executed) {
      (env_.db.*statement)(t, me_, term, what, std::move(executed));
    });
  };
  if (actions.rebalanced) {
    steps.push_back([this, term](const auto& t, auto executed) {
      env_.db.finish_rebalance(t, me_, term, [executed](bool done) { executed(done); });
    });
  }
  add(actions.refuse, &database::refuse_wishes);
  add(actions.move, &database::begin_moves);
  add(actions.call_off, &database::call_off);
  lookout_.on_called_off(actions.call_off, in_.steady());
  add(actions.give, &database::give);
  fence(actions.fence, [this, then, steps = std::move(steps)] { run_steps(steps, then); });
}

void node::run_steps(std::vector<std::function<void(const transaction_ptr&, database::then<int>)>> steps,
                     const next& then) {
  if (steps.empty()) {
    in_.tell_routes_changed();
    nudge();
    return then();
  }
  const auto step = std::move(steps.back());
  steps.pop_back();
  change_rows(step, [this, then, steps = std::move(steps)] { run_steps(steps, then); });
}

void node::fence(std::vector<cluster::fencing> whom, const next& then) {
  if (whom.empty()) return then();
  if (!role_session_) return then();
  const auto who = whom.back().who;
  whom.pop_back();
  const auto remove = [=, this] {
    if (!role_session_) return then();
    in_.write<bool>(
        role_session_, [this, who](const auto& t, auto executed) { env_.db.remove_node(t, who, std::move(executed)); },
        [=, this](auto) { fence(whom, then); });
  };
  if (env_.f.bug == planted::gift_without_fence) return remove();
  if (env_.f.bug == planted::fence_not_waited_for) {
    env_.w.after(env_.w.between(1ms, 400ms), [this, who] {
      env_.db.fence_patiently(env_.db.connect(me_, role::start), who, row_lock_timeout, [](bool) {});
    });
    return remove();
  }
  const auto ended = std::make_shared<bool>(false);
  env_.w.after(env_.w.between(100us, 800us), [=, this, s = role_session_] {
    if (!in_.reaches_database()) return;
    env_.db.fence_patiently(s, who, row_lock_timeout, [=, this](bool) {
      after(env_.w.between(100us, 800us), [=] {
        if (!std::exchange(*ended, true)) remove();
      });
    });
  });
  after(fence_timeout, [=, this] {
    if (std::exchange(*ended, true)) return;
    drop_role_session();
    then();
  });
}

}  // namespace keyrack::sim
