// What `journal verify` compares with the journal beside its commits: writers and their fences, people, projections.
// Questions over one connection, and the judgement on the answers.
#pragma once

#include "persistence/journal_verify_model.hpp"
#include "persistence/pg_connection.hpp"
#include "persistence/projections/journal_follower.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace keyrack::persistence {

struct stored_snapshot {
  std::uint64_t seq = 0;  ///< 0: there is none
  std::string payload;
};
std::expected<stored_snapshot, pg_error> read_snapshot(pg_connection& c, hotel_id hotel, call_deadline deadline);

/// Hotels above `above` that snapshots or projections know of and the journal does not, ascending: theirs was lost.
std::expected<std::vector<hotel_id>, pg_error> hotels_without_commits(pg_connection& c, hotel_id above, int limit,
                                                                      call_deadline deadline);

/// Writers by incarnation, and when they were fenced; nothing while they are not.
using writer_fences = std::map<std::uint64_t, std::optional<instant>>;
std::expected<writer_fences, pg_error> read_writers(pg_connection& c, call_deadline deadline);

/// One hotel's writers, in the order of its commits.
class writer_order {
public:
  writer_order(hotel_id hotel, finding_sink& findings) : hotel_(hotel), findings_(findings) {}
  /// REQUIRES: `writers` was read after `commit` was, or names its writer.
  void see(const journal_commit& commit, const writer_fences& writers);

private:
  hotel_id hotel_;
  finding_sink& findings_;
  std::uint64_t last_xid_ = 0;
  std::uint64_t last_writer_ = 0;
  std::map<std::uint64_t, instant> last_at_;  // by writer
};

/// Finds those of `guests` that have no row.
std::expected<void, pg_error> check_guests(pg_connection& c, hotel_id hotel, const std::set<guest_id>& guests,
                                           finding_sink& findings, call_deadline deadline);

/// Compares all projected rows of the hotel with the replay, which ended at `replayed`. The projection may be behind, or
/// by now ahead: only what both have seen is compared. Gives the number of rows.
std::expected<std::uint64_t, pg_error> check_projection(pg_connection& c, hotel_id hotel, const hotel_model& model,
                                                        std::uint64_t replayed, finding_sink& findings,
                                                        std::chrono::milliseconds timeout);

}  // namespace keyrack::persistence
