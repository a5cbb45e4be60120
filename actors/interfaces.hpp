// Every typed actor handle: the map of the running system.
//
//   gateway bridge ──deliver──► region_actor ──deliver──► hotel_actor ──append_commit──► journal_slot_actor
//                                   ▲   │ retire             │  ▲                              │
//                                   │   └───────────────────►│  └────────── append_done ───────┘
//                            hotel_failed ───────────────────┘
//                                                     load_hotel, read_event ──► journal_reader_actor
//                                                     save_snapshot ───────────► snapshot_actor
// The bridge sends `deliver` straight to a hotel whose handle the region's directory holds; the region sees the rest.
#pragma once

#include "actors/messages.hpp"

#include <caf/typed_actor.hpp>

#include <vector>

namespace keyrack {

/// One hotel: decides, and answers when the journal holds it.
using hotel_handle =
    caf::typed_actor<caf::reacts_to<deliver>, caf::reacts_to<append_done>, caf::reacts_to<hotel_loaded>,
                     caf::reacts_to<event_read>, caf::reacts_to<snapshot_saved>, caf::reacts_to<tick>,
                     caf::reacts_to<retire>, caf::reacts_to<incarnation_fenced>>;

/// The hotels that this node owns: wakes them, puts them to sleep, hands over what comes while they are neither.
using region_handle =
    caf::typed_actor<caf::reacts_to<deliver>, caf::reacts_to<hotel_failed>, caf::reacts_to<wake_hotel>,
                     caf::reacts_to<tick>, caf::reacts_to<incarnation_fenced>, caf::reacts_to<close_region>,
                     caf::reacts_to<rows_read>, caf::reacts_to<serve_waiting>, caf::reacts_to<shards_handed_over>,
                     caf::reacts_to<prepare_shard>, caf::reacts_to<shard_prepared>, caf::reacts_to<hotel_loaded>>;

/// One connection that appends. Sends `append_done` to the sender of `append_commit`, `shards_handed_over` to that of
/// `hand_over_shards`.
using journal_slot_handle =
    caf::typed_actor<caf::reacts_to<append_commit>, caf::reacts_to<flush_batch>, caf::reacts_to<hand_over_shards>>;

/// Connections that only read. Sends `hotel_loaded` or `event_read` to the sender.
using journal_reader_handle = caf::typed_actor<caf::reacts_to<load_hotel>, caf::reacts_to<read_event>>;

/// Keeps snapshots. Sends `snapshot_saved` to the sender.
using snapshot_handle = caf::typed_actor<caf::reacts_to<save_snapshot>>;

/// The journal as a hotel knows it. Hotels are spread over the slots, readers and snapshot writers by their ids.
struct journal_handles {
  std::vector<journal_slot_handle> slots;
  std::vector<journal_reader_handle> readers;
  std::vector<snapshot_handle> snapshots;
  const journal_slot_handle& slot_of(hotel_id hotel) const { return slots[hotel.value % slots.size()]; }
  const journal_reader_handle& reader_of(hotel_id hotel) const { return readers[hotel.value % readers.size()]; }
  const snapshot_handle& snapshots_of(hotel_id hotel) const { return snapshots[hotel.value % snapshots.size()]; }
};

}  // namespace keyrack
