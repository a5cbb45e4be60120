// What a region decides about its hotels: pure, so that a simulation can drive it. Waking, sending and retiring are the
// shell's; this says when.
//
//     asleep ── on_envelope, on_wake ──► awake ── on_sleepy, on_failed ──► retiring ── on_gone ──► asleep
//                                        │  ▲                              (commands wait)
//                                        └──┘ on_envelope                  on_gone with commands waiting ──► awake
#pragma once

#include "actors/envelope.hpp"

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

namespace keyrack::cluster {

class region {
public:
  /// What the shell has to do, in this order.
  struct effects {
    std::vector<hotel_id> wake;
    std::vector<hotel_id> retire;
    std::vector<envelope_ptr> send;  ///< to hotels that are awake
    std::vector<std::pair<envelope_ptr, failure>> bounce;
  };

  /// `waiting_max`: commands that wait while one hotel retires.
  explicit region(std::size_t waiting_max) : waiting_max_(waiting_max) {}

  void on_envelope(envelope_ptr e, effects& out);

  /// Something else than a command wants the hotel in memory.
  void on_wake(hotel_id id, effects& out);

  /// The hotel has been idle for long, or is one too many.
  void on_sleepy(hotel_id id, effects& out);

  /// The hotel can go no further: it must be loaded anew.
  void on_failed(hotel_id id, effects& out) { on_sleepy(id, out); }

  /// The hotel's actor has ended, retired or not.
  void on_gone(hotel_id id, effects& out);

  /// The incarnation has lost its place: all hotels are retired, nothing is woken any more.
  void on_fenced(effects& out);

  /// The node leaves: all hotels finish what they have and sleep, nothing is woken any more.
  void on_close(effects& out);

  bool fenced() const { return fenced_; }
  bool closed() const { return closed_; }

private:
  struct hotel {
    bool retiring = false;
    std::vector<envelope_ptr> waiting;  // only while retiring
  };
  const std::size_t waiting_max_;
  bool fenced_ = false;
  bool closed_ = false;                         // fenced, too
  std::unordered_map<hotel_id, hotel> hotels_;  // those that are not asleep
};

}  // namespace keyrack::cluster
