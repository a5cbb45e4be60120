#include "cluster/plan.hpp"

#include "actors/domain/assert.hpp"
#include "cluster/placement.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace keyrack::cluster {

namespace {

std::vector<fencing> plan_fences(const cluster_rows& view, const plan_hints& hints) {
  std::vector<fencing> fences;
  for (const auto& n : view.nodes) {
    if (n.incarnation == hints.me) continue;
    if (hints.silent.contains(n.incarnation)) {
      fences.push_back({n.incarnation, "silent"});
    } else if (hints.refused.contains(n.incarnation) && !n.connected) {
      fences.push_back({n.incarnation, "gone"});
    }
  }
  return fences;
}

// The nodes that may own shards, as candidates for placement, and where every shard is among them.
class stage {
public:
  stage(const cluster_rows& view, const std::set<incarnation_id>& doomed, const std::set<incarnation_id>& cut_off)
      : view_(view), doomed_(doomed) {
    choose([&](const node_row& n) { return wanted(n) && !n.leaving && !cut_off.contains(n.incarnation); });
    // Better where nobody wants a shard than nowhere: guests come before wishes.
    if (nodes_.empty()) choose([&](const node_row& n) { return wanted(n) && !n.leaving; });
    if (nodes_.empty()) choose([](const node_row& n) { return !n.leaving; });
    if (nodes_.empty()) choose([](const node_row&) { return true; });
  }

  bool empty() const { return nodes_.empty(); }
  /// There, and about to stay.
  bool lives(incarnation_id who) const { return view_.find(who) != nullptr && !doomed_.contains(who); }
  incarnation_id incarnation(place p) const { return incarnations_[static_cast<std::size_t>(p)]; }
  place place_of(incarnation_id who) const {
    const auto found = std::ranges::find(incarnations_, who);
    return found == incarnations_.end() ? nowhere : static_cast<place>(found - incarnations_.begin());
  }
  place place_of(const std::string& name) const {
    const auto found = std::ranges::find(nodes_, name, &candidate::name);
    return found == nodes_.end() ? nowhere : static_cast<place>(found - nodes_.begin());
  }

  /// Where every shard should be. One that moves counts as arrived: its move is not planned twice. One whose target is gone
  /// will be called off: it counts where it is, or its owner would be filled with others meanwhile.
  std::vector<place> places(tolerance allowed) const {
    std::vector<place> now(shards_count, nowhere);
    std::vector<place> pinned(shards_count, nowhere);
    for (std::size_t s = 0; s < now.size(); ++s) {
      const auto& row = view_.shards[s];
      now[s] = place_of(lives(row.target) ? row.target : row.owner);
    }
    for (const auto& [shard, node] : view_.pins) pinned[static_cast<std::size_t>(shard)] = place_of(node);
    return placed(nodes_, now, pinned, allowed);
  }

private:
  static bool wanted(const node_row& n) { return n.weight > 0 && !n.drained; }

  // Of two lives of one name the later is the node; the earlier keeps what it has until it is fenced.
  template <typename Fits>
  void choose(Fits fits) {
    std::map<std::string, const node_row*> by_name;
    for (const auto& n : view_.nodes) {
      if (!doomed_.contains(n.incarnation) && fits(n)) by_name[n.name] = &n;
    }
    for (const auto& [name, n] : by_name) {
      nodes_.push_back({.name = name, .weight = std::max(1, n->weight)});
      incarnations_.push_back(n->incarnation);
    }
  }

