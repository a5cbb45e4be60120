// What one node knows of the others, as cluster/membership: looks at the rows, hands them on, and leaves.
#include "tests/sim/node.hpp"
#include "tests/sim/node_rows.hpp"

#include <algorithm>

namespace keyrack::sim {

namespace {

constexpr duration look_every = 100ms;
constexpr duration urgent_look_after = 10ms;
constexpr duration looks_apart = 2ms;
constexpr duration patience_of_leaving = 4s;

}  // namespace

void node::nudge() {
  if (gone_ || !started_ || std::exchange(nudged_, true) || looking_) return;
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
  if (role_session_ && in_.reaches_database()) env_.db.end(role_session_);
  role_session_ = nullptr;
}

void node::look() {
  if (gone_ || looking_) return;
  looking_ = true;
  urgent_ = nudged_ = false;
  if (!role_session_ || !role_session_->alive) {
    role_session_ = in_.connect(me_, role::membership, row_lock_timeout);
    if (!role_session_) return look_again();
    if (role_session_->lineage != lineage_) {  // another server: the heartbeat finds out
      drop_role_session();
      return look_again();
    }
  }
  const auto asked_at = in_.steady();
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
              publish(std::move(*nodes), *rest);
              observe(asked_at);
              if (!rows_.find(me_)) return look_again();  // fenced: the heartbeat finds out
              tell_reach([this] { coordinate([this] { look_again(); }); });
            });
      });
}

void node::observe(steady_instant asked_at) {
  cluster::lookout::links now;
  for (const auto& [who, state] : in_.links()) {
    if (state == link_state::linked) now.linked.push_back(who);
    if (state == link_state::refused) now.refused.push_back(who);
  }
  lookout_.observe(rows_, std::move(now), asked_at, in_.steady());
  urgent_ = lookout_.expects_change();
}

void node::publish(std::vector<node_row> nodes, const rows_reading& rest) {
  rows_.nodes = std::move(nodes);
  rows_.pins = rest.pins;
  rows_.wishes = rest.wishes;
  rows_.coordinator = rest.coordinator;
  rows_.rebalance_asked = rest.rebalance_asked;
  in_.use_peers(rows_.nodes);
  if (std::exchange(routes_version_, rest.routes_version) == rest.routes_version) return;
  rows_.shards = *rest.shards;
  after(20us, [this, rows = rest.shards] { give_to_region(*rows); });
  if (env_.w.chance(env_.f.late_rows)) {
    after(env_.w.between(1ms, 400ms), [this, rows = rest.shards] { give_late_rows_to_region(*rows); });
  }
  in_.use_owners(rest);
}

void node::give_to_region(const std::vector<shard_row>& rows) {
  run_region([&](auto& out) { region_.on_rows(rows, in_.steady(), out); });
  set_timer();
}

// Older than what the region knows by now.
void node::give_late_rows_to_region(std::vector<shard_row> rows) {
  for (std::size_t s = 0; s < rows.size() && env_.f.bug == planted::old_rows_believed; ++s) {
    const auto known = rows_.shards[s].version;
    if (rows[s].version < known) rows[s].version = known + 1;
  }
  run_region([&](auto& out) { region_.on_rows(rows, in_.steady(), out); });
  set_timer();
}

void node::tell_reach(const next& then) {
  if (leaving_ && !leaving_told_) {
    return write_row<bool>([this](const auto& t, auto executed) { env_.db.tell_leaving(t, me_, std::move(executed)); },
                           [this, then](bool) {
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
  write_row<bool>(
      [this, reach](const auto& t, auto executed) { env_.db.tell_reach(t, me_, reach, std::move(executed)); },
      [this, reach, then](bool) {
        reach_told_ = reach;
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
  if (!leaving_ || gone_ || routes_version_ < 0) return;
  const bool late = env_.w.now() - leaving_since_ > patience_of_leaving;
  if (!leaving_told_ && !late) return;
  const bool owns = std::ranges::find(rows_.shards, me_, &shard_row::owner) != rows_.shards.end();
  const bool heirs =
      std::ranges::any_of(rows_.nodes, [this](const auto& n) { return n.incarnation != me_ && !n.leaving; });
  if (owns && heirs && !late) return;
  if (!region_.closed()) {
    return run_region([&](auto& out) { region_.on_close(out); });
  }
  if (!hotels_.empty() && !late) return;
  gone_ = true;
  lease_.end();
  serve_waiters();
  const auto s = in_.connect(me_, role::start);
  if (!s) return in_.has_left();
  in_.write<bool>(
      s, [this](const auto& t, auto executed) { env_.db.leave(t, me_, std::move(executed)); },
      [this](auto) { in_.has_left(); });
}

}  // namespace keyrack::sim
