// Reads in pieces, so that a hotel with a long tail never stands in memory twice.
#include "persistence/recovery.hpp"

#include "actors/domain/hotel/evolve.hpp"
#include "actors/ports.hpp"
#include "config/log.hpp"
#include "persistence/codec.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace keyrack::persistence {

namespace {

constexpr int commits_per_piece = 500;

constexpr pg_statement sql_snapshot{
    .name = "read_snapshot",
    .sql = "SELECT seq, payload FROM snapshots WHERE hotel_id = $1",
};
constexpr pg_statement sql_commits_after{.name = "read_commits", .sql = R"sql(
  SELECT first_seq, last_seq, payload FROM commits
   WHERE hotel_id = $1 AND first_seq > $2 ORDER BY first_seq LIMIT $3
)sql"};
// The commit that covers a sequence number is the last one that begins at or before it.
constexpr pg_statement sql_commit_covering{.name = "read_commit_covering", .sql = R"sql(
  SELECT first_seq, last_seq, payload FROM commits
   WHERE hotel_id = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT 1
)sql"};

std::int64_t signed_bits(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::unexpected<read_failure> failed(const pg_error& e) {
  return std::unexpected(read_failure{.connection = e.kind != pg_failure::refused, .why = e.message});
}
std::unexpected<read_failure> broken(hotel_id hotel, std::string why) {
  return std::unexpected(read_failure{.connection = false, .why = "hotel " + to_text(hotel) + ": " + std::move(why)});
}

/// Folds one commit, if it is the next.
std::expected<void, read_failure> fold(hotel_state& state, std::uint64_t first, std::uint64_t last,
                                       std::string_view payload) {
  if (first != state.seq + 1) {
    return broken(state.id, fmt::format("the journal has a gap or an overlap: event {} is followed by a commit that "
                                        "begins with {}",
                                        state.seq, first));
  }
  auto events = decode_commit(payload, first, last);
  if (!events) return broken(state.id, fmt::format("the commit at {} cannot be read: {}", first, events.error()));
  for (const auto& e : *events) {
    if (e.at < state.last_at) return broken(state.id, fmt::format("event {} is older than the one before it", e.seq));
    evolve(state, e);
  }
  return {};
}

/// The state that the snapshot holds, if there is one that can be trusted; else the empty state.
std::expected<hotel_state, read_failure> begin_with_snapshot(pg_connection& c, hotel_id hotel, call_deadline deadline) {
  hotel_state nothing;
  nothing.id = hotel;
  const auto rows = c.run(sql_snapshot, pg_params{}.int8(hotel.value), deadline);
  if (!rows) return failed(rows.error());
  if (rows->rows() == 0) return nothing;
  const auto seq = rows->integer(0, 0);
  auto state = decode_snapshot(hotel, rows->bytes(0, 1));
  const auto covering = c.run(sql_commit_covering, pg_params{}.int8(hotel.value).int8(seq), deadline);
  if (!covering) return failed(covering.error());
  std::string why;
  if (!state) {
    why = state.error();
  } else if (signed_bits(state->seq) != seq) {
    why = "it holds another sequence number than its row";
  } else if (covering->rows() == 0 || covering->integer(0, 1) != seq) {
    why = "no commit of the journal ends where it ends";
  } else {
    return std::move(*state);
  }
  log_error("snapshot passed over", {{"hotel", to_text(hotel)}, {"sequence", seq}, {"detail", why}});
  return nothing;
}

}  // namespace

std::expected<recovered_hotel, read_failure> recover_hotel(pg_connection& connection, hotel_id hotel,
                                                           call_deadline deadline) {
  auto state = begin_with_snapshot(connection, hotel, deadline);
  if (!state) return std::unexpected(state.error());
  const auto snapshot_seq = state->seq;
  if (auto done = catch_up(connection, *state, deadline); !done) return std::unexpected(done.error());
  return std::expected<recovered_hotel, read_failure>(std::in_place, std::move(*state), snapshot_seq);
}

std::expected<void, read_failure> catch_up(pg_connection& connection, hotel_state& state, call_deadline deadline) {
  for (;;) {
    const auto rows = connection.run(
        sql_commits_after, pg_params{}.int8(state.id.value).int8(state.seq).int4(commits_per_piece), deadline);
    if (!rows) return failed(rows.error());
    for (int row = 0; row < rows->rows(); ++row) {
      const auto first = static_cast<std::uint64_t>(rows->integer(row, 0));
      const auto last = static_cast<std::uint64_t>(rows->integer(row, 1));
      if (auto done = fold(state, first, last, rows->bytes(row, 2)); !done) return done;
    }
    if (rows->rows() < commits_per_piece) return {};
    if (steady_now() >= deadline.at) {
      return std::unexpected(
          read_failure{.connection = true, .why = fmt::format("not loaded within {}", deadline.name)});
    }
  }
}

std::expected<event, read_failure> find_event(pg_connection& connection, hotel_id hotel, std::uint64_t seq,
                                              call_deadline deadline) {
  const auto rows = connection.run(sql_commit_covering, pg_params{}.int8(hotel.value).int8(signed_bits(seq)), deadline);
  if (!rows) return failed(rows.error());
  if (rows->rows() == 0 || rows->integer(0, 1) < signed_bits(seq)) {
    return broken(hotel, fmt::format("the journal does not hold event {}", seq));
  }
  const auto first = static_cast<std::uint64_t>(rows->integer(0, 0));
  auto events = decode_commit(rows->bytes(0, 2), first, static_cast<std::uint64_t>(rows->integer(0, 1)));
  if (!events) return broken(hotel, fmt::format("the commit at {} cannot be read: {}", first, events.error()));
  return std::move((*events)[seq - first]);
}

}  // namespace keyrack::persistence