  const cluster_rows& view_;
  const std::set<incarnation_id>& doomed_;
  std::vector<candidate> nodes_;
  std::vector<incarnation_id> incarnations_;
};

std::vector<gift> plan_gifts(const cluster_rows& view, const stage& nodes, const std::vector<place>& places) {
  std::vector<gift> gifts;
  for (std::size_t s = 0; s < view.shards.size(); ++s) {
    const auto& row = view.shards[s];
    if (row.owner != 0 && view.find(row.owner) != nullptr) continue;
    gifts.push_back({.shard = static_cast<shard_id>(s),
                     .version = row.version,
                     .to = nodes.incarnation(places[s]),
                     .after_fence = row.owner != 0 || row.after_fence});  // who left may not have waited to the end
  }
  return gifts;
}

std::vector<called_off> plan_call_offs(const cluster_rows& view, const plan_hints& hints) {
  std::vector<called_off> off;
  for (std::size_t s = 0; s < view.shards.size(); ++s) {
    const auto& row = view.shards[s];
    if (row.target == 0 || view.find(row.owner) == nullptr) continue;  // of the dead: given, which clears the target
    const auto shard = static_cast<shard_id>(s);
    if (view.find(row.target) == nullptr) {
      off.push_back({shard, row.version, "target gone"});
    } else if (hints.late.contains(shard)) {
      off.push_back({shard, row.version, too_late});
    }
  }
  return off;
}

std::string_view reason_of(const cluster_rows& view, const plan_hints& hints, shard_id shard, bool asked) {
  const auto* owner = view.find(view.shards[static_cast<std::size_t>(shard)].owner);
  if (owner->leaving) return "leaving";
  if (view.pins.contains(shard)) return "pinned";
  if (owner->drained) return "drained";
  if (hints.cut_off.contains(owner->incarnation)) return "cut off";
  return asked ? "rebalance" : "balance";
}

// Shards whose place is another than where they are and go, in the order of shards.
std::vector<beginning_move> plan_moves(const cluster_rows& view, const plan_hints& hints, const stage& nodes,
                                       const std::vector<place>& places) {
  std::vector<beginning_move> moves;
  for (std::size_t s = 0; s < view.shards.size(); ++s) {
    const auto& row = view.shards[s];
    if (!nodes.lives(row.owner) || row.target != 0) continue;
    const auto to = nodes.incarnation(places[s]);
    if (to == row.owner) continue;
    const auto shard = static_cast<shard_id>(s);
    moves.push_back({.shard = shard,
                     .version = row.version,
                     .from = row.owner,
                     .to = to,
                     .reason = reason_of(view, hints, shard, view.rebalance_asked)});
  }
  return moves;
}

// Why a wish will not come true as things are; empty: it may, now or when what is in its way is over.
std::string_view hopeless(const cluster_rows& view, const move_wish& wish) {
  const node_row* to = nullptr;
  for (const auto& n : view.nodes) {
    if (n.name == wish.node) to = &n;  // the later of two lives
  }
  if (to == nullptr) return "the node is not running";
  if (to->leaving) return "the node is stopping";
  if (to->drained) return "the node is drained";
  if (to->weight == 0) return "the node has weight 0";
  const auto pin = view.pins.find(wish.shard);
  if (pin != view.pins.end() && pin->second != wish.node) return "the shard is pinned to another node";
  const auto& row = view.shards[static_cast<std::size_t>(wish.shard)];
  return row.owner == to->incarnation && row.target == 0 ? "the shard is there already" : "";
}

std::vector<refused_wish> plan_refusals(const cluster_rows& view) {
  std::vector<refused_wish> refused;
  for (const auto& wish : view.wishes) {
    if (const auto why = hopeless(view, wish); !why.empty()) refused.push_back({.id = wish.id, .reason = why});
  }
  return refused;
}

std::vector<beginning_move> plan_wishes(const cluster_rows& view, const stage& nodes) {
  std::vector<beginning_move> moves;
  std::set<shard_id> taken;
  for (const auto& wish : view.wishes) {
    const auto& row = view.shards[static_cast<std::size_t>(wish.shard)];
    const auto to = nodes.place_of(wish.node);
    if (!nodes.lives(row.owner) || row.target != 0 || to == nowhere || !hopeless(view, wish).empty()) continue;
    if (nodes.incarnation(to) == row.owner || !taken.insert(wish.shard).second) continue;
    moves.push_back({.shard = wish.shard,
                     .version = row.version,
                     .from = row.owner,
                     .to = nodes.incarnation(to),
                     .reason = "operator",
                     .wish = wish.id});
  }
  return moves;
}

int moves_under_way(const cluster_rows& view) {
  return static_cast<int>(std::ranges::count_if(view.shards, [](const shard_row& row) { return row.target != 0; }));
}

}  // namespace

