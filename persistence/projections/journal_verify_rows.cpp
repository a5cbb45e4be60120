#include "persistence/projections/journal_verify_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace keyrack::persistence {
namespace {

constexpr pg_statement select_snapshot{"verify_snapshot", R"sql(
  SELECT seq, payload FROM snapshots WHERE hotel_id = $1
)sql"};

constexpr pg_statement select_writers{"verify_writers", R"sql(
  SELECT incarnation, min(fenced_at) FROM writers GROUP BY incarnation
)sql"};

constexpr pg_statement missing_guests{"verify_guests", R"sql(
  SELECT p.high, p.low FROM unnest($1::bigint[], $2::bigint[]) AS p(high, low)
   WHERE NOT EXISTS (SELECT FROM guests g WHERE g.guest_high = p.high AND g.guest_low = p.low)
)sql"};

// How far the hotel was projected comes with each page, so that both are from one moment.
constexpr pg_statement select_projected{"verify_projection", R"sql(
  SELECT p.last_seq, r.number, r.last_seq, r.body
    FROM projected_hotels p
    LEFT JOIN LATERAL (SELECT number, last_seq, body FROM guest_reservations
                        WHERE hotel_id = p.hotel_id AND number > $2::bigint
                        ORDER BY number LIMIT $3::bigint) r ON true
   WHERE p.hotel_id = $1
   ORDER BY r.number
)sql"};

// The journal's end is of the same moment: what is projected beyond it has been lost.
constexpr pg_statement select_listed{"verify_hotels_list", R"sql(
  SELECT p.last_seq, l.version, l.profile, l.removed,
         coalesce((SELECT c.last_seq FROM commits c WHERE c.hotel_id = p.hotel_id ORDER BY c.first_seq DESC LIMIT 1), 0)
    FROM projected_hotels p LEFT JOIN hotels_list l USING (hotel_id)
   WHERE p.hotel_id = $1
)sql"};

constexpr pg_statement select_without_commits{"verify_without_commits", R"sql(
  SELECT known.hotel_id
    FROM (SELECT hotel_id FROM snapshots UNION SELECT hotel_id FROM projected_hotels) known
   WHERE known.hotel_id > $1 AND NOT EXISTS (SELECT FROM commits c WHERE c.hotel_id = known.hotel_id)
   ORDER BY known.hotel_id LIMIT $2::bigint
)sql"};

constexpr int page_rows = 2'000;

// A fence's instant is taken before it has waited for the append under way, which may be dated after it. It waits no longer
// than database.lock_timeout for each slot, so a commit that is this much later did not come in by that door.
constexpr std::chrono::seconds fence_may_wait{10};

std::uint64_t number_at(const pg_rows& rows, int row, int column) {
  return static_cast<std::uint64_t>(rows.integer(row, column));
}

std::uint64_t fingerprint(std::string_view body) { return std::hash<std::string_view>{}(body); }

/// One page of projected rows against the same numbers of the replay.
class page_check {
public:
  page_check(hotel_id hotel, const hotel_model& model, std::uint64_t replayed, finding_sink& findings)
      : hotel_(hotel), model_(model), replayed_(replayed), findings_(findings) {}

  /// Numbers in [from, to) have no row.
  void absent(std::uint64_t from, std::uint64_t to, std::uint64_t projected) {
    const auto& steps = model_.reservations();
    for (auto n = from; n < to && n <= steps.size(); ++n) {
      if (steps[n - 1].seq <= projected) differs(n, steps[n - 1].seq, "is not projected");
    }
  }

  void present(std::uint64_t number, std::uint64_t last_seq, std::string_view body, std::uint64_t projected) {
    if (last_seq > replayed_) return;  // newer than what was replayed
    const auto& steps = model_.reservations();
    if (number > steps.size()) return differs(number, last_seq, "is not in the journal");
    const auto& step = steps[number - 1];
    if (last_seq < step.seq) {
      if (projected >= step.seq) differs(number, step.seq, fmt::format("is projected as of {}", last_seq));
      return;
    }
    if (last_seq > step.seq || fingerprint(body) != step.fingerprint)
      differs(number, last_seq, "is projected otherwise than the journal says");
  }

private:
  void differs(std::uint64_t number, std::uint64_t seq, const std::string& how) {
    const auto id = keyrack::to_text(reservation_id{hotel_, {number}});
    findings_.add(broken_rule::projection_differs, hotel_, seq, fmt::format("reservation {} {}", id, how));
  }

  hotel_id hotel_;
  const hotel_model& model_;
  std::uint64_t replayed_;
  finding_sink& findings_;
};

std::expected<void, pg_error> check_listed(pg_connection& c, hotel_id hotel, const hotel_model& model,
                                           std::uint64_t replayed, finding_sink& findings, call_deadline deadline) {
  const auto rows = c.run(select_listed, pg_params{}.int8(hotel.value), deadline);
  if (!rows) return std::unexpected(rows.error());
  const auto& last = model.last_of_hotel();
  if (rows->rows() == 0) return {};
  const auto projected = number_at(*rows, 0, 0), journal_end = number_at(*rows, 0, 4);
  if (projected > journal_end)
    findings.add(broken_rule::projection_differs, hotel, projected, fmt::format("the journal ends at {}", journal_end));
  if (projected < last.seq) return {};  // not projected so far
  const bool listed = !rows->is_null(0, 1);
  if (listed && number_at(*rows, 0, 1) > replayed) return {};
  const bool same = listed && number_at(*rows, 0, 1) == last.seq &&
                    fingerprint(rows->bytes(0, 2)) == last.fingerprint && rows->boolean(0, 3) == model.removed();
  if (!same) findings.add(broken_rule::projection_differs, hotel, last.seq, "the list of hotels says otherwise");
  return {};
}

}  // namespace

