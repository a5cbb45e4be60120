// What a region decides about the shards that this node owns and the hotels in them: pure, so that a simulation can drive it.
// Waking, sending, retiring and the hand-over's statement are the shell's; this says when. It believes rows and nothing else,
// and of two readings the one with the higher version.
//
// A shard:
//
//             row: mine, after a fence      the old owner's lease has ended
//     absent ─────────────────────────► waiting ───────────────────────────► owned ◄──────────┐
//       │  ▲         row: mine                                                │ ▲             │
//       ├──┼──────────────────────────────────────────────────────────────────┘ │             │
//       │  └──────── (of a row that is another's, from anywhere)    row: target │ called off  │ called off;
//       │                                                                     ▼ │             │ refused, no target
//       │                                                                  announced          │
//       │                                                                     │ the target has loaded its hotels,
//       │                                                                     ▼ or took too long
//       └── row: mine, with a target ──────────────────────────────────► stopping ────────────┤
//          ▲                                                                  │ its hotels are gone
//          └──────────── handed over ───────────────────────────────── handing over ──────────┘
//                                                     ├── refused, another target ──► stopping
//                                                     └── its row is mine again already ──► as from absent
// A waiting shard with a target stops, too, when the lease has ended, and not before. Only owned and announced shards admit
// commands. One without hotels is not announced. `become` refuses what is not drawn.
//
// A hotel:
//
//     asleep ── on_envelope, on_wake ──► awake ── on_sleepy, on_failed, its shard stops ──► retiring ── on_gone ──► asleep
//                                        │  ▲                                  (commands wait)
//                                        └──┘ on_envelope                      on_gone with commands waiting ──► awake
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace keyrack::cluster {

class region {
public:
  struct retirement {
    hotel_id hotel;
    bool snapshot = true;  ///< leave one behind; not when the hotel is waited for elsewhere
  };
  /// A shard that is about to go: its next owner should load its hotels. Answered by `on_prepared`, or by time.
  struct announcement {
    shard_id shard = 0;
    std::int64_t version = 0;
    incarnation_id target = 0;
    std::vector<hotel_id> hotels;
  };
  /// What the shell has to do, in this order.
  struct effects {
    std::vector<hotel_id> wake;
    std::vector<retirement> retire;
    std::vector<envelope_ptr> send;  ///< to hotels that are awake
    std::vector<std::pair<envelope_ptr, failure>> bounce;
    std::vector<announcement> announce;
    std::vector<hand_over> hand_overs;  ///< write this, in one statement; answered by `on_handed_over`
    std::vector<hand_over> gone;        ///< handed over: whoever routes should hear of it
    bool admits_more = false;           ///< what was given back because of a shard may be tried again
    std::vector<shard_id> stopping;     ///< not served any more; for who measures how long that lasts
    std::vector<shard_id> serving;      ///< from now on, and were not; likewise
  };

  struct bounds {
    std::size_t waiting_max = 10'000;  ///< commands that wait while one hotel retires
    std::chrono::nanoseconds wait_after_fence = std::chrono::milliseconds{600};  ///< a read lease and a margin
    std::chrono::nanoseconds prepare_for = std::chrono::seconds{1};  ///< that a target has for loading hotels ahead
  };

  region(incarnation_id me, bounds b) : me_(me), bounds_(b) {}

  // Of the node.

  /// The rows as they were read; `now` is after the reading.
  void on_rows(std::span<const shard_row> rows, steady_instant now, effects& out);
  /// Time has passed.
  void on_time(steady_instant now, effects& out);
  /// The target of an announcement has loaded what it can.
  void on_prepared(shard_id id, std::int64_t version, effects& out);
  /// How the hand-over of that shard at that version ended. In doubt is not among it: the journal looks before it answers.
  void on_handed_over(const hand_over& what, bool done, effects& out);

  /// The incarnation has lost its place: all hotels are retired, nothing is woken any more.
  void on_fenced(effects& out);
  /// The node leaves: all hotels finish what they have and sleep, nothing is woken any more.
  void on_close(effects& out);

  // Of hotels.

  void on_envelope(envelope_ptr e, effects& out);
  /// Something else than a command wants the hotel in memory.
  void on_wake(hotel_id id, effects& out);
  /// The hotel has been idle for long, or is one too many.
  void on_sleepy(hotel_id id, effects& out);
  /// The hotel can go no further: it must be loaded anew.
  void on_failed(hotel_id id, effects& out) { on_sleepy(id, out); }
  /// The hotel's actor has ended, retired or not.
  void on_gone(hotel_id id, effects& out);

  bool fenced() const { return fenced_; }
  bool closed() const { return closed_; }
  struct shard_tally {
    int serving = 0;
    int waiting = 0;  ///< for the lease of a fenced owner to end
    int leaving = 0;  ///< stopping or being handed over
  };
  shard_tally tally() const;
  int shards_owned() const;
  bool serves(shard_id id) const;
  /// When `on_time` has something to do: the first of the waiting shards may serve, or has waited for its target for long.
  std::optional<steady_instant> waits_until() const;

private:
  enum class shard_state : std::uint8_t { absent, waiting, owned, announced, stopping, handing_over };
  struct shard {
    shard_state state = shard_state::absent;
    std::int64_t version = -1;
    incarnation_id target = 0;
    bool after_fence = false;
    steady_instant serve_from;     // if it has to wait
    steady_instant stop_from;      // if it is announced
    std::int64_t asked_at = -1;    // the version at which it is being handed over
    std::vector<hotel_id> hotels;  // that are not asleep
  };
  struct hotel {
    bool retiring = false;
    std::vector<envelope_ptr> waiting;  // only while retiring
  };

  const shard& at(shard_id id) const { return shards_[static_cast<std::size_t>(id)]; }
  shard& at(shard_id id) { return shards_[static_cast<std::size_t>(id)]; }
  bool admits(hotel_id id) const { return !closed_ && serves(shard_of(id)); }
  failure why_not() const;
  static bool is_drawn(shard_state from, shard_state to);
  static void become(shard& s, shard_state to);
  void arrive(shard_id id, effects& out);
  void own(shard_id id, effects& out);
  void let_go(shard_id id, effects& out);
  void stop(shard_id id, effects& out);
  void hand_over_if_empty(shard_id id, effects& out);
  void lose(shard_id id, effects& out);
  void retire(hotel_id id, bool snapshot, effects& out);
  bool wake(hotel_id id, effects& out);

  const incarnation_id me_;
  const bounds bounds_;
  bool fenced_ = false;
  bool closed_ = false;  // fenced, too
  std::vector<shard> shards_ = std::vector<shard>(shards_count);
  std::unordered_map<hotel_id, hotel> hotels_;  // those that are not asleep
};

}  // namespace keyrack::cluster
