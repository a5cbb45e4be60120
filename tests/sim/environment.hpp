// What all machines of one run share: the world, the database, the network, and which faults there are.
#pragma once

#include "cluster/parking.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/planted.hpp"
#include "tests/sim/world.hpp"

#include <array>
#include <functional>
#include <vector>

namespace keyrack::sim {

constexpr duration lease_time = 500ms;
constexpr duration lease_margin = 100ms;
constexpr duration grace = 2s;
constexpr duration stall = 3s;  // a slot without progress for so long: no more beats
constexpr int machines_max = 6;

/// How hard things are on everybody, for a whole run.
struct faults {
  double lost_answer = 0;       ///< of an append; of other statements half as often
  double lost_before_run = 0;   ///< of these, the share that was never executed
  double slow = 0;              ///< statements that take long
  double split = 0;             ///< statements that a freezing client has not ended
  duration hold_max = 2ms;      ///< how long a statement holds its locks
  duration move_deadline = 3s;  ///< of a planned move
  double load_fails = 0;
  double late_rows = 0;        ///< readings of the rows that arrive a second time, later
  double dropped = 0;          ///< messages between nodes
  double repeated = 0;         ///< answers and hints; no request is sent twice
  duration latency_max = 2ms;  ///< between nodes
  duration retire_every{0};    ///< hotels are put to sleep by force; 0: never
  std::uint64_t snapshot_events = 1'000;
  int moves_max = 256;
  std::size_t parked_max = cluster::parking::bounds{}.parked_max;  ///< for processes that begin from now on
  double drift = 0;            ///< by which share steady clocks run faster or slower than time, at most
  double frozen_for_good = 0;  ///< of those that are frozen
  duration standby_lag{0};     ///< 0: there is no standby
  planted bug = planted::none;
  planted conditions_of =
      planted::none;  ///< things are so hard that this bug would be seen, whether it is planted or not
};

class process;

/// Who can reach whom, by machine.
struct network {
  std::array<std::array<bool, machines_max>, machines_max> cut{};      ///< [from][to]: bytes are held back
  std::array<std::array<bool, machines_max>, machines_max> rejects{};  ///< a firewall answers for the port
  std::array<bool, machines_max> cut_from_database{};
  std::array<std::array<duration, machines_max>, machines_max> last_delivery{};
  std::array<process*, machines_max> at{};  ///< the process that runs there; null: none

  bool reaches(int from, int to) const {
    const auto f = static_cast<std::size_t>(from);
    const auto t = static_cast<std::size_t>(to);
    return !cut[f][t] && !cut[t][f];
  }
  void heal() { cut = {}, rejects = {}, cut_from_database = {}; }
};

struct environment {
  world& w;
  database& db;
  network& net;
  faults& f;
  history& seen;
  /// An answer for a client, from the machine that it had asked.
  std::function<void(const envelope_ptr&, const answer_envelope&)> answered;
  std::uint64_t last_id = 0;
  // What happened, for the summary.
  int forwarded = 0, parked = 0, turned_away = 0, too_late = 0, lives = 0, terms = 0, stalls = 0;
};

}  // namespace keyrack::sim
