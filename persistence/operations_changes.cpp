#include "persistence/operations_questions.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::persistence {

namespace {

constexpr std::int64_t operators_lock = 0x6b65'7972'6163'6b6f;  // "keyracko"

constexpr pg_statement sql_lock{.name = "operators_lock", .sql = "SELECT pg_advisory_lock($1)"};
constexpr pg_statement sql_unlock{.name = "operators_unlock", .sql = "SELECT pg_advisory_unlock($1)"};

constexpr pg_statement sql_set_drained{.name = "set_drained", .sql = R"sql(
  INSERT INTO wishes (node, drained) VALUES ($1, $2) ON CONFLICT (node) DO UPDATE SET drained = excluded.drained
)sql"};
constexpr pg_statement sql_set_weight{.name = "set_weight", .sql = R"sql(
  INSERT INTO wishes (node, weight) VALUES ($1, $2) ON CONFLICT (node) DO UPDATE SET weight = excluded.weight
)sql"};
constexpr pg_statement sql_pin{.name = "pin_shard", .sql = R"sql(
  INSERT INTO pins (shard, node) VALUES ($1, $2) ON CONFLICT (shard) DO UPDATE SET node = excluded.node
)sql"};
constexpr pg_statement sql_unpin{.name = "unpin_shard", .sql = "DELETE FROM pins WHERE shard = $1"};

// None when the coordinator has begun one since the rows were read.
constexpr pg_statement sql_ask_move{.name = "ask_move",
                                    .sql = "INSERT INTO moves (shard, to_node, reason) "
                                           "SELECT $1, $2, 'operator' "
                                           " WHERE NOT EXISTS (SELECT FROM moves m "
                                           "                    WHERE m.shard = $1 AND m.ended_at IS NULL) "
                                           "RETURNING " KEYRACK_MOVE_COLUMNS};
constexpr pg_statement sql_ask_rebalance{
    .name = "ask_rebalance", .sql = "UPDATE coordinator SET rebalance_asked = true WHERE NOT rebalance_asked"};

/// Before anything was written: a connection that turns out to be dead is no reason for doubt.
pg_error nothing_written(pg_error e) {
  if (e.kind == pg_failure::in_doubt) e.kind = pg_failure::not_sent;
  return e;
}

/// The one change at a time, with the seen that it is judged by.
class turn {
public:
  explicit turn(pg_connection& c) : connection_(c) {}
  ~turn() {
    // Where this fails the connection is closed, and the lock with it.
    if (locked_ && connection_.usable()) {
      std::ignore = connection_.run(sql_unlock, pg_params{}.int8(operators_lock),
                                    call_deadline::in("the time to give a lock back", std::chrono::seconds{5}));
    }
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  std::expected<operators_view, pg_error> begin(call_deadline deadline) {
    const auto taken = connection_.run(sql_lock, pg_params{}.int8(operators_lock), deadline);
    if (!taken) return std::unexpected(nothing_written(taken.error()));
    locked_ = true;
    auto seen = read_operators_view(connection_, deadline);
    if (!seen) return std::unexpected(nothing_written(seen.error()));
    return seen;
  }

private:
  pg_connection& connection_;
  bool locked_ = false;
};

/// What is wished of it, as the rows say; of one that is not there, too.
node_change wish_of(const operators_view& seen, const std::string& node) {
  node_change change{.node = node};
  if (const auto* n = node_named(seen.rows, node)) {
    change.weight = n->weight;
    change.drained = n->drained;
    change.there = true;
    change.shards = shards_of(seen.rows, n->incarnation);
  } else if (const auto gone = std::ranges::find(seen.absent, node, &absent_node::name); gone != seen.absent.end()) {
    change.weight = gone->weight;
    change.drained = gone->drained;
  }
  return change;
}

/// The answer to a wish that was written: what the coordinator will do about it.
looked_up<node_change> follow(pg_connection& c, const move_planner& planner, operators_view& seen, node_change change,
                              call_deadline deadline) {
  for (auto& n : seen.rows.nodes) {
    if (n.name != change.node) continue;
    n.weight = change.weight;
    n.drained = change.drained;
  }
  const auto planned = planner.upkeep(seen.rows);
  const auto pace = read_move_pace(c, deadline);
  if (!pace) return std::unexpected(pace.error());
  change.follows = flows_of(seen.rows, planned);
  change.cost = cost_of(static_cast<int>(planned.size()), *pace, planner);
  return looked_up<node_change>(std::in_place, std::move(change));
}

pin_change pin_of(const operators_view& seen, shard_id shard, const std::string& pinned_to) {
  const auto owner = name_of(seen.rows, seen.rows.shards[static_cast<std::size_t>(shard)].owner);
  const bool moves = !pinned_to.empty() && pinned_to != owner && node_named(seen.rows, pinned_to) != nullptr;
  return {.shard = shard, .pinned_to = pinned_to, .owner = owner, .moves = moves};
}

}  // namespace

looked_up<node_change> set_drained(pg_connection& c, const move_planner& planner, const std::string& node, bool drained,
                                   call_deadline deadline) {
  turn mine{c};
  auto seen = mine.begin(deadline);
  if (!seen) return std::unexpected(seen.error());
  if (auto no = drained ? refuse_drain(*seen, node) : refuse_resume(*seen, node)) return *no;
  const auto written = c.run(sql_set_drained, pg_params{}.text(node).boolean(drained), deadline);
  if (!written) return std::unexpected(written.error());
  auto change = wish_of(*seen, node);
  change.drained = drained;
  return follow(c, planner, *seen, std::move(change), deadline);
}

looked_up<node_change> set_weight(pg_connection& c, const move_planner& planner, const std::string& node, int weight,
                                  call_deadline deadline) {
  turn mine{c};
  auto seen = mine.begin(deadline);
  if (!seen) return std::unexpected(seen.error());
  if (auto no = refuse_weight(*seen, node, weight)) return *no;
  const auto written = c.run(sql_set_weight, pg_params{}.text(node).int4(weight), deadline);
  if (!written) return std::unexpected(written.error());
  auto change = wish_of(*seen, node);
  change.weight = weight;
  return follow(c, planner, *seen, std::move(change), deadline);
}

looked_up<pin_change> pin_shard(pg_connection& c, shard_id shard, const std::string& node, call_deadline deadline) {
  turn mine{c};
  const auto seen = mine.begin(deadline);
  if (!seen) return std::unexpected(seen.error());
  if (auto no = refuse_pin(*seen, shard, node)) return *no;
  const auto written = c.run(sql_pin, pg_params{}.int2(shard).text(node), deadline);
  if (!written) return std::unexpected(written.error());
  return pin_of(*seen, shard, node);
}

looked_up<pin_change> unpin_shard(pg_connection& c, shard_id shard, call_deadline deadline) {
  if (auto no = refuse_unpin(shard)) return *no;
  turn mine{c};
  const auto seen = mine.begin(deadline);
  if (!seen) return std::unexpected(seen.error());
  const auto written = c.run(sql_unpin, pg_params{}.int2(shard), deadline);
  if (!written) return std::unexpected(written.error());
  return pin_of(*seen, shard, {});
}

looked_up<move_row> move_shard(pg_connection& c, shard_id shard, const std::string& node, call_deadline deadline) {
  turn mine{c};
  const auto seen = mine.begin(deadline);
  if (!seen) return std::unexpected(seen.error());
  if (auto no = refuse_move(*seen, shard, node)) return *no;
  if (const auto* open = open_move_of(*seen, shard)) return *open;
  const auto asked = c.run(sql_ask_move, pg_params{}.int2(shard).text(node), deadline);
  if (!asked) return std::unexpected(asked.error());
  if (asked->rows() == 1) return move_of(*asked, 0);
  return failure{.code = errc::move_open,
                 .outcome = outcome::not_applied,
                 .detail = "A move of this shard has begun just now: ask again when it has ended."};
}

looked_up<rebalance_answer> rebalance(pg_connection& c, const move_planner& planner, bool dry_run,
                                      call_deadline deadline) {
  turn mine{c};
  const auto seen = mine.begin(deadline);
  if (!seen) return std::unexpected(seen.error());
  if (auto no = dry_run ? std::nullopt : refuse_rebalance(*seen)) return *no;
  const auto moves = planner.rebalance(seen->rows);
  const auto pace = read_move_pace(c, deadline);
  if (!pace) return std::unexpected(nothing_written(pace.error()));
  rebalance_answer answer;
  for (const auto& m : moves) {
    answer.moves.push_back({m.shard, name_of(seen->rows, m.from), name_of(seen->rows, m.to), std::string{m.reason}});
  }
  answer.nodes = balance_of(seen->rows, moves);
  answer.cost = cost_of(static_cast<int>(moves.size()), *pace, planner);
  if (!dry_run && !moves.empty()) {
    const auto asked = c.run(sql_ask_rebalance, {}, deadline);
    if (!asked) return std::unexpected(asked.error());
    answer.asked = true;
  }
  return looked_up<rebalance_answer>(std::in_place, std::move(answer));
}

}  // namespace keyrack::persistence
