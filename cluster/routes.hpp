// What a router decides: which way a command goes, and what becomes of one that was given back. Pure. Owns this node's reading
// of who owns which shard; a stale one costs a bounce, never an error. Refuses to know bytes, links, actors and time.
//
//    from a client, or tried again                   given back by a hotel, by a region, by the owner's node
//          │                                              │
//       way_to ── this node's ──► serve                verdict_on ── another node sent it ──► to its sender
//          ├───── another's ────► forward                 ├───────── no time is left, or overloaded ──► failed
//          └───── nobody's ─────► parked ◄────────────────┴───────── else: in doubt from now on, if it may have been applied
//                                   └── routes change, or a short while ──► way_to; too late ──► failed
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/envelope.hpp"

#include <array>
#include <span>

namespace keyrack::cluster {

/// Who owns each shard, as of the last reading of the rows.
class routes {
public:
  /// This node's incarnation; 0 while it has no place.
  void use_incarnation(incarnation_id me) { me_ = me; }

  /// Takes a reading over; `version` is its `routes_version`. False: it is not later than what is known.
  bool take(std::span<const shard_row> rows, std::int64_t version);

  struct way {
    incarnation_id owner = 0;      ///< 0: nobody
    bool here = false;             ///< the owner is this node
    std::int64_t row_version = 0;  ///< of the row that says so
  };
  way way_to(hotel_id hotel) const;

  /// Whether what another node sent by that version of the row may be served here. What was sent before this ownership may
  /// not: it may have been on its way for so long that its sender tried elsewhere, was refused there, and has told so. Nor
  /// what was sent before a change that this node has not read: it costs a bounce.
  bool admits(hotel_id hotel, std::int64_t row_version) const;

  bool all_owned() const;
  std::int64_t version() const { return version_; }

private:
  static std::size_t index_of(hotel_id hotel) { return static_cast<std::size_t>(shard_of(hotel)); }

  incarnation_id me_ = 0;
  std::array<incarnation_id, shards_count> owners_{};
  std::array<std::int64_t, shards_count> versions_{};     // of the rows that say so
  std::array<std::int64_t, shards_count> owned_since_{};  // the version from which on the owner is certain
  std::int64_t version_ = -1;
};

/// What becomes of a command or question that was given back.
enum class verdict : std::uint8_t {
  failed,     ///< with the failure that it was given back with
  parked,     ///< to be tried again
  in_doubt,   ///< parked, and a failure of it is unknown from now on: an attempt may have been applied
  to_sender,  ///< another node sent it, whose router decides
};
/// `again_at`: when it would be tried again at the latest.
verdict verdict_on(const envelope& e, const failure& why, steady_instant again_at);

/// Given back by the node of its owner, for a router to try again; any other failure is an answer.
bool is_for_routers(const failure& f);

/// The failure that a command ends with, as its sender is told it.
failure last_words(const envelope& e, failure why);

}  // namespace keyrack::cluster
