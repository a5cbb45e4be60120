#include "tests/sim/simulation.hpp"

#include "tests/sim/clients.hpp"
#include "tests/sim/fleet.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/troubles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

constexpr duration faults_begin = 2s;
constexpr duration faults_end = 10s;
constexpr duration rest_begins = 16s;  // for most: whoever is still waited for has until everything ends
constexpr duration clients_end = faults_end + 1s;
constexpr duration bookings_due = 11s;  // after everything was healed
constexpr duration everything_ends =
    std::chrono::duration_cast<duration>(std::chrono::duration<double>{seconds_per_run});
constexpr int clients_count = 4;

std::vector<hotel_id> some_hotels() {
  std::vector<hotel_id> all;
  for (std::uint64_t n = 0; n < 6; ++n) all.push_back({100 + n});
  return all;
}

class simulation {
public:
  simulation(std::uint64_t seed, planted bug, planted conditions_of)
      : world_(seed),
        faults_(draw_faults(world_, bug, conditions_of)),
        database_(world_, bug),
        history_(world_, database_),
        env_{world_,  database_, network_,
             faults_, history_,  [this](const auto& e, const auto& a) { clients_.answer(e, a); }},
        fleet_(env_, world_.chance(0.1) ? 1 : 3 + static_cast<int>(world_.below(3))),
        clients_(env_, fleet_, hotels_),
        troubles_(env_, fleet_, hotels_) {}

  outcome_of_run run() {
    for (int m = 0; m < fleet_.machines(); ++m) {
      world_.after(world_.between(0ms, 300ms), [this, m] { fleet_.start(m); });
    }
    world_.after(500ms, [this] { clients_.open_hotels(); });
    world_.after(faults_begin, [this] {
      clients_.begin(clients_count, clients_end, everything_ends - 5s);
      troubles_.strike(faults_end);
    });
    world_.after(faults_end, [this] { heal(); });
    world_.run_until(rest_begins);
    if (!clients_.at_rest() || somebody_misses_a_place()) world_.run_until(everything_ends);
    history_.check_journal(hotels_);
    history_.check_told();
    clients_.check();
    check_places();
    return summed_up();
  }

private:
  void heal() {
    network_.heal();
    faults_ = {.snapshot_events = faults_.snapshot_events,
               .moves_max = 512,
               .bug = faults_.bug,
               .conditions_of = faults_.conditions_of};
    database_.clock_offset = 0us;
    fleet_.start_all();
    for (const auto later : {3s, 5s}) world_.after(later, [this] { fleet_.start_all(); });  // those that were leaving
    world_.after(1s, [this] { clients_.book_everywhere(); });
    world_.after(bookings_due + 1s, [this] {
      for (int n = clients_.bookings_missing(); n > 0; --n) {
        missing_.push_back(fmt::format("a hotel took no booking {} s after everything was healed", bookings_due / 1s));
      }
    });
  }

  // Whoever was fenced has come back.
  bool misses_a_place(const process* p) const {
    return p && !p->frozen() && !(p->life() && database_.rows().live(p->life()->id()));
  }
  bool somebody_misses_a_place() const {
    return std::ranges::any_of(network_.at, [this](const process* p) { return misses_a_place(p); });
  }
  void check_places() {
    for (const auto* p : network_.at) {
      if (misses_a_place(p))
        missing_.push_back(fmt::format("{} has no place long after everything was healed", p->name()));
    }
  }

  outcome_of_run summed_up() {
    outcome_of_run result;
    for (const auto* some : {&std::as_const(database_.violations), &history_.violations(), &std::as_const(missing_),
                             &clients_.violations()}) {
      result.violations.insert(result.violations.end(), some->begin(), some->end());
    }
    result.trace = world_.trace_hash();
    result.accepted = history_.accepted();
    result.refused = history_.refused();
    result.replayed = history_.replayed();
    result.read = history_.read();
    result.unknown = clients_.unknown();
    result.troubles = troubles_.count();
    result.outages = troubles_.outages();
    result.fences = database_.fences;
    result.gifts = database_.gifts;
    result.hand_overs = database_.hand_overs;
    result.lock_timeouts = database_.lock_timeouts;
    result.forwarded = env_.forwarded;
    result.parked = env_.parked;
    result.turned_away = env_.turned_away;
    result.too_late = env_.too_late;
    result.terms = env_.terms;
    result.lives = env_.lives;
    result.milliseconds = world_.now() / 1ms;
    return result;
  }

  const std::vector<hotel_id> hotels_ = some_hotels();
  world world_;
  faults faults_;
  database database_;
  network network_;
  history history_;
  environment env_;
  fleet fleet_;
  clients clients_;
  troubles troubles_;
  std::vector<std::string> missing_;
};

}  // namespace

void outcome_of_run::add(const outcome_of_run& other) {
  for (const auto sum :
       {&outcome_of_run::accepted, &outcome_of_run::refused, &outcome_of_run::replayed, &outcome_of_run::read,
        &outcome_of_run::unknown, &outcome_of_run::troubles, &outcome_of_run::outages, &outcome_of_run::fences,
        &outcome_of_run::gifts, &outcome_of_run::hand_overs, &outcome_of_run::lock_timeouts, &outcome_of_run::forwarded,
        &outcome_of_run::parked, &outcome_of_run::turned_away, &outcome_of_run::too_late, &outcome_of_run::terms,
        &outcome_of_run::lives, &outcome_of_run::milliseconds}) {
    this->*sum += other.*sum;
  }
}

outcome_of_run run_seed(std::uint64_t seed) { return simulation{seed, planted::none, planted::none}.run(); }
outcome_of_run run_seed_with(planted bug, std::uint64_t seed) { return simulation{seed, bug, bug}.run(); }
outcome_of_run run_seed_without(planted bug, std::uint64_t seed) { return simulation{seed, planted::none, bug}.run(); }

}  // namespace keyrack::sim
