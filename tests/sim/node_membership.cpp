// What one node knows of the others and does about it, as cluster/membership: looks at the rows, hands them on, and
// coordinates when that is its part.
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <algorithm>
#include <ranges>

namespace keyrack::sim {

namespace {

constexpr duration look_every = 100ms;
constexpr duration urgent_look_after = 10ms;
constexpr duration looks_apart = 2ms;
constexpr duration fence_timeout = 3s;
constexpr duration patience_of_leaving = 4s;

}  // namespace

void node::nudge() {
  if (gone_ || std::exchange(nudged_, true) || looking_) return;
  after(looks_apart, [this, n = ++rest_number_] {
    if (n == rest_number_) look();
  });
}

void node::look_again() {
  looking_ = false;
  leave_if_done();
  if (gone_) return;
  after(nudged_   ? looks_apart
        : urgent_ ? urgent_look_after
                  : look_every,
        [this, n = ++rest_number_] {
          if (n == rest_number_) look();
        });
}

void node::drop_role_session() {
  if (role_session_ && in_.reaches_database()) role_session_->alive = false;
  role_session_ = nullptr;
}

void node::look() {
  if (gone_ || looking_) return;
  looking_ = true;
  urgent_ = nudged_ = false;
  if (!role_session_ || !role_session_->alive) {
    if (!env_.db.up() || !in_.reaches_database()) return look_again();
    role_session_ = env_.db.connect(me_);
  }
  const auto asked_at = env_.w.steady();
  const auto failed = [this] {
    drop_role_session();
    look_again();
  };
  in_.ask<std::vector<node_row>>(
      role_session_, [this] { return env_.db.read_nodes(); },
      [=, this](auto nodes) {
        if (!nodes || !role_session_) return failed();
        in_.ask<rows_reading>(
            role_session_, [this] { return env_.db.read_rest(); },
            [=, this](auto rest) {
              if (!rest) return failed();
              if (gone_) return;
              nodes_ = *nodes;
              publish(*rest);
              observe(asked_at);
              if (!find_node(me_)) return look_again();  // fenced: the heartbeat finds out
              tell_reach([this] { coordinate([this] { look_again(); }); });
            });
      });
}

void node::observe(steady_instant asked_at) {
  std::vector<cluster::silence::count> counts;
  for (const auto& n : nodes_) counts.push_back({n.incarnation, n.beat});
  beats_.observe(counts, asked_at);
  role_beats_.observe({{rest_.coordinator.holder, rest_.coordinator.beat}}, asked_at);
}

void node::publish(const rows_reading& rest) {
  rest_ = rest;
  in_.use_peers(nodes_);
  if (std::exchange(routes_version_, rest.routes_version) == rest.routes_version) return;
  after(20us, [this, rows = rest.shards] { give_to_region(*rows); });
  if (env_.w.chance(env_.f.late_rows)) {
    after(env_.w.between(1ms, 400ms), [this, rows = rest.shards] { give_late_rows_to_region(*rows); });
  }
  in_.use_owners(rest);
}

void node::give_to_region(const std::vector<shard_row>& rows) {
  run_region([&](auto& out) { region_.on_rows(rows, env_.w.steady(), out); });
  set_timer();
}

// Older than what the region knows by now.
void node::give_late_rows_to_region(std::vector<shard_row> rows) {
  for (std::size_t s = 0; s < rows.size() && env_.f.bug == planted::old_rows_believed; ++s) {
    const auto known = (*rest_.shards)[s].version;
    if (rows[s].version < known) rows[s].version = known + 1;
  }
  run_region([&](auto& out) { region_.on_rows(rows, env_.w.steady(), out); });
  set_timer();
}

void node::tell_reach(const next& then) {
  if (leaving_ && !leaving_told_) {
    return in_.ask<bool>(
        role_session_, [this] { return env_.db.tell_leaving(me_), true; },
        [this, then](auto told) {
          if (!told) {
            drop_role_session();
            return look_again();
          }
          leaving_told_ = true;
          in_.tell_routes_changed();
          nudge();
          tell_reach(then);
        });
  }
  std::vector<incarnation> reach;
  for (const auto& [who, state] : in_.links()) {
    if (state == link_state::linked) reach.push_back(who);
  }
  if (reach_told_ == reach) return then();
  in_.ask<bool>(
      role_session_, [this, reach] { return env_.db.tell_reach(me_, reach), true; },
      [this, reach, then](auto told) {
        if (!told) {
          drop_role_session();
          return look_again();
        }
        reach_told_ = reach;
        then();
      });
}

const node_row* node::find_node(incarnation who) const {
  const auto found = std::ranges::find(nodes_, who, &node_row::incarnation);
  return found == nodes_.end() ? nullptr : &*found;
}

cluster::plan_hints node::hints() {
  cluster::plan_hints h{.me = me_};
  for (const auto who : beats_.silent()) h.silent.insert(who);
  for (const auto& [who, state] : in_.links()) {
    if (state != link_state::refused) continue;
    h.refused.insert(who);
    urgent_ = true;
  }
  find_late_moves(h);
  find_cut_off(h);
  return h;
}

void node::find_late_moves(cluster::plan_hints& h) {
  std::map<shard_id, std::pair<std::int64_t, duration>> moving;
  for (std::size_t s = 0; s < rest_.shards->size(); ++s) {
    const auto& row = (*rest_.shards)[s];
    if (row.target == 0) continue;
    const auto id = static_cast<shard_id>(s);
    const auto known = moves_seen_.find(id);
    const bool same = known != moves_seen_.end() && known->second.first == row.version;
    const auto since = same ? known->second.second : env_.w.now();
    moving[id] = {row.version, since};
    if (env_.w.now() - since >= env_.f.move_deadline) h.late.insert(id);
  }
  moves_seen_ = std::move(moving);
}

void node::find_cut_off(cluster::plan_hints& h) {
  cluster_rows rows{.nodes = nodes_, .shards = {}, .coordinator = rest_.coordinator};
  auto outside = cluster::outside_largest_group(rows);
  if (outside != outside_) {
    outside_ = std::move(outside);
    outside_since_ = env_.w.now();
  }
  if (env_.w.now() - outside_since_ >= grace) h.cut_off = outside_;
}

bool node::holder_is_gone(const cluster::plan_hints& h) const {
  const auto holder = rest_.coordinator.holder;
  const auto* n = find_node(holder);
  if (n == nullptr || n->leaving || h.silent.contains(holder)) return true;
  return (h.refused.contains(holder) && !n->connected) || !role_beats_.silent().empty();
}

void node::coordinate(const next& then) {
  const auto h = hints();
  const bool mine = rest_.coordinator.holder == me_;
  if (!mine || term_ == 0) {
    term_ = 0;
    if (find_node(me_)->leaving || (!mine && !holder_is_gone(h))) return then();
    const auto taken = std::make_shared<std::int64_t>(0);
    return write_as_coordinator([this, taken, seen = rest_.coordinator.term] { *taken = env_.db.take_role(me_, seen); },
                                [this, taken, then] {
                                  term_ = *taken;
                                  if (term_ != 0) ++env_.terms;
                                  nudge();
                                  then();
                                });
  }
  in_.ask<bool>(
      role_session_, [this, term = term_] { return env_.db.renew_role(me_, term); },
      [this, h, then](auto renewed) {
        if (gone_) return;
        if (!renewed) {
          drop_role_session();
          return then();
        }
        if (!*renewed) {
          term_ = 0;
          return then();
        }
        carry_out(plan_next(h), then);
      });
}

// Plan is pure: for a view for which there was nothing to do it would say so again.
cluster::plan_actions node::plan_next(const cluster::plan_hints& h) {
  std::vector<std::int64_t> view{rest_.routes_version, rest_.rebalance_asked};
  for (const auto& n : nodes_) {
    const int flags = n.drained + 2 * n.leaving + 4 * n.connected;
    view.insert(view.end(), {n.incarnation, n.weight, flags});
  }
  const auto add = [&](const auto& all) {
    view.push_back(-1);
    view.insert(view.end(), all.begin(), all.end());
  };
  add(h.silent), add(h.refused), add(h.cut_off), add(h.late);
  add(rest_.wishes | std::views::transform(&move_wish::id));
  for (const auto& [shard, name] : rest_.pins) view.insert(view.end(), {shard, name.back()});
  if (view == idle_view_) return {};
  cluster_rows rows{.nodes = nodes_,
                    .shards = *rest_.shards,
                    .pins = rest_.pins,
                    .wishes = rest_.wishes,
                    .coordinator = rest_.coordinator,
                    .rebalance_asked = rest_.rebalance_asked};
  auto actions = cluster::plan(rows, h, {.moves_max = env_.f.moves_max});
  if (actions.empty()) idle_view_ = std::move(view);
  return actions;
}

void node::carry_out(const cluster::plan_actions& actions, const next& then) {
  if (actions.empty()) return then();
  const auto a = std::make_shared<const cluster::plan_actions>(actions);
  const auto term = term_;
  const auto end = [this, then] {
    in_.tell_routes_changed();
    nudge();
    then();
  };
  const auto finish = [=, this] {
    if (!a->rebalanced) return end();
    write_as_coordinator([this, term] { env_.db.finish_rebalance(me_, term); }, end);
  };
  const auto move = [=, this] {
    if (a->move.empty()) return finish();
    write_as_coordinator([this, a, term] { env_.db.begin_moves(me_, term, a->move); }, finish);
  };
  const auto call_off = [=, this] {
    if (a->call_off.empty()) return move();
    write_as_coordinator([this, a, term] { env_.db.call_off(me_, term, a->call_off); }, move);
  };
  fence(a->fence, [=, this] {
    if (a->give.empty()) return call_off();
    write_as_coordinator([this, a, term] { env_.db.give(me_, term, a->give); }, call_off);
  });
}

void node::fence(std::vector<cluster::fencing> whom, const next& then) {
  if (whom.empty()) return then();
  const auto who = whom.back().who;
  whom.pop_back();
  const auto remove = [=, this] {
    if (!role_session_) return then();
    in_.ask<bool>(
        role_session_, [this, who] { return env_.db.remove_node(who), true; }, [=, this](auto) { fence(whom, then); });
  };
  if (!role_session_) return then();
  if (env_.f.bug == planted::gift_without_fence) return remove();
  if (env_.f.bug == planted::fence_not_waited_for) {
    env_.w.after(env_.w.between(1ms, 400ms), [this, who, s = role_session_] { env_.db.fence(s, who, [] {}); });
    return remove();
  }
  const auto ended = std::make_shared<bool>(false);
  env_.w.after(env_.w.between(100us, 800us), [=, this, s = role_session_] {
    if (!in_.reaches_database()) return;
    env_.db.fence(s, who, [=, this] {
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

void node::write_as_coordinator(std::function<void()> statement, const next& then) {
  if (!role_session_) return then();
  const auto ended = std::make_shared<bool>(false);
  const bool split = env_.w.chance(env_.f.split);
  env_.w.after(env_.w.between(100us, 800us), [=, this, s = role_session_] {
    if (!in_.reaches_database()) return;
    const auto held = split ? [this] { return in_.frozen(); } : std::function<bool()>{};
    env_.db.write(s, env_.w.between(0us, 1ms), held, [=, this](bool unfenced) {
      if (unfenced) statement();
      if (env_.w.chance(env_.f.lost_answer / 2)) return;
      after(env_.w.between(100us, 800us), [=] {
        if (!std::exchange(*ended, true)) then();
      });
    });
  });
  after(statement_timeout, [=, this] {
    if (std::exchange(*ended, true)) return;
    drop_role_session();
    then();
  });
}

void node::leave() {
  leaving_ = true;
  leaving_since_ = env_.w.now();
  nudge();
}

// When its shards are others', or nobody is there to take them, or it takes too long: its hotels sleep, and it is gone.
void node::leave_if_done() {
  if (!leaving_ || gone_ || !rest_.shards) return;
  const bool late = env_.w.now() - leaving_since_ > patience_of_leaving;
  if (!leaving_told_ && !late) return;
  const bool owns = std::ranges::find(*rest_.shards, me_, &shard_row::owner) != rest_.shards->end();
  const bool heirs = std::ranges::any_of(nodes_, [this](const auto& n) { return n.incarnation != me_ && !n.leaving; });
  if (owns && heirs && !late) return;
  if (!region_.closed()) {
    return run_region([&](auto& out) { region_.on_close(out); });
  }
  if (!hotels_.empty() && !late) return;
  gone_ = true;
  serve_waiters();
  const auto s = role_session_ && role_session_->alive ? role_session_ : env_.db.connect(me_);
  in_.ask<bool>(s, [this] { return env_.db.leave(me_), true; }, [this](auto) { in_.has_left(); });
}

}  // namespace keyrack::sim
