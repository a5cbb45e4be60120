#include "actors/domain/shard.hpp"
#include "persistence/operations_questions.hpp"

#include <fmt/format.h>

namespace keyrack::persistence {

namespace {

constexpr pg_statement sql_place{.name = "find_place", .sql = R"sql(
  SELECT coalesce((SELECT c.last_seq FROM commits c WHERE c.hotel_id = $1 ORDER BY c.first_seq DESC LIMIT 1), 0),
         coalesce(o.node, ''), coalesce(o.incarnation, 0), coalesce(o.http_address, ''), coalesce(t.node, ''),
         coalesce(p.node, '')
    FROM shards s LEFT JOIN nodes o ON o.incarnation = s.owner LEFT JOIN nodes t ON t.incarnation = s.target
         LEFT JOIN pins p USING (shard)
   WHERE s.shard = $2
)sql"};

constexpr pg_statement sql_list_moves{
    .name = "list_moves", .sql = "SELECT " KEYRACK_MOVE_COLUMNS " FROM moves WHERE id < $1 ORDER BY id DESC LIMIT $2"};

}  // namespace

looked_up<cluster_status> read_status(pg_connection& c, const move_planner& planner, std::chrono::milliseconds grace,
                                      call_deadline deadline) {
  for (bool again = false;; again = true) {
    const auto seen = read_operators_view(c, deadline);
    if (!seen) return std::unexpected(seen.error());
    auto status = status_of(*seen);
    // Tables are read one after the other: a node that comes between two of them seems to be missing. It does not twice.
    if (status.without_owner > 0 && !again) continue;
    const auto pace = read_move_pace(c, deadline);
    if (!pace) return std::unexpected(pace.error());
    if (auto beats = read_beats(c, status, deadline); !beats) return std::unexpected(beats.error());
    status.at = pace->now;
    std::erase_if(status.absent, [&](const absent_node& n) { return is_forgotten(n, status.at); });
    const auto planned = planner.upkeep(seen->rows);
    status.planned = flows_of(seen->rows, planned);
    status.left = cost_of(status.moving + static_cast<int>(planned.size()), *pace, planner);
    status.concerns = concerns_of(status, grace);
    return looked_up<cluster_status>(std::in_place, std::move(status));
  }
}

looked_up<hotel_place> find_hotel(pg_connection& c, hotel_id hotel, call_deadline deadline) {
  const auto shard = shard_of(hotel);
  const auto rows = c.run(sql_place, pg_params{}.int8(hotel.value).int2(shard), deadline);
  if (!rows) return std::unexpected(rows.error());
  const auto sequence = static_cast<std::uint64_t>(rows->integer(0, 0));
  if (sequence == 0) {
    return failure{.code = errc::hotel_unknown,
                   .outcome = outcome::not_applied,
                   .detail =
                       fmt::format("The journal has no hotel {}; it would be in shard {}.", to_text(hotel), shard)};
  }
  return hotel_place{.hotel = hotel,
                     .shard = shard,
                     .owner = rows->text(0, 1),
                     .owner_incarnation = rows->integer(0, 2),
                     .owner_http_address = rows->text(0, 3),
                     .moving_to = rows->text(0, 4),
                     .pinned_to = rows->text(0, 5),
                     .sequence = sequence};
}

looked_up<move_page> list_moves(pg_connection& c, std::optional<std::int64_t> before, int limit,
                                call_deadline deadline) {
  const auto from = before.value_or(std::numeric_limits<std::int64_t>::max());
  const auto rows = c.run(sql_list_moves, pg_params{}.int8(from).int4(limit + 1), deadline);
  if (!rows) return std::unexpected(rows.error());
  move_page page{.rows = {}, .more = rows->rows() > limit};
  for (int row = 0; row < std::min(limit, rows->rows()); ++row) page.rows.push_back(move_of(*rows, row));
  return looked_up<move_page>(std::in_place, std::move(page));
}

}  // namespace keyrack::persistence