plan_actions plan(const cluster_rows& view, const plan_hints& hints, const plan_limits& limits) {
  KEYRACK_ASSERT(view.shards.size() == shards_count);
  plan_actions actions;
  actions.fence = plan_fences(view, hints);
  std::set<incarnation_id> doomed;
  for (const auto& f : actions.fence) doomed.insert(f.who);
  const stage nodes{view, doomed, hints.cut_off};
  if (nodes.empty()) return actions;
  const auto places = nodes.places(view.rebalance_asked ? exactly : tolerance{});
  actions.give = plan_gifts(view, nodes, places);
  actions.call_off = plan_call_offs(view, hints);
  actions.refuse = plan_refusals(view);

  auto wished = plan_wishes(view, nodes);
  auto moves = plan_moves(view, hints, nodes, places);
  std::erase_if(
      moves, [&](const auto& m) { return std::ranges::find(wished, m.shard, &beginning_move::shard) != wished.end(); });
  actions.rebalanced = view.rebalance_asked && moves.empty();
  std::erase_if(moves, [&](const auto& m) { return hints.resting.contains(m.shard); });
  wished.insert(wished.end(), moves.begin(), moves.end());
  int under_way = moves_under_way(view);
  for (const auto& m : wished) {
    const bool in_a_hurry = hints.cut_off.contains(m.from);
    if (under_way >= (in_a_hurry ? std::max(limits.moves_max, limits.moves_max_cut_off) : limits.moves_max)) continue;
    actions.move.push_back(m);
    ++under_way;
  }
  return actions;
}

std::vector<beginning_move> plan_rebalance(const cluster_rows& view) {
  const std::set<incarnation_id> nobody;
  const stage nodes{view, nobody, nobody};
  if (nodes.empty()) return {};
  auto asked = view;
  asked.rebalance_asked = true;
  return plan_moves(asked, {}, nodes, nodes.places(exactly));
}

std::set<incarnation_id> outside_largest_group(const cluster_rows& view) {
  const auto reaches = [](const node_row& a, const node_row& b) {
    return a.incarnation == b.incarnation || std::ranges::find(a.reaches, b.incarnation) != a.reaches.end();
  };
  // Grown from each node in turn, best connected first: a group of nodes that all reach each other. The largest such group
  // is hard to find in general; with links that fail along a cut, as they do, this finds it.
  std::vector<const node_row*> by_links;
  for (const auto& n : view.nodes) by_links.push_back(&n);
  const auto links = [&](const node_row* n) {
    return std::ranges::count_if(view.nodes,
                                 [&](const node_row& other) { return reaches(*n, other) && reaches(other, *n); });
  };
  std::ranges::stable_sort(by_links, [&](const node_row* a, const node_row* b) { return links(a) > links(b); });
  std::set<incarnation_id> best;
  for (const auto* seed : by_links) {
    std::vector<const node_row*> group{seed};
    for (const auto* n : by_links) {
      const bool fits =
          n != seed && std::ranges::all_of(group, [&](const auto* m) { return reaches(*n, *m) && reaches(*m, *n); });
      if (fits) group.push_back(n);
    }
    std::set<incarnation_id> members;
    for (const auto* n : group) members.insert(n->incarnation);
    const bool with_coordinator = members.contains(view.coordinator.holder) && !best.contains(view.coordinator.holder);
    if (members.size() > best.size() || (members.size() == best.size() && with_coordinator)) best = std::move(members);
  }
  std::set<incarnation_id> outside;
  for (const auto& n : view.nodes) {
    if (!best.contains(n.incarnation)) outside.insert(n.incarnation);
  }
  return outside;
}

}  // namespace keyrack::cluster
