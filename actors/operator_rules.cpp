#include "actors/operator_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace keyrack {

namespace {

failure refused(errc code, std::string detail) {
  return {.code = code, .outcome = outcome::not_applied, .detail = std::move(detail)};
}

struct wish {
  int weight = 100;
  bool drained = false;
};

/// Of a node that is there or was; nothing: nobody knows it.
std::optional<wish> wish_of(const operators_view& seen, const std::string& name) {
  if (const auto* n = node_named(seen.rows, name)) return wish{n->weight, n->drained};
  const auto gone = std::ranges::find(seen.absent, name, &absent_node::name);
  return gone == seen.absent.end() ? std::nullopt : std::optional{wish{gone->weight, gone->drained}};
}

bool may_have_shards(const node_row& n) { return n.weight > 0 && !n.drained && !n.leaving; }

std::optional<failure> refuse_unknown(const operators_view& seen, const std::string& node) {
  if (wish_of(seen, node)) return std::nullopt;
  std::set<std::string> names;
  for (const auto& n : seen.rows.nodes) names.insert(n.name);
  for (const auto& n : seen.absent) names.insert(n.name + " (not running)");
  if (names.empty()) return refused(errc::node_unknown, "There is no node yet: start one with keyrack serve.");
  return refused(errc::node_unknown, fmt::format("No node is called \"{}\", nor has one been. There are: {}.", node,
                                                 fmt::join(names, ", ")));
}

std::optional<failure> refuse_shard(shard_id shard) {
  if (shard >= 0 && shard < shards_count) return std::nullopt;
  return refused(errc::shard_unknown,
                 fmt::format("There is no shard {}: they are numbered from 0 to {}.", shard, shards_count - 1));
}

/// Who is there counts; where nobody is, who was.
std::optional<failure> refuse_last(const operators_view& seen, const std::string& node) {
  const bool others_there =
      std::ranges::any_of(seen.rows.nodes, [&](const auto& n) { return n.name != node && may_have_shards(n); });
  if (others_there) return std::nullopt;
  const bool nobody_there = seen.rows.nodes.empty();
  const bool others_known =
      std::ranges::any_of(seen.absent, [&](const auto& n) { return n.name != node && n.weight > 0 && !n.drained; });
  if (nobody_there && others_known) return std::nullopt;
  return refused(
      errc::last_node,
      fmt::format("No other running node may have shards, and {}'s have to be somewhere: start or resume another, "
                  "or give it a weight above 0, first.",
                  node));
}

std::optional<failure> refuse_unfit(const operators_view& seen, const std::string& node) {
  const auto wished = wish_of(seen, node).value_or(wish{});
  if (wished.drained) {
    return refused(errc::node_unfit, fmt::format("{0} is drained and takes no shards: resume {0} first.", node));
  }
  if (wished.weight > 0) return std::nullopt;
  return refused(errc::node_unfit,
                 fmt::format("{0} has weight 0 and takes no shards: give {0} a weight above 0 first.", node));
}

std::optional<failure> refuse_target(const operators_view& seen, const std::string& node) {
  const auto* n = node_named(seen.rows, node);
  if (n == nullptr) return refused(errc::node_unfit, fmt::format("{0} is not running: start {0} first.", node));
  if (n->leaving) return refused(errc::node_unfit, fmt::format("{0} is stopping: wait until it is back.", node));
  return refuse_unfit(seen, node);
}

std::optional<failure> refuse_open(const operators_view& seen, shard_id shard, const std::string& node) {
  const auto* open = open_move_of(seen, shard);
  if (open == nullptr || open->to == node) return std::nullopt;
  return refused(errc::move_open,
                 fmt::format("A move of shard {} to {} is {}: wait until it has ended, then ask again.", shard,
                             open->to, open->outcome == "moving" ? "under way" : "asked for already"));
}

}  // namespace

const node_row* node_named(const cluster_rows& rows, const std::string& name) {
  const node_row* found = nullptr;
  for (const auto& n : rows.nodes) {
    if (n.name == name) found = &n;  // in the order of incarnations
  }
  return found;
}

std::string name_of(const cluster_rows& rows, incarnation_id who) {
  const auto* n = rows.find(who);
  return n == nullptr ? std::string{} : n->name;
}

int shards_of(const cluster_rows& rows, incarnation_id who) {
  return static_cast<int>(std::ranges::count(rows.shards, who, &shard_row::owner));
}

const move_row* open_move_of(const operators_view& seen, shard_id shard) {
  const move_row* found = nullptr;
  for (const auto& m : seen.open) {
    if (m.shard == shard && (found == nullptr || m.outcome == "moving")) found = &m;
  }
  return found;
}

std::optional<failure> refuse_drain(const operators_view& seen, const std::string& node) {
  if (auto no = refuse_unknown(seen, node)) return no;
  return wish_of(seen, node).value_or(wish{}).drained ? std::nullopt : refuse_last(seen, node);
}

std::optional<failure> refuse_resume(const operators_view& seen, const std::string& node) {
  return refuse_unknown(seen, node);
}

std::optional<failure> refuse_weight(const operators_view& seen, const std::string& node, int weight) {
  if (auto no = refuse_unknown(seen, node)) return no;
  return weight > 0 ? std::nullopt : refuse_last(seen, node);
}

