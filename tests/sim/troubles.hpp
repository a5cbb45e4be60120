// What goes wrong: which kinds a seed has, how hard each is, and when it strikes. Refuses to judge what comes of it.
#pragma once

#include "tests/sim/environment.hpp"
#include "tests/sim/fleet.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace keyrack::sim {

/// Kinds of disturbances.
enum class trouble : std::uint8_t {
  kill,
  kill_coordinator,
  kill_all,
  freeze,
  cut_nodes,
  cut_one_way,
  cut_halves,
  cut_database,
  restart_database,
  fail_over_database,  ///< to its standby, with what that had not received yet, or without
  jump_clock,          ///< the database's
  reject,
  false_evidence,  ///< a node that lives looks dead: its heartbeat's backend is gone, its port refuses
  stall_slot,      ///< one of a node's journal slots stands still
  lose_snapshots,
  operators,
  join,
  leave,
  count,
};

/// How hard things are on everybody in a run, in which what brings the bug `conditions_of` to light is made likely.
faults draw_faults(world& w, planted bug, planted conditions_of);

class troubles {
public:
  troubles(environment& env, fleet& machines, std::vector<hotel_id> hotels);

  /// One after another, from now until `end`.
  void strike(duration end);
  int count() const { return count_; }
  int outages() const { return outages_; }

private:
  void make(trouble what);
  void mend(std::function<void(network&)> how);
  void cut_halves();
  void freeze(process* p);
  void look_dead(const process* p);
  void stall(const process* p);
  void jump_clock();
  void fail_over();
  void operate();
  std::string any_name();

  environment& env_;
  fleet& fleet_;
  const std::vector<hotel_id> hotels_;
  std::vector<trouble> kinds_;
  duration end_{};
  bool one_frozen_for_good_ = false;
  int count_ = 0;
  int outages_ = 0;
};

}  // namespace keyrack::sim
