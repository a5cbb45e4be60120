// Every actor message of this folder and its type id. Append-only. None of them leaves the process: what goes between
// nodes is one registered envelope of bytes (cluster/transport).
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/envelope.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace keyrack {

/// A batch of work is waiting: sent by an actor to itself, so that it first takes in all that is queued already.
struct flush_batch {};
/// Append this commit. From a hotel to its journal slot, which answers `append_done`.
struct append_commit {
  commit_ptr what;
};
/// From a journal slot to the hotel.
struct append_done {
  std::uint64_t first_seq = 0;
  append_result result{};
};
struct hotel_loaded {
  std::shared_ptr<hotel_state> state;  ///< null: `why`
  std::string why;
  std::uint64_t snapshot_seq = 0;  ///< of the snapshot that the load began with; 0: without one
  hotel_id hotel{};
};
/// Load a hotel: snapshot, and the commits after it, folded. Answered with `hotel_loaded`.
struct load_hotel {
  hotel_id hotel;
  std::shared_ptr<const hotel_loaded>
      ahead;  ///< of an earlier load, whose state is used up: only what came after it is read
};
/// Read one event, to render an answer again. Answered with `event_read`.
struct read_event {
  hotel_id hotel;
  std::uint64_t seq = 0;
};
struct event_read {
  hotel_id hotel;
  std::uint64_t seq = 0;
  std::shared_ptr<const event> what;  ///< null: `why`
  std::string why;
};
/// Keep this state, which is durable up to its sequence number. Answered with `snapshot_saved`.
struct save_snapshot {
  std::shared_ptr<const hotel_state> state;
};
struct snapshot_saved {
  std::uint64_t seq = 0;
  bool saved = false;
};
/// A command or query for a hotel.
struct deliver {
  envelope_ptr what;
};
/// The hotel shall finish what it has and stop. Nothing is sent to it after this.
struct retire {
  bool snapshot = true;  ///< leave one behind
};
/// Time has passed: a hotel looks at its holds, a region at its idle hotels.
struct tick {};
/// A hotel can go no further (its append failed): its region shall take it out of the directory and retire it.
struct hotel_failed {
  hotel_id hotel;
};
/// Holds of this hotel may have lapsed while it slept: wake it.
struct wake_hotel {
  hotel_id hotel;
};
/// The region shall put all its hotels to sleep and end: a clean shut-down.
struct close_region {};
/// The incarnation has lost its place: drop everything, answer nothing more.
struct incarnation_fenced {};
/// The cluster's rows as they were just read. To the region.
struct rows_read {
  std::shared_ptr<const cluster_rows> rows;
};
/// The time that shards wait for has come, of another's lease or of a target's loading. From a region to itself.
struct serve_waiting {};
/// These hotels are awake at the owner of a shard that is about to come: load them. To the region of the shard's target.
struct prepare_shard {
  shard_id shard = 0;
  std::vector<hotel_id> hotels;
  std::function<void()> done;  ///< on the region's thread; must not block
};
/// The target of a shard that is about to go has loaded its hotels. To the region of its owner.
struct shard_prepared {
  shard_id shard = 0;
  std::int64_t version = 0;  ///< of the row that named the target
};
/// What was given back may be taken now: try all that is parked. From a router to its parking.
struct try_parked {};
/// Write these hand-overs, once all appends before are certain. From the region to a journal slot.
struct hand_over_shards {
  std::vector<hand_over> what;
};
/// How each of them ended; not in doubt any more.
struct shards_handed_over {
  std::vector<hand_over> what;
  std::vector<bool> done;  ///< parallel; false: the row is still this node's
};

}  // namespace keyrack

CAF_BEGIN_TYPE_ID_BLOCK(keyrack_actors, first_custom_type_id)
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::flush_batch))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::append_commit))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::append_done))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::load_hotel))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::hotel_loaded))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::read_event))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::event_read))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::save_snapshot))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::snapshot_saved))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::deliver))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::retire))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::tick))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::hotel_failed))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::wake_hotel))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::incarnation_fenced))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::close_region))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::rows_read))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::hand_over_shards))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::shards_handed_over))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::serve_waiting))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::prepare_shard))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::shard_prepared))
CAF_ADD_TYPE_ID(keyrack_actors, (keyrack::try_parked))
CAF_END_TYPE_ID_BLOCK(keyrack_actors)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::flush_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::append_commit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::append_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::load_hotel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::hotel_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::read_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::event_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::save_snapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::snapshot_saved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::deliver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::hotel_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::wake_hotel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::incarnation_fenced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::close_region)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::rows_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::hand_over_shards)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::shards_handed_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::serve_waiting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::prepare_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::shard_prepared)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(keyrack::try_parked)