std::optional<failure> refuse_pin(const operators_view& seen, shard_id shard, const std::string& node) {
  if (auto no = refuse_unknown(seen, node)) return no;
  if (auto no = refuse_shard(shard)) return no;
  return refuse_unfit(seen, node);
}

std::optional<failure> refuse_unpin(shard_id shard) { return refuse_shard(shard); }

std::optional<failure> refuse_move(const operators_view& seen, shard_id shard, const std::string& node) {
  if (auto no = refuse_unknown(seen, node)) return no;
  if (auto no = refuse_shard(shard)) return no;
  if (auto no = refuse_target(seen, node)) return no;
  const auto& row = seen.rows.shards[static_cast<std::size_t>(shard)];
  if (row.owner != 0 && row.target == 0 && name_of(seen.rows, row.owner) == node) {
    return refused(errc::already_there, fmt::format("Shard {} is on {} already: nothing moves.", shard, node));
  }
  if (const auto pin = seen.rows.pins.find(shard); pin != seen.rows.pins.end() && pin->second != node) {
    return refused(errc::shard_pinned,
                   fmt::format("Shard {0} is pinned to {1}: unpin it first, or pin it to {2}, which moves it there.",
                               shard, pin->second, node));
  }
  return refuse_open(seen, shard, node);
}

std::optional<failure> refuse_rebalance(const operators_view& seen) {
  if (!seen.rows.rebalance_asked) return std::nullopt;
  return refused(errc::rebalance_running,
                 "One was asked for and is not done yet: the cluster's status shows how far it is.");
}

cluster_status status_of(const operators_view& seen) {
  const auto& rows = seen.rows;
  cluster_status s;
  std::map<incarnation_id, std::size_t> places;
  for (const auto& n : rows.nodes) {
    const bool here = node_named(rows, n.name) == &n;  // a pin is for the later of two lives
    const auto pinned = std::ranges::count_if(rows.pins, [&](const auto& p) { return here && p.second == n.name; });
    s.nodes.push_back({.row = n, .pinned = static_cast<int>(pinned)});
  }
  std::ranges::sort(s.nodes, [](const node_status& a, const node_status& b) {
    return std::tie(a.row.name, a.row.incarnation) < std::tie(b.row.name, b.row.incarnation);
  });
  for (std::size_t i = 0; i < s.nodes.size(); ++i) places[s.nodes[i].row.incarnation] = i;
  for (const auto& shard : rows.shards) {
    const auto owner = places.find(shard.owner);
    const auto target = places.find(shard.target);
    if (owner != places.end()) ++s.nodes[owner->second].shards;
    if (owner == places.end()) ++s.without_owner;
    if (shard.target == 0) continue;
    ++s.moving;
    if (owner != places.end()) ++s.nodes[owner->second].departing;
    if (target != places.end()) ++s.nodes[target->second].arriving;
  }
  s.absent = seen.absent;
  s.coordinator = name_of(rows, rows.coordinator.holder);
  s.coordinator_incarnation = rows.coordinator.holder;
  s.term = rows.coordinator.term;
  s.routes_version = rows.routes_version();
  s.rebalance_running = rows.rebalance_asked;
  std::map<std::tuple<std::string, std::string, std::string>, int> ways;
  for (const auto& m : seen.open) {
    if (m.outcome == "moving") ++ways[{m.from, m.to, m.reason}];
    if (m.outcome == "asked") ++s.moves_asked;
  }
  for (const auto& [way, shards] : ways)
    s.moves.push_back({std::get<0>(way), std::get<1>(way), std::get<2>(way), shards});
  return s;
}

std::vector<shard_flow> flows_of(const cluster_rows& rows, const std::vector<beginning_move>& moves) {
  std::map<std::tuple<std::string, std::string, std::string>, int> ways;
  for (const auto& m : moves) ++ways[{name_of(rows, m.from), name_of(rows, m.to), std::string{m.reason}}];
  std::vector<shard_flow> out;
  out.reserve(ways.size());
  for (const auto& [way, shards] : ways) out.push_back({std::get<0>(way), std::get<1>(way), std::get<2>(way), shards});
  return out;
}

std::vector<node_balance> balance_of(const cluster_rows& rows, const std::vector<beginning_move>& moves) {
  std::map<std::string, node_balance> all;
  for (const auto& n : rows.nodes) {
    auto& one = all[n.name];
    one.node = n.name;
    one.weight = n.weight;
    one.before += shards_of(rows, n.incarnation);
  }
  for (auto& [name, one] : all) one.after = one.before;
  const auto shift = [&](incarnation_id who, int by) {
    const auto found = all.find(name_of(rows, who));
    if (found != all.end()) found->second.after += by;
  };
  // What is under way counts as arrived, as it does for who plans.
  for (const auto& s : rows.shards) {
    if (s.target == 0) continue;
    shift(s.owner, -1);
    shift(s.target, +1);
  }
  for (const auto& m : moves) {
    shift(m.from, -1);
    shift(m.to, +1);
  }
  std::vector<node_balance> out;
  out.reserve(all.size());
  for (auto& [name, one] : all) out.push_back(std::move(one));
  return out;
}

}  // namespace keyrack
