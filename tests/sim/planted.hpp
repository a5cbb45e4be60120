// Bugs that are put in on purpose: each must be found, or the simulation proves nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace keyrack::sim {

enum class planted : std::uint8_t {
  none,
  doubt_taken_for_applied,         ///< a lost answer of an append is read as success
  doubt_taken_for_absent,          ///< … as failure: appended again without a look, under a new connection
  append_without_fence,            ///< the statement does not look at the writer's row
  answer_before_commit,            ///< the hotel is told `applied` as its append is sent
  no_lease,                        ///< answers from memory leave without a look at the lease
  serves_before_lease_ended,       ///< a new owner does not wait for the old one's lease
  request_keys_forgotten,          ///< snapshots lose the request keys
  fresh_key_after_unknown,         ///< the client retries under another key
  router_retries_with_fresh_key,   ///< … the router does
  fence_ignores_locks,             ///< the fence does not wait for appends under way: FOR KEY SHARE
  fence_not_waited_for,            ///< shards are given while the fence is on its way
  gift_without_fence,              ///< the silent lose their shards, and are not fenced
  hand_over_before_appends_end,    ///< a shard is handed over while its hotels still append
  old_rows_believed,               ///< a region takes every reading of the rows for a later one
  move_drops_parked,               ///< new routes: what was parked is forgotten
  lost_hand_over_taken_back,       ///< a hand-over whose answer was lost is taken for refused
  doubt_answered_from_visibility,  ///< what is visible counts as applied before a write of one's own has come back
  beats_vouch_for_nothing,         ///< a node whose slot stands still beats on
  hand_overs_are_no_work,          ///< … or whose slot owes hand-overs only
  held_back_unaware,               ///< … and one that does not beat does not look whether it is fenced
  role_holder_not_ended,           ///< who takes the role waits for the locks of whoever had it, for ever
  time_goes_back,                  ///< a hotel decides by the clock alone, which may stand before its last event
  superseded_link_read,            ///< requests of a link that its peer has given up are served beside the new link's
  count,
};

std::vector<planted> all_planted();
std::string_view to_text(planted bug);

}  // namespace keyrack::sim
