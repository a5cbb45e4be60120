// What somebody who was woken at three in the morning is told first: sentences that say what is so, what follows from it, and
// what to do. Most urgent first: guests who get no answer, then who is about to be given up, then what can wait until daylight.
#include "actors/operator_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace keyrack {

namespace {

using namespace std::chrono_literals;

constexpr auto fresh_for = 1s;         // five beats
constexpr auto settled_after = 10s;    // links and beats of a node that has just started are not held against it
constexpr auto forgotten_after = 24h;  // a node that died longer ago is missed by nobody
constexpr std::size_t of_one_kind_max = 5;

std::string in_words(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7'200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3'600);
}

/// Its links say something: it has had the time to make them, and is not frozen or dead by now.
bool has_settled(const cluster_status& s, const node_status& n) {
  return s.at - n.started_at >= settled_after && n.beat_age < fresh_for;
}

void about_shards(const cluster_status& s, std::vector<std::string>& to) {
  if (s.nodes.empty()) {
    to.emplace_back(
        "No node is running: no hotel is answered. Start nodes with keyrack serve; what was booked is kept.");
  } else if (s.without_owner > 0) {
    to.push_back(fmt::format("{} of {} shards have no owner: their hotels are not answered. The coordinator gives them "
                             "away within seconds; if "
                             "this stays, look at the log of {}.",
                             s.without_owner, shards_count,
                             s.coordinator.empty() ? std::string{"every node"} : s.coordinator));
  }
}

void about_coordinator(const cluster_status& s, std::vector<std::string>& to) {
  if (s.nodes.empty() || !s.coordinator.empty()) return;
  to.emplace_back("Nobody coordinates: shards of a node that dies find no new owner. Another node takes that over "
                  "within seconds; if this "
                  "stays, the nodes do not reach the database.");
}

void about_beats(const cluster_status& s, std::chrono::milliseconds grace, std::vector<std::string>& to) {
  for (const auto& n : s.nodes) {
    if (n.beat_age < grace) continue;
    to.push_back(
        fmt::format("{} has been silent for {}: {}. The others take its {} shards over; start it again when the "
                    "cause is found.",
                    n.row.name, in_words(n.beat_age),
                    n.row.connected ? "it is frozen, or cannot reach the database" : "its process is gone", n.shards));
  }
}

void about_wishes(const cluster_status& s, std::vector<std::string>& to) {
  const bool somebody =
      std::ranges::any_of(s.nodes, [](const auto& n) { return n.row.weight > 0 && !n.row.drained && !n.row.leaving; });
  if (s.nodes.empty() || somebody) return;
  to.emplace_back(
      "Every running node is drained, stopping, or of weight 0; shards stay where they can be answered. Resume one.");
}

// Each pair once.
void about_links(const cluster_status& s, std::vector<std::string>& to) {
  std::size_t told = 0;
  const auto reaches = [](const node_status& a, const node_status& b) {
    return std::ranges::find(a.row.reaches, b.row.incarnation) != a.row.reaches.end();
  };
  for (std::size_t i = 0; i < s.nodes.size(); ++i) {
    for (std::size_t j = i + 1; j < s.nodes.size() && told < of_one_kind_max; ++j) {
      const auto& a = s.nodes[i];
      const auto& b = s.nodes[j];
      if (!has_settled(s, a) || !has_settled(s, b) || (reaches(a, b) && reaches(b, a))) continue;
      ++told;
      const auto versions =
          a.row.version == b.row.version
              ? std::string{}
              : fmt::format(" They run versions {} and {}: their logs say whether these understand each other.",
                            a.row.version, b.row.version);
      to.push_back(fmt::format("{} ({}) and {} ({}) do not reach each other: requests between them wait. Look at the "
                               "network and firewalls, and at transport.advertise.{}",
                               a.row.name, a.row.actor_address, b.row.name, b.row.actor_address, versions));
    }
  }
}

void about_absent(const cluster_status& s, std::vector<std::string>& to) {
  for (const auto& n : s.absent) {
    const bool missed = n.gone_at && !n.gone_for.empty() && s.at - *n.gone_at < forgotten_after && !n.drained;
    if (missed) {
      const std::string_view why = n.gone_for == "silent" ? "it fell silent" : "its process ended";
      to.push_back(fmt::format("{0} has been gone for {1}: {2}. The others take its shards over. Start it again, or "
                               "drain {0} if it is not to come back.",
                               n.name, in_words(s.at - *n.gone_at), why));
    } else if (n.pinned > 0) {
      to.push_back(
          fmt::format("{} shards are pinned to {}, which is not running: they live elsewhere meanwhile. Start it, or "
                      "unpin them.",
                      n.pinned, n.name));
    }
  }
}

}  // namespace

bool is_forgotten(const absent_node& node, instant now) {
  const bool wished = node.drained || node.weight != absent_node{}.weight || node.pinned > 0;
  return !wished && node.gone_at && now - *node.gone_at >= forgotten_after;
}

std::vector<std::string> concerns_of(const cluster_status& s, std::chrono::milliseconds grace) {
  std::vector<std::string> out;
  about_shards(s, out);
  about_coordinator(s, out);
  about_beats(s, grace, out);
  about_wishes(s, out);
  about_links(s, out);
  about_absent(s, out);
  return out;
}

}  // namespace keyrack
