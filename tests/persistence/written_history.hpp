// Histories of hotels as rows of commits, and the projections as they must then be. Written as any other client would:
// the journal's writer has tests of its own.
#pragma once

#include "persistence/codec.hpp"
#include "tests/persistence/codec/history.hpp"
#include "tests/support/journal_fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace keyrack::testing {

/// Appends commits to the journal of one database, over a connection of its own.
class history_writer {
public:
  explicit history_writer(const journal_database& on, std::int64_t writer = 1)
      : connection_(on.database.connect("history")), writer_(writer) {}

  /// The events of [from, to), in commits of one to `events_max` each, by the dice.
  void write(const history& h, std::size_t from, std::size_t to, int events_max = 5) {
    while (from < to) {
      const auto n = std::min<std::size_t>(
          to - from, std::uniform_int_distribution<std::size_t>{1, static_cast<std::size_t>(events_max)}(dice_));
      write(commit_of(h, from, from + n));
      from += n;
    }
  }
  void write(const history& h) { write(h, 0, h.events.size()); }

  void write(const commit& c) { write(c.hotel, c.first_seq(), c.last_seq(), persistence::encode_commit(c)); }

  void write(hotel_id hotel, std::uint64_t first, std::uint64_t last, const std::string& payload) {
    static constexpr persistence::pg_statement insert{.name = "insert", .sql = R"sql(
      INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload)
      VALUES ($1, $2, $3, 0, $4, clock_timestamp(), $5)
    )sql"};
    const auto done = connection_.run(
        insert, persistence::pg_params{}.int8(hotel.value).int8(first).int8(last).int8(writer_).bytea(payload), soon());
    if (!done) throw std::runtime_error(done.error().message);
  }

private:
  persistence::pg_connection connection_;
  std::int64_t writer_;
  std::mt19937_64 dice_{1};
};

/// `status last_seq` and body of every reservation, by hotel and number.
using projected_reservations = std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>;

inline projected_reservations expected_reservations(const std::vector<const history*>& all) {
  projected_reservations rows;
  for (const auto* h : all) {
    for (const auto& e : h->events) {
      const auto* body = std::get_if<reservation_event>(&e.body);
      if (body == nullptr) continue;
      const auto& r = body->after;
      rows[{h->hotel.id.value, r.number.value}] =
          fmt::format("{} {} ", static_cast<int>(r.status), e.seq) + persistence::encode_reservation(r);
    }
  }
  return rows;
}

inline projected_reservations found_reservations(const journal_database& in) {
  auto c = in.database.connect();
  const auto rows = c.run(
      {.name = "all", .sql = "SELECT hotel_id, number, status, last_seq, body FROM guest_reservations"}, {}, soon());
  projected_reservations found;
  for (int i = 0; i < rows->rows(); ++i)
    found[{static_cast<std::uint64_t>(rows->integer(i, 0)), static_cast<std::uint64_t>(rows->integer(i, 1))}] =
        fmt::format("{} {} ", rows->integer(i, 2), rows->integer(i, 3)) + rows->text(i, 4);
  return found;
}

}  // namespace keyrack::testing
