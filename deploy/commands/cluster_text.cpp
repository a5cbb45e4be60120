#include "deploy/commands/cluster_text.hpp"

#include "actors/domain/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace keyrack::deploy {

namespace {

using namespace std::chrono_literals;

using row = std::vector<std::string>;

/// Columns as wide as their widest cell; the last one is as long as it is. `numbers`: those that end at the same place.
std::string table(const std::vector<row>& rows, const std::string& numbers) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& r : rows) {
    for (std::size_t i = 0; i < r.size(); ++i) widths[i] = std::max(widths[i], r[i].size());
  }
  std::string out;
  for (const auto& r : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < r.size(); ++i) {
      line += numbers[i] == 'n' ? fmt::format(" {:>{}} ", r[i], widths[i]) : fmt::format(" {:<{}} ", r[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string in_words(std::chrono::milliseconds time) {
  if (time < 10s) return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1'000);
  if (time < 120s) return fmt::format("{} s", time / 1s);
  if (time < 2h) return fmt::format("{} min", time / 1min);
  return fmt::format("{} h", time / 1h);
}

/// With commas between thousands.
std::string count(std::int64_t number) {
  auto digits = fmt::to_string(number);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string plural(std::int64_t number, const std::string& one) {
  return count(number) + " " + one + (number == 1 ? "" : "s");
}

std::string whole_seconds(instant at) {
  auto text = to_text(at);
  if (const auto dot = text.find('.'); dot != std::string::npos) text = text.substr(0, dot) + "Z";
  return text;
}

std::string duration_of(const move_cost& cost) {
  if (!cost.each_p50) return "how long is not known: nothing has moved here yet";
  const auto turns = (cost.shards + cost.at_a_time - 1) / std::max(1, cost.at_a_time);
  const auto least = *cost.each_p50 * turns;
  return fmt::format("at least {}: the last moves took {} ms each, {} at a time",
                     least < 1s ? fmt::format("{} ms", least.count()) : in_words(least), cost.each_p50->count(),
                     cost.at_a_time);
}

std::string costs(const move_cost& cost) {
  const auto pause = cost.each_p50 ? fmt::format("some {} ms", cost.each_p50->count()) : std::string{"a moment"};
  return fmt::format("  cost: {} with about {}; each hotel's guests wait once, for {}; no request fails\n  time: {}\n",
                     plural(cost.shards, "shard"), plural(cost.hotels, "hotel"), pause, duration_of(cost));
}

std::string ways(const std::vector<shard_flow>& flows) {
  std::string out;
  for (const auto& f : flows) {
    out += fmt::format("  {} -> {}: {} ({})\n", f.from, f.to, plural(f.shards, "shard"), f.reason);
  }
  return out;
}

std::string state_of(const node_status& n, std::string_view coordinator) {
  std::string state = "serving";
  if (n.row.drained) state = n.shards > 0 ? "draining" : "drained";
  if (n.row.weight == 0) state = n.shards > 0 ? "emptying" : "empty";
  if (n.row.leaving) state = "stopping";
  if (n.beat_age >= 2s) state = "silent";
  return n.row.name == coordinator ? state + ", coordinates" : state;
}

std::string nodes_of(const cluster_status& s) {
  std::vector<row> rows{{"node", "state", "shards", "in", "out", "weight", "pinned", "beat", "up", "address"}};
  for (const auto& n : s.nodes) {
    rows.push_back({n.row.name, state_of(n, s.coordinator), fmt::to_string(n.shards), fmt::to_string(n.arriving),
                    fmt::to_string(n.departing), fmt::to_string(n.row.weight), fmt::to_string(n.pinned),
                    in_words(n.beat_age) + " ago",
                    in_words(std::chrono::duration_cast<std::chrono::milliseconds>(s.at - n.started_at)),
                    n.row.http_address});
  }
  std::string out = s.nodes.empty() ? std::string{} : table(rows, "ttnnnnnttt");
  for (const auto& n : s.absent) {
    const auto ended =
        n.gone_at ? fmt::format("{} {} ago", n.gone_for.empty() ? "stopped" : "fenced (" + n.gone_for + ")",
                                in_words(std::chrono::duration_cast<std::chrono::milliseconds>(s.at - *n.gone_at)))
                  : std::string{"never seen"};
    out += fmt::format("  {}  not running: {}{}{}\n", n.name, ended, n.drained ? "; drained" : "",
                       n.pinned > 0 ? fmt::format("; {} pinned to it", plural(n.pinned, "shard")) : "");
  }
  return out;
}

row move_cells(const move_row& m) {
  const auto took =
      m.begun_at && m.ended_at
          ? fmt::format("{} ms",
                        std::chrono::duration_cast<std::chrono::milliseconds>(*m.ended_at - *m.begun_at).count())
          : std::string{"-"};
  return {fmt::to_string(m.id),
          fmt::to_string(m.shard),
          m.from.empty() ? "?" : m.from,
          m.to,
          m.reason,
          m.detail.empty() ? m.outcome : fmt::format("{}: {}", m.outcome, m.detail),
          took,
          whole_seconds(m.asked_at)};
}

}  // namespace

std::string text_of(const cluster_status& s) {
  std::string out;
  if (s.concerns.empty()) {
    out = fmt::format("all is well: {}, {}, each with an owner\n",
                      plural(static_cast<std::int64_t>(s.nodes.size()), "node"), plural(shards_count, "shard"));
  } else {
    out = "NOT WELL: " + s.concerns.front() + "\n";
    for (std::size_t i = 1; i < s.concerns.size(); ++i) out += "    also: " + s.concerns[i] + "\n";
  }
  out += nodes_of(s);
  out +=
      fmt::format("coordinator: {} (term {}); routes version {}{}\n", s.coordinator.empty() ? "nobody" : s.coordinator,
                  s.term, count(s.routes_version), s.rebalance_running ? "; a rebalance is running" : "");
  return out + movement_of(s);
}

std::string text_of(const hotel_place& p) {
  const auto where = p.owner.empty() ? std::string{"with no owner for the moment: keyrack cluster status says more"}
                                     : fmt::format("on {} ({})", p.owner, p.owner_http_address);
  return fmt::format("{} is in shard {}, {}; sequence {}; {}{}\n", to_text(p.hotel), p.shard, where, p.sequence,
                     p.moving_to.empty() ? "not moving" : "moving to " + p.moving_to,
                     p.pinned_to.empty() ? "; not pinned" : "; pinned to " + p.pinned_to);
}

std::string text_of(const move_page& page) {
  if (page.rows.empty()) return "nothing has moved yet\n";
  std::vector<row> rows{{"id", "shard", "from", "to", "why", "outcome", "took", "asked for"}};
  for (const auto& m : page.rows) rows.push_back(move_cells(m));
  return table(rows, "nnttttnt") + (page.more ? "and older ones: --limit shows more\n" : "");
}

std::string text_of(const node_change& c, const std::string& done) {
  auto out = fmt::format("{}; it has {} now\n", done, plural(c.shards, "shard"));
  if (!c.there) out += fmt::format("  {} is not running: this holds when it is back\n", c.node);
  if (c.follows.empty()) return out + "  nothing has to move\n";
  out += ways(c.follows) + costs(c.cost);
  return out + "  how far it is: keyrack cluster status --wait\n";
}

std::string text_of(const pin_change& p) {
  const auto owner = p.owner.empty() ? std::string{"nobody's for the moment"} : "on " + p.owner;
  if (p.pinned_to.empty())
    return fmt::format("shard {} is not pinned; it is {} and stays until balance asks otherwise\n", p.shard, owner);
  if (p.pinned_to == p.owner) return fmt::format("shard {} is pinned to {}; it is there\n", p.shard, p.pinned_to);
  return fmt::format("shard {} is pinned to {}; it is {} and {}\n", p.shard, p.pinned_to, owner,
                     p.moves ? "moves there now" : "moves there when that node is back");
}

std::string text_of(const move_row& m) {
  return fmt::format("move {}: shard {} to {}, {}\n  how it ends: keyrack cluster moves\n", m.id, m.shard, m.to,
                     m.outcome == "moving" ? "under way" : "asked for; the coordinator begins it at once if it can");
}

std::string text_of(const rebalance_answer& r, bool dry_run) {
  if (r.moves.empty()) return "places are even already: nothing has to move\n";
  std::map<std::tuple<std::string, std::string, std::string>, int> flows;
  for (const auto& m : r.moves) ++flows[{m.from, m.to, m.reason}];
  std::vector<shard_flow> all;
  all.reserve(flows.size());
  for (const auto& [way, shards] : flows) all.push_back({std::get<0>(way), std::get<1>(way), std::get<2>(way), shards});
  std::vector<row> rows{{"node", "weight", "shards now", "then"}};
  for (const auto& n : r.nodes) {
    rows.push_back({n.node, fmt::to_string(n.weight), fmt::to_string(n.before), fmt::to_string(n.after)});
  }
  return (dry_run ? "dry run: nothing was moved; without --dry-run this is done:\n" : "a rebalance was asked for\n") +
         ways(all) + table(rows, "tnnn") + costs(r.cost) +
         (dry_run ? "" : "  how far it is: keyrack cluster status --wait\n");
}

std::string progress_of(const cluster_status& s, const std::string& node) {
  int shards = 0;
  int departing = 0;
  for (const auto& n : s.nodes) {
    if (n.row.name != node) continue;
    shards += n.shards;
    departing += n.departing;
  }
  if (shards == 0) return fmt::format("{} has no shards any more\n", node);
  return fmt::format("{} has {} left, {} on their way\n", node, plural(shards, "shard"), departing);
}

std::string movement_of(const cluster_status& s) {
  if (is_at_rest(s)) return "moves: none under way, none to come\n";
  std::map<std::tuple<std::string, std::string, std::string>, std::pair<int, int>> all;
  for (const auto& f : s.moves) all[{f.from, f.to, f.reason}].first += f.shards;
  for (const auto& f : s.planned) all[{f.from, f.to, f.reason}].second += f.shards;
  const int to_come = s.left.shards - s.moving;
  std::string out = fmt::format("moves: {} under way, {} to come; {}\n", s.moving, to_come, duration_of(s.left));
  if (s.moves_asked > 0) out += fmt::format("  {} asked for by operators, not begun\n", plural(s.moves_asked, "move"));
  for (const auto& [way, shards] : all) {
    out += fmt::format("  {} -> {}: {} under way, {} to come ({})\n", std::get<0>(way), std::get<1>(way), shards.first,
                       shards.second, std::get<2>(way));
  }
  return out;
}

bool is_at_rest(const cluster_status& s) {
  return s.moving == 0 && s.planned.empty() && s.moves_asked == 0 && !s.rebalance_running;
}

}  // namespace keyrack::deploy
