// What becomes of commands and questions that were not taken where they were sent: which wait to be tried again, when they
// are, and what the others are told. Pure, so that a simulation can drive it. Refuses to know threads, timers and ways:
// which way something goes is decided by the routes of the moment at which it is tried again, however often they changed.
//
//        given back by whoever had it              nobody to send it to
//             │                                          │
//         verdict_on ── failed, to its sender ──► ended  │
//             └── in doubt from now on, or as before ──► is there room? ── no ──► ended: overloaded
//                                                        │
//                                                        ▼
//                                                     parked ◄─── (the way opens: on_soon follows, once for all that opens)
//                                                        │ on_soon, or on_later: `retry_after` is over for the first of them
//                                                        ▼
//                                             is its deadline over? ── yes ──► ended: unavailable
//                                                        │
//                                                        └── no ──► sent again
//
// Whatever comes in leaves once: sent again or ended. Who was in doubt ends `unknown`, whatever became of later attempts;
// who never was, ends as the last attempt did.
#pragma once

#include "actors/envelope.hpp"
#include "cluster/routes.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

namespace keyrack::cluster {

class parking {
public:
  struct bounds {
    /// What was given back is tried again after so long, or when the way opens.
    std::chrono::nanoseconds retry_after = std::chrono::milliseconds{25};
    /// That wait at a time: each holds memory, and all are sent again at once. Who is one too many hears so without waiting.
    std::size_t parked_max = 10'000;
  };
  struct ending {
    envelope_ptr what;
    errc reason{};  ///< of the last attempt, between nodes; for who counts
    failure told;   ///< to its sender
  };
  /// What the shell has to do.
  struct effects {
    std::vector<ending> end;
    std::vector<envelope_ptr> send;  ///< again, by the routes as they are then
    std::vector<errc> parked;        ///< the reasons why some wait from now on; for who counts
    int too_late = 0;                ///< ended because their deadline is over; likewise
    int turned_away = 0;             ///< ended because too many wait; likewise
    bool soon = false;               ///< call `on_soon`, and not from within this call
    bool later = false;              ///< call `on_later` after `retry_after`
  };

  explicit parking(bounds b) : bounds_(b) {}

  /// Whoever had it gave it back, or the link to them broke.
  void on_given_back(envelope_ptr e, const failure& why, steady_instant now, effects& out);
  /// There is no way to its hotel at the moment. REQUIRES: it is from this node's client.
  void on_no_way(envelope_ptr e, const failure& why, effects& out) { park(std::move(e), why, out); }

  /// Routes have changed, or somebody takes what they gave back before.
  void on_way_open(effects& out);
  void on_soon(steady_instant now, effects& out);
  void on_later(steady_instant now, effects& out);

  std::size_t size() const { return parked_.size(); }

private:
  void park(envelope_ptr e, const failure& why, effects& out);
  void release(steady_instant now, effects& out);

  bounds bounds_;
  std::vector<envelope_ptr> parked_;  // in the order in which they came
  bool soon_asked_ = false;
  bool later_asked_ = false;
};

}  // namespace keyrack::cluster