std::expected<stored_snapshot, pg_error> read_snapshot(pg_connection& c, hotel_id hotel, call_deadline deadline) {
  const auto rows = c.run(select_snapshot, pg_params{}.int8(hotel.value), deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows() == 0) return stored_snapshot{};
  return stored_snapshot{.seq = number_at(*rows, 0, 0), .payload = rows->text(0, 1)};
}

std::expected<std::vector<hotel_id>, pg_error> hotels_without_commits(pg_connection& c, hotel_id above, int limit,
                                                                      call_deadline deadline) {
  const auto rows = c.run(select_without_commits, pg_params{}.int8(above.value).int8(std::int64_t{limit}), deadline);
  if (!rows) return std::unexpected(rows.error());
  std::vector<hotel_id> hotels;
  hotels.reserve(static_cast<std::size_t>(rows->rows()));
  for (int i = 0; i < rows->rows(); ++i) hotels.push_back({number_at(*rows, i, 0)});
  return hotels;
}

std::expected<writer_fences, pg_error> read_writers(pg_connection& c, call_deadline deadline) {
  const auto rows = c.run(select_writers, {}, deadline);
  if (!rows) return std::unexpected(rows.error());
  writer_fences writers;
  for (int i = 0; i < rows->rows(); ++i)
    writers[number_at(*rows, i, 0)] = rows->is_null(i, 1) ? std::nullopt : std::optional{rows->timestamptz(i, 1)};
  return writers;
}

void writer_order::see(const journal_commit& commit, const writer_fences& writers) {
  const bool same_writer = commit.writer == last_writer_;
  if (commit.xid < last_xid_ || (commit.xid == last_xid_ && !same_writer))
    findings_.add(broken_rule::two_writers, hotel_, commit.first_seq,
                  fmt::format("transaction {} of writer {} comes after {} of writer {}", commit.xid, commit.writer,
                              last_xid_, last_writer_));
  last_xid_ = std::max(last_xid_, commit.xid);
  last_writer_ = commit.writer;
  last_at_[commit.writer] = commit.at;

  const auto after_fence = [&](const std::string& why) {
    findings_.add(broken_rule::written_after_fence, hotel_, commit.first_seq,
                  fmt::format("writer {} {}", commit.writer, why));
  };
  const auto writer = writers.find(commit.writer);
  if (writer == writers.end()) return after_fence("was never registered");
  if (!writer->second) return;
  const auto fenced_at = *writer->second;
  if (commit.at > fenced_at + fence_may_wait)
    return after_fence(
        fmt::format("wrote at {}, fenced at {}", keyrack::to_text(commit.at), keyrack::to_text(fenced_at)));
  // Whoever wrote here after the fence had waited for it to be over.
  for (const auto& [other, at] : last_at_) {
    if (other != commit.writer && at > fenced_at)
      return after_fence(fmt::format("wrote again after writer {} had taken over", other));
  }
}

std::expected<void, pg_error> check_guests(pg_connection& c, hotel_id hotel, const std::set<guest_id>& guests,
                                           finding_sink& findings, call_deadline deadline) {
  std::vector<std::int64_t> high, low;
  for (const auto& g : guests) {
    high.push_back(static_cast<std::int64_t>(g.high));
    low.push_back(static_cast<std::int64_t>(g.low));
  }
  const auto rows = c.run(missing_guests, pg_params{}.int8_array(high).int8_array(low), deadline);
  if (!rows) return std::unexpected(rows.error());
  for (int i = 0; i < rows->rows(); ++i) {
    const guest_id missing{number_at(*rows, i, 0), number_at(*rows, i, 1)};
    findings.add(broken_rule::guest_missing, hotel, 0,
                 fmt::format("guest {} has a reservation and no row", keyrack::to_text(missing)));
  }
  return {};
}

std::expected<std::uint64_t, pg_error> check_projection(pg_connection& c, hotel_id hotel, const hotel_model& model,
                                                        std::uint64_t replayed, finding_sink& findings,
                                                        std::chrono::milliseconds timeout) {
  const auto deadline = [&] { return call_deadline::in("the verification's patience", timeout); };
  if (auto done = check_listed(c, hotel, model, replayed, findings, deadline()); !done)
    return std::unexpected(done.error());
  page_check check{hotel, model, replayed, findings};
  std::uint64_t compared = 0;
  for (std::uint64_t next = 1;;) {
    const auto rows =
        c.run(select_projected, pg_params{}.int8(hotel.value).int8(next - 1).int8(std::int64_t{page_rows}), deadline());
    if (!rows) return std::unexpected(rows.error());
    if (rows->rows() == 0) return compared;  // nothing of it has been projected
    const auto projected = number_at(*rows, 0, 0);
    for (int i = 0; i < rows->rows() && !rows->is_null(i, 1); ++i, ++compared) {
      const auto number = number_at(*rows, i, 1);
      check.absent(next, number, projected);
      check.present(number, number_at(*rows, i, 2), rows->bytes(i, 3), projected);
      next = number + 1;
    }
    if (rows->rows() == page_rows) continue;
    check.absent(next, model.reservations().size() + 1, projected);
    return compared;
  }
}

}  // namespace keyrack::persistence
