#include "tests/sim/troubles.hpp"

#include "actors/domain/shard.hpp"
#include "tests/sim/node.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

// A clock that runs so much slower and one that runs so much faster: a lease of 500 ms ends within 600 ms of the other's.
constexpr double drift_max = 0.08;

// What brings planted bugs to light, and is made likely with them.
constexpr std::pair<planted, trouble> needs[] = {
    {planted::no_lease, trouble::false_evidence},
    {planted::serves_before_lease_ended, trouble::false_evidence},
    {planted::fence_ignores_locks, trouble::freeze},
    {planted::role_holder_not_ended, trouble::freeze},
    {planted::role_holder_not_ended, trouble::operators},
    {planted::lost_hand_over_taken_back, trouble::operators},
    {planted::beats_vouch_for_nothing, trouble::stall_slot},
    {planted::hand_overs_are_no_work, trouble::stall_slot},
    {planted::held_back_unaware, trouble::stall_slot},
    {planted::time_goes_back, trouble::jump_clock},
    {planted::doubt_answered_from_visibility, trouble::fail_over_database},
};

}  // namespace

faults draw_faults(world& w, planted bug, planted conditions_of) {
  faults f{.bug = bug, .conditions_of = conditions_of};
  const bool gentle = conditions_of == planted::none && w.chance(0.1);
  if (!gentle) {
    f.lost_answer = w.chance(0.7) ? 0.001 * static_cast<double>(w.below(80)) : 0;
    f.lost_before_run = 0.01 * static_cast<double>(w.below(100));
    f.slow = w.chance(0.4) ? 0.05 : 0;
    f.split = w.chance(0.5) ? 0.3 : 0;
    f.load_fails = w.chance(0.3) ? 0.2 : 0;
    if (w.chance(0.3)) f.hold_max = 40ms;
    if (w.chance(0.3)) f.move_deadline = w.between(5ms, 200ms);
    f.late_rows = w.chance(0.5) ? 0.5 : 0;
    f.dropped = w.chance(0.3) ? 0.02 : 0;
    f.repeated = w.chance(0.3) ? 0.05 : 0;
    f.latency_max = w.chance(0.3) ? w.between(2ms, 100ms) : duration{1ms};
    if (w.chance(0.6)) f.retire_every = w.between(10ms, 500ms);
    f.drift = w.chance(0.5) ? drift_max : 0;
    f.frozen_for_good = 0.1;
    if (w.chance(0.3)) f.standby_lag = w.between(1ms, 50ms);
  }
  f.snapshot_events = 1 + w.below(40);
  f.moves_max = w.chance(0.2) ? 64 : 512;
  if (!gentle && conditions_of == planted::none && w.chance(0.1)) f.parked_max = 1 + w.below(4);
  if (conditions_of != planted::none) {
    f.lost_answer = std::max(f.lost_answer, 0.03);
    f.late_rows = std::max(f.late_rows, 0.3);
    f.retire_every = f.retire_every.count() ? f.retire_every : duration{50ms};
  }
  if (conditions_of == planted::lost_hand_over_taken_back) f.lost_answer = 0.3;
  if (conditions_of == planted::fence_ignores_locks) {
    f.split = 1;
    f.hold_max = 40ms;
  }
  if (conditions_of == planted::role_holder_not_ended) {
    f.split = 1;
    f.hold_max = 40ms;
    f.frozen_for_good = 1;
  }
  if (conditions_of == planted::doubt_answered_from_visibility) f.standby_lag = 50ms;
  return f;
}

troubles::troubles(environment& env, fleet& machines, std::vector<hotel_id> hotels)
    : env_(env), fleet_(machines), hotels_(std::move(hotels)) {
  auto& w = env_.w;
  for (int t = 0; t < static_cast<int>(trouble::count); ++t) {
    if (w.chance(0.4)) kinds_.push_back(static_cast<trouble>(t));
  }
  for (const auto& [bug, needed] : needs) {
    if (env_.f.bug == bug) kinds_.insert(kinds_.end(), 3, needed);
  }
  if (env_.f.standby_lag.count()) env_.db.add_standby(env_.f.standby_lag);
  const bool quiet = env_.f.lost_answer == 0 && env_.f.slow == 0 && env_.f.load_fails == 0 && w.chance(0.3);
  if (quiet) kinds_.clear();
}

void troubles::strike(duration end) {
  auto& w = env_.w;
  end_ = end;
  if (w.now() >= end || kinds_.empty()) return;
  make(kinds_[w.below(kinds_.size())]);
  w.after(w.between(50ms, 1500ms), [this, end] { strike(end); });
}

