// Bytes that lie on the disk, and the values that they mean: commits, snapshots, and the bodies of projected rows.
// The format is persistence/proto/journal.proto, written in one canonical way: equal values have equal bytes, and bytes
// that the encoder would not have written are refused. Refuses to know where bytes are kept, and what events do.
#pragma once

#include "actors/domain/hotel/state.hpp"
#include "actors/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::persistence {

/// A commit above this is not written by any bound of the domain; PostgreSQL itself takes no bytea of 1 GB.
inline constexpr std::size_t commit_bytes_max = std::size_t{256} << 20;
inline constexpr std::size_t snapshot_bytes_max = std::size_t{1000} << 20;

/// The events of a commit for `commits.payload`; personal records are not part of it. Thread-safe, as all of these.
std::string encode_commit(const commit& c);

/// The events of a payload, numbered from `first_seq`. Refuses, with a sentence for the log: a format or field that is not
/// known, values beyond the domain's limits, events that go back in time, a count that is not that of the sequence
/// numbers, bytes that are not canonical. Foreign bytes never do more harm than a refusal; memory used is at most some
/// hundred times the payload's size.
std::expected<std::vector<event>, std::string> decode_commit(std::string_view payload, std::uint64_t first_seq,
                                                             std::uint64_t last_seq);

/// The state for `snapshots.payload`: what follows from other parts (rooms taken, deadlines, rooms occupied) is left out.
std::string encode_snapshot(const hotel_state& hotel);

/// The state of hotel `id`, derived parts restored: as a replay of its events up to the snapshot's sequence number.
/// Refuses as `decode_commit` does, and a state that no events lead to in so far as it would break an invariant.
std::expected<hotel_state, std::string> decode_snapshot(hotel_id id, std::string_view payload);

/// One reservation, for `guest_reservations.body`.
std::string encode_reservation(const reservation& r);
std::expected<reservation, std::string> decode_reservation(std::string_view body);

/// One hotel's profile, for `hotels_list.profile`.
std::string encode_profile(const hotel_profile& p);
std::expected<hotel_profile, std::string> decode_profile(std::string_view body);

}  // namespace keyrack::persistence
