// How a hotel comes back from the journal: its snapshot, the commits after it, folded, and checked to join. Owns the SQL
// that reads hotels and events; refuses to decide when they are read.
#pragma once

#include "actors/domain/hotel/state.hpp"
#include "persistence/pg_connection.hpp"

#include <cstdint>
#include <expected>
#include <string>

namespace keyrack::persistence {

struct read_failure {
  bool connection = false;  ///< the connection or the time was at fault: another attempt may do better
  std::string why;          ///< a sentence for the log
};

struct recovered_hotel {
  hotel_state state;
  std::uint64_t snapshot_seq = 0;  ///< of the snapshot that it was made from; 0: of none
};

/// The state of a hotel as the journal holds it; that of a hotel without any commit is empty, with sequence number 0.
/// A snapshot that cannot be read, or does not end where a commit ends, is passed over with a line in the log: it is an
/// optimisation. Fails when commits do not join without a gap, or cannot be understood: nothing may be decided then.
std::expected<recovered_hotel, read_failure> recover_hotel(pg_connection& connection, hotel_id hotel,
                                                           call_deadline deadline);

/// Folds the commits that came after `state`, which an earlier `recover_hotel` gave. Fails as that does; `state` is somewhere
/// on its way then.
std::expected<void, read_failure> catch_up(pg_connection& connection, hotel_state& state, call_deadline deadline);

/// The event of that number; fails when the journal does not hold it.
std::expected<event, read_failure> find_event(pg_connection& connection, hotel_id hotel, std::uint64_t seq,
                                              call_deadline deadline);

}  // namespace keyrack::persistence
