#include "persistence/cluster_reader.hpp"

#include "actors/domain/assert.hpp"

#include <charconv>

namespace keyrack::persistence {

namespace {

constexpr pg_statement sql_nodes{.name = "read_nodes", .sql = R"sql(
  SELECT n.incarnation, n.node, n.actor_address, n.http_address, n.version, n.beat, array_to_string(n.reaches, ','),
         coalesce(w.weight, 100), coalesce(w.drained, false), n.leaving, a.application_name IS NOT NULL
    FROM nodes n LEFT JOIN wishes w USING (node)
         LEFT JOIN (SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()) a
                ON a.application_name = 'keyrack/' || n.incarnation || '/heartbeat'
   ORDER BY n.incarnation
)sql"};

// The sum of the versions grows with every change of a shard: while it stands still the shards are as they were read last.
constexpr pg_statement sql_coordinator{.name = "read_coordinator", .sql = R"sql(
  SELECT coalesce(holder, 0), term, beat, rebalance_asked, (SELECT sum(version)::bigint FROM shards) FROM coordinator
)sql"};
constexpr pg_statement sql_shards{.name = "read_shards", .sql = R"sql(
  SELECT coalesce(owner, 0), coalesce(target, 0), version, after_fence FROM shards ORDER BY shard
)sql"};
constexpr pg_statement sql_pins{.name = "read_pins", .sql = "SELECT shard, node FROM pins"};
constexpr pg_statement sql_wishes{.name = "read_move_wishes",
                                  .sql = "SELECT id, shard, to_node FROM moves WHERE outcome = 'asked' ORDER BY id"};

std::vector<incarnation_id> read_incarnations(std::string_view text) {
  std::vector<incarnation_id> all;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    incarnation_id one = 0;
    at = std::from_chars(at, end, one).ptr + 1;  // a comma, or the end
    all.push_back(one);
  }
  return all;
}

node_row node_of(const pg_rows& rows, int row) {
  return {.incarnation = rows.integer(row, 0),
          .name = rows.text(row, 1),
          .actor_address = rows.text(row, 2),
          .http_address = rows.text(row, 3),
          .version = rows.text(row, 4),
          .beat = rows.integer(row, 5),
          .reaches = read_incarnations(rows.bytes(row, 6)),
          .weight = static_cast<int>(rows.integer(row, 7)),
          .drained = rows.boolean(row, 8),
          .leaving = rows.boolean(row, 9),
          .connected = rows.boolean(row, 10)};
}

}  // namespace

std::expected<cluster_rows, pg_error> cluster_reader::read(pg_connection& connection, call_deadline deadline) {
  cluster_rows view;
  const auto nodes = connection.run(sql_nodes, {}, deadline);
  if (!nodes) return std::unexpected(nodes.error());
  for (int row = 0; row < nodes->rows(); ++row) view.nodes.push_back(node_of(*nodes, row));

  const auto one = connection.run(sql_coordinator, {}, deadline);
  if (!one) return std::unexpected(one.error());
  view.coordinator = {.holder = one->integer(0, 0), .term = one->integer(0, 1), .beat = one->integer(0, 2)};
  view.rebalance_asked = one->boolean(0, 3);
  if (one->integer(0, 4) != shards_version_) {
    const auto rows = connection.run(sql_shards, {}, deadline);
    if (!rows) return std::unexpected(rows.error());
    KEYRACK_ASSERT(rows->rows() == shards_count);
    for (int s = 0; s < shards_count; ++s) {
      shards_[static_cast<std::size_t>(s)] = {.owner = rows->integer(s, 0),
                                              .target = rows->integer(s, 1),
                                              .version = rows->integer(s, 2),
                                              .after_fence = rows->boolean(s, 3)};
    }
  }
  view.shards = shards_;
  shards_version_ = view.routes_version();

  const auto pins = connection.run(sql_pins, {}, deadline);
  if (!pins) return std::unexpected(pins.error());
  for (int row = 0; row < pins->rows(); ++row) {
    view.pins.emplace(static_cast<shard_id>(pins->integer(row, 0)), pins->text(row, 1));
  }
  const auto wishes = connection.run(sql_wishes, {}, deadline);
  if (!wishes) return std::unexpected(wishes.error());
  for (int row = 0; row < wishes->rows(); ++row) {
    view.wishes.push_back({.id = wishes->integer(row, 0),
                           .shard = static_cast<shard_id>(wishes->integer(row, 1)),
                           .node = wishes->text(row, 2)});
  }
  return std::expected<cluster_rows, pg_error>(std::in_place, std::move(view));
}

}  // namespace keyrack::persistence