void troubles::make(trouble what) {
  auto& w = env_.w;
  auto& net = env_.net;
  w.trace("trouble", static_cast<std::uint64_t>(what));
  ++count_;
  const auto a = static_cast<std::size_t>(w.below(machines_max));
  const auto b = static_cast<std::size_t>(w.below(machines_max));
  switch (what) {
  case trouble::kill: return fleet_.kill(fleet_.any());
  case trouble::kill_coordinator: return fleet_.kill(fleet_.coordinator());
  case trouble::kill_all:
    if (!w.chance(0.2)) return;
    for (auto* p : net.at) fleet_.kill(p);
    return;
  case trouble::freeze: return freeze(w.chance(0.3) ? fleet_.coordinator() : fleet_.any());
  case trouble::cut_nodes:
    net.cut[a][b] = net.cut[b][a] = a != b;
    return mend([a, b](auto& n) { n.cut[a][b] = n.cut[b][a] = false; });
  case trouble::cut_one_way: net.cut[a][b] = a != b; return mend([a, b](auto& n) { n.cut[a][b] = false; });
  case trouble::cut_halves: return cut_halves();
  case trouble::cut_database:
    net.cut_from_database[a] = true;
    return mend([a](auto& n) { n.cut_from_database[a] = false; });
  case trouble::restart_database: ++outages_; return env_.db.go_away(w.between(10ms, 4s));
  case trouble::fail_over_database: return fail_over();
  case trouble::jump_clock: return jump_clock();
  case trouble::reject: net.rejects[a][b] = true; return mend([a, b](auto& n) { n.rejects[a][b] = false; });
  case trouble::false_evidence: return look_dead(fleet_.any());
  case trouble::stall_slot: return stall(fleet_.any());
  case trouble::lose_snapshots: return env_.db.change([](tables& rows) { rows.snapshots.clear(); });
  case trouble::operators: return operate();
  case trouble::join: return fleet_.start(static_cast<int>(w.below(machines_max)));
  case trouble::leave:
    if (auto* p = fleet_.any()) p->leave();
    return;
  case trouble::count: return;
  }
}

void troubles::mend(std::function<void(network&)> how) {
  env_.w.after(env_.w.between(50ms, 5s), [this, how = std::move(how)] { how(env_.net); });
}

// One may be frozen for good where others are left.
void troubles::freeze(process* p) {
  auto& w = env_.w;
  if (!p) return;
  const bool for_good = fleet_.machines() > 2 && !one_frozen_for_good_ && w.chance(env_.f.frozen_for_good);
  one_frozen_for_good_ = one_frozen_for_good_ || for_good;
  p->freeze(for_good ? duration{1h} : w.between(20ms, 4s));
}

void troubles::cut_halves() {
  for (std::size_t i = 0; i < machines_max / 2; ++i) {
    for (std::size_t j = machines_max / 2; j < machines_max; ++j) env_.net.cut[i][j] = env_.net.cut[j][i] = true;
  }
  mend([](network& n) { n.cut = {}; });
}

void troubles::look_dead(const process* p) {
  if (!p || !p->life()) return;
  const auto m = static_cast<std::size_t>(p->machine());
  env_.net.cut_from_database[m] = true;
  for (auto& from : env_.net.rejects) from[m] = true;
  env_.db.end_sessions(p->life()->id());
  mend([m](auto& n) {
    n.cut_from_database[m] = false;
    for (auto& from : n.rejects) from[m] = false;
  });
}

// Where there is no other node nobody could take over. One in a run: each that a hotel comes to costs it a stall and a grace.
void troubles::stall(const process* p) {
  if (fleet_.machines() > 1 && env_.stalls == 0 && p && p->life()) p->life()->stall_slot();
}

// By a moment or by hours: small steps are followed, larger ones refused, and a node that starts believes what it reads.
void troubles::jump_clock() {
  auto& w = env_.w;
  const auto most = w.chance(0.5) ? duration{900ms} : duration{6h};
  env_.db.clock_offset = w.between(0us, 2 * most) - most;
}

// At once, or when the standby has not received anything for a while: then what is visible and what is safe are not the same.
void troubles::fail_over() {
  auto& w = env_.w;
  const auto held = w.chance(0.5) ? w.between(100ms, 3s) : duration{0};
  env_.db.hold_standby(held);
  w.after(held, [this] {
    if (!env_.db.has_standby() || env_.w.now() >= end_) return;
    ++outages_;
    env_.db.fail_over(env_.w.chance(0.5), env_.w.between(10ms, 1s));
  });
}

std::string troubles::any_name() { return "node-" + std::to_string(env_.w.below(machines_max)); }

void troubles::operate() {
  auto& w = env_.w;
  auto& db = env_.db;
  const auto shard = shard_of(hotels_[w.below(hotels_.size())]);
  switch (w.below(8)) {
  case 0: db.wishes[any_name()].drained = true; break;
  case 1: db.wishes.clear(); break;
  case 2: db.wishes[any_name()].weight = static_cast<int>(w.below(4)) * 100; break;
  case 3: db.pins[shard] = any_name(); break;
  case 4: db.pins.erase(shard); break;
  case 5: db.change([](tables& rows) { rows.rebalance_asked = true; }); break;
  default: {
    const move_wish asked{static_cast<std::int64_t>(++env_.last_id), shard, any_name()};
    db.change([asked](tables& rows) { rows.moves_asked.push_back(asked); });
  }
  }
}

}  // namespace keyrack::sim
