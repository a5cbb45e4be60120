// The cluster as operators see it, in memory, under the real rules: node-1 and node-2 with half of the shards each, node-3
// gone. Answers at once.
#pragma once

#include "actors/domain/shard.hpp"
#include "actors/operator_rules.hpp"

#include <optional>
#include <string>
#include <utility>

namespace keyrack::testing {

class fake_operations final : public operations {
public:
  fake_operations() {
    const instant began{std::chrono::seconds{1'800'000'000}};
    for (const std::int64_t who : {1, 2}) {
      seen.rows.nodes.push_back({.incarnation = 40 + who,
                                 .name = "node-" + std::to_string(who),
                                 .actor_address = "127.0.0.1:900" + std::to_string(who),
                                 .http_address = "http://127.0.0.1:808" + std::to_string(who),
                                 .version = "0.1.0",
                                 .beat = 7,
                                 .reaches = {43 - who},
                                 .connected = true});
    }
    for (int s = 0; s < shards_count; ++s) {
      seen.rows.shards[static_cast<std::size_t>(s)] = {.owner = s < shards_count / 2 ? 41 : 42, .version = 1};
    }
    seen.rows.coordinator = {.holder = 41, .term = 3, .beat = 9};
    seen.absent.push_back({.name = "node-3", .gone_at = began, .gone_for = "silent"});
    now = began + std::chrono::minutes{5};
  }

  operators_view seen;
  instant now{};
  std::optional<failure> failing;
  int asked = 0;

  void status(steady_instant, then<cluster_status> tell) override {
    auto s = status_of(seen);
    s.at = now;
    for (auto& n : s.nodes) n.started_at = now - std::chrono::hours{1};
    s.concerns = concerns_of(s, std::chrono::seconds{2});
    give(std::nullopt, std::move(s), tell);
  }
  void where(hotel_id hotel, steady_instant, then<hotel_place> tell) override {
    const auto shard = shard_of(hotel);
    const auto owner = seen.rows.shards[static_cast<std::size_t>(shard)].owner;
    std::optional<failure> no;
    if (hotel.value == 1) no = failure{.code = errc::hotel_unknown};
    give(no,
         hotel_place{.hotel = hotel,
                     .shard = shard,
                     .owner = name_of(seen.rows, owner),
                     .owner_incarnation = owner,
                     .owner_http_address = "http://127.0.0.1:8081",
                     .sequence = 17},
         tell);
  }
  void list_moves(std::optional<std::int64_t> before, int limit, steady_instant, then<move_page> tell) override {
    move_page page;
    for (auto m = seen.open.rbegin(); m != seen.open.rend(); ++m) {
      if (before && m->id >= *before) continue;
      page.more = static_cast<int>(page.rows.size()) == limit;
      if (page.more) break;
      page.rows.push_back(*m);
    }
    give(std::nullopt, std::move(page), tell);
  }
  void set_drained(std::string node, bool drained, steady_instant, then<node_change> tell) override {
    const auto no = drained ? refuse_drain(seen, node) : refuse_resume(seen, node);
    if (!no) wish(node, [&](auto& n) { n.drained = drained; });
    give(no, changed(node), tell);
  }
  void set_weight(std::string node, int weight, steady_instant, then<node_change> tell) override {
    const auto no = refuse_weight(seen, node, weight);
    if (!no) wish(node, [&](auto& n) { n.weight = weight; });
    give(no, changed(node), tell);
  }
  void pin(shard_id shard, std::string node, steady_instant, then<pin_change> tell) override {
    const auto no = refuse_pin(seen, shard, node);
    if (!no) seen.rows.pins[shard] = node;
    give(no, pinned(shard, node), tell);
  }
  void unpin(shard_id shard, steady_instant, then<pin_change> tell) override {
    seen.rows.pins.erase(shard);
    give(std::nullopt, pinned(shard, {}), tell);
  }
  void move(shard_id shard, std::string node, steady_instant, then<move_row> tell) override {
    const auto no = refuse_move(seen, shard, node);
    if (!no && open_move_of(seen, shard) == nullptr) {
      seen.open.push_back({.id = static_cast<std::int64_t>(seen.open.size()) + 1,
                           .shard = shard,
                           .to = node,
                           .reason = "operator",
                           .outcome = "asked",
                           .asked_at = now});
    }
    give(no, no ? move_row{} : *open_move_of(seen, shard), tell);
  }
  void rebalance(bool dry_run, steady_instant, then<rebalance_answer> tell) override {
    const auto no = dry_run ? std::nullopt : refuse_rebalance(seen);
    if (!no && !dry_run) seen.rows.rebalance_asked = true;
    rebalance_answer answer{.asked = !dry_run, .moves = {{9, "node-1", "node-2", "rebalance"}}};
    answer.nodes = balance_of(seen.rows, {{.shard = 9, .from = 41, .to = 42}});
    answer.cost = {.shards = 1, .hotels = 3, .at_a_time = 32, .each_p50 = std::chrono::milliseconds{12}};
    give(no, std::move(answer), tell);
  }

private:
  template <typename T>
  void give(const std::optional<failure>& no, T what, const then<T>& tell) {
    ++asked;
    if (failing) return tell(*failing);
    if (no) return tell(*no);
    tell(std::move(what));
  }
  template <typename Change>
  void wish(const std::string& node, Change change) {
    for (auto& n : seen.rows.nodes) {
      if (n.name == node) change(n);
    }
    for (auto& n : seen.absent) {
      if (n.name == node) change(n);
    }
  }
  node_change changed(const std::string& node) const {
    const auto* n = node_named(seen.rows, node);
    if (n == nullptr) return {.node = node};
    return {.node = node,
            .weight = n->weight,
            .drained = n->drained,
            .there = true,
            .shards = shards_of(seen.rows, n->incarnation),
            .follows = {{"node-1", "node-2", "drained", 512}},
            .cost = {.shards = 512, .hotels = 1'500, .at_a_time = 32}};
  }
  pin_change pinned(shard_id shard, const std::string& node) const {
    const auto owner = name_of(seen.rows, seen.rows.shards[static_cast<std::size_t>(shard)].owner);
    return {.shard = shard, .pinned_to = node, .owner = owner, .moves = !node.empty() && node != owner};
  }
};

}  // namespace keyrack::testing
