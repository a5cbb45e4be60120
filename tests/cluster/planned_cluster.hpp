// A cluster as rows, and what the database does with a plan's actions: for tests of `plan`.
#pragma once

#include "cluster/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace keyrack::cluster {

inline const plan_limits no_limits{.moves_max = shards_count};
inline const plan_hints nothing_seen{.me = 1};

inline cluster_rows cluster_of(int nodes) {
  cluster_rows view;
  for (int n = 1; n <= nodes; ++n) {
    node_row row{.incarnation = n, .name = "node-" + std::to_string(n), .connected = true};
    for (int other = 1; other <= nodes; ++other) {
      if (other != n) row.reaches.push_back(other);
    }
    view.nodes.push_back(row);
  }
  view.coordinator = {.holder = 1, .term = 1, .beat = 1};
  return view;
}
inline node_row& node(cluster_rows& view, incarnation_id who) {
  return *std::ranges::find(view.nodes, who, &node_row::incarnation);
}
inline shard_row& shard(cluster_rows& view, int id) { return view.shards[static_cast<std::size_t>(id)]; }
inline void remove(cluster_rows& view, incarnation_id who) {
  std::erase_if(view.nodes, [&](const node_row& n) { return n.incarnation == who; });
  for (auto& n : view.nodes) std::erase(n.reaches, who);
}
inline int owned(const cluster_rows& view, incarnation_id who) {
  return static_cast<int>(std::ranges::count(view.shards, who, &shard_row::owner));
}

/// What the database does with actions; only what is forbidden to the coordinator is checked here.
inline void carry_out(cluster_rows& view, const plan_actions& actions, const plan_hints& hints) {
  for (const auto& f : actions.fence) {
    EXPECT_NE(f.who, hints.me) << "a node fences itself";
    remove(view, f.who);
  }
  for (const auto& g : actions.give) {
    auto& row = shard(view, g.shard);
    EXPECT_EQ(view.find(row.owner), nullptr) << "shard " << g.shard << " is given away from who is there";
    EXPECT_NE(view.find(g.to), nullptr);
    EXPECT_EQ(g.version, row.version);
    EXPECT_TRUE(g.after_fence || row.owner == 0);
    row = {.owner = g.to, .version = row.version + 1, .after_fence = g.after_fence};
  }
  for (const auto& c : actions.call_off) {
    auto& row = shard(view, c.shard);
    EXPECT_NE(row.target, 0);
    EXPECT_EQ(c.version, row.version);
    row.target = 0;
    ++row.version;
  }
  for (const auto& m : actions.move) {
    auto& row = shard(view, m.shard);
    EXPECT_EQ(row.target, 0) << "shard " << m.shard << " moves already";
    EXPECT_EQ(row.owner, m.from);
    EXPECT_EQ(m.version, row.version);
    EXPECT_NE(m.to, m.from);
    EXPECT_NE(view.find(m.to), nullptr);
    row.target = m.to;
    ++row.version;
    std::erase_if(view.wishes, [&](const move_wish& w) { return w.id == m.wish; });
  }
  for (const auto& r : actions.refuse) std::erase_if(view.wishes, [&](const move_wish& w) { return w.id == r.id; });
  if (actions.rebalanced) view.rebalance_asked = false;
}
inline void hand_over(cluster_rows& view, int id) {
  auto& row = shard(view, id);
  if (row.target == 0 || view.find(row.owner) == nullptr || view.find(row.target) == nullptr) return;
  row = {.owner = row.target, .version = row.version + 1};
}
inline void hand_over_all(cluster_rows& view) {
  for (int s = 0; s < shards_count; ++s) hand_over(view, s);
}
/// Until nothing is left to do. How many rounds that took; more than `rounds_max` fail.
inline int settle(cluster_rows& view, const plan_hints& hints = nothing_seen, const plan_limits& limits = no_limits,
                  int rounds_max = 100) {
  for (int round = 0; round < rounds_max; ++round) {
    const auto actions = plan(view, hints, limits);
    if (actions.empty()) return round;
    carry_out(view, actions, hints);
    hand_over_all(view);
  }
  ADD_FAILURE() << "no end after " << rounds_max << " rounds";
  return rounds_max;
}
inline cluster_rows settled_cluster_of(int nodes) {
  auto view = cluster_of(nodes);
  settle(view);
  return view;
}

}  // namespace keyrack::cluster
