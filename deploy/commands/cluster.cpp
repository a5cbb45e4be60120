// `keyrack cluster …`: what operators see and steer. Talks to the database and not to nodes, so that it works with all of them
// dead. What may be done is decided in actors/operator_rules, how it is said in cluster_text.
#include "deploy/commands/cluster_text.hpp"
#include "deploy/commands/commands.hpp"
#include "deploy/commands/planner.hpp"
#include "gateway/render_cluster.hpp"
#include "persistence/operations_questions.hpp"
#include "persistence/schema.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

namespace keyrack::deploy {

namespace {

using namespace std::chrono_literals;
using persistence::call_deadline;
using persistence::looked_up;
using persistence::pg_connection;

constexpr auto look_every = 500ms;
constexpr auto stuck_after = 60s;  // a drain of which nothing moves for so long needs a person

/// The connection of one command; an error has been told.
std::optional<pg_connection> connect(const settings& settings) {
  const auto schema = persistence::check_schema(settings.database);
  if (!schema) {
    complain_about_database(schema.error());
    return std::nullopt;
  }
  if (!schema->pending.empty()) {
    complain("the database's schema is older than this program: run `keyrack migrate`, or start a node");
    return std::nullopt;
  }
  auto made = pg_connection::connect(settings.database, persistence::application_name(0, "cluster"),
                                     call_deadline::in("database.connect_timeout", settings.database.connect_timeout));
  if (made) return std::move(*made);
  complain_about_database(made.error().message);
  return std::nullopt;
}

call_deadline patience(const settings& settings) {
  return call_deadline::in("three times database.statement_timeout", 3 * settings.database.statement_timeout);
}

/// The answer, or nothing when it was refused or failed, which has been told.
template <typename T>
std::optional<T> told(looked_up<T> found) {
  if (!found) {
    complain_about_database(found.error().message);
    return std::nullopt;
  }
  if (const auto* no = std::get_if<failure>(&*found)) {
    complain(no->detail);
    return std::nullopt;
  }
  return std::get<T>(std::move(*found));
}

template <typename Write>
void print_json(Write write) {
  std::string out;
  gateway::json_writer json{out};
  write(json);
  fmt::print("{}\n", out);
}

/// Asks over a connection of its own and shows the answer: as JSON, or as text.
template <typename Ask, typename Write, typename Say>
int run(const settings& settings, bool json, Ask ask, Write write, Say say) {
  auto connection = connect(settings);
  if (!connection) return exit_failed;
  const auto answer = told(ask(*connection, patience(settings)));
  if (!answer) return exit_failed;
  if (json) {
    print_json([&](gateway::json_writer& to) { write(to, *answer); });
  } else {
    fmt::print("{}", say(*answer));
  }
  return exit_ok;
}

/// Looks again and again until it is over, and shows how far it is whenever that changes; the last status, or nothing when
/// nothing has changed for long, which has been told.
template <typename Progress, typename Over>
std::optional<cluster_status> follow(const settings& settings, bool silent, Progress progress, Over over) {
  auto connection = connect(settings);
  const auto planner = coordinators_planner();
  std::string last;
  auto changed_at = std::chrono::steady_clock::now();
  while (connection) {
    auto status = told(persistence::read_status(*connection, planner, settings.heartbeat.grace, patience(settings)));
    if (!status) return std::nullopt;
    if (auto now = progress(*status); now != last) {
      if (!silent) fmt::print("{}", now);
      std::fflush(stdout);
      last = std::move(now);
      changed_at = std::chrono::steady_clock::now();
    }
    if (over(*status)) return status;
    if (std::chrono::steady_clock::now() - changed_at > stuck_after) {
      complain(fmt::format("nothing has moved for {} s{}{}", stuck_after / 1s, status->concerns.empty() ? "" : ": ",
                           status->concerns.empty() ? "" : status->concerns.front()));
      return std::nullopt;
    }
    std::this_thread::sleep_for(look_every);
  }
  return std::nullopt;
}

bool await_empty(const settings& settings, const std::string& node, bool silent) {
  return follow(
             settings, silent, [&](const cluster_status& s) { return progress_of(s, node); },
             [&](const cluster_status& s) {
               return std::ranges::none_of(
                   s.nodes, [&](const node_status& n) { return n.row.name == node && n.shards + n.arriving > 0; });
             })
      .has_value();
}

bool await_rest(const settings& settings, bool silent) {
  const auto progress = [](const cluster_status& s) { return is_at_rest(s) ? std::string{} : movement_of(s); };
  return follow(settings, silent, progress, is_at_rest).has_value();
}

}  // namespace

int cluster_status_of(const settings& settings, const cluster_options& options) {
  if (options.wait && !await_rest(settings, options.json)) return exit_failed;
  const auto planner = coordinators_planner();
  bool well = true;
  const int status = run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) {
        return persistence::read_status(c, planner, settings.heartbeat.grace, d);
      },
      [&](auto& to, const cluster_status& s) {
        well = s.concerns.empty();
        gateway::write_cluster(to, s);
      },
      [&](const cluster_status& s) {
        well = s.concerns.empty();
        return text_of(s);
      });
  return status == exit_ok && !well ? exit_failed : status;
}

int cluster_where(const settings& settings, const cluster_options& options) {
  const auto hotel = parse_hotel_id(options.hotel);
  if (!hotel) {
    complain(
        fmt::format("'{}' is not a hotel's id: those have 12 letters and digits, as in 7k2m9qx4vd1h", options.hotel));
    return exit_usage;
  }
  return run(
      settings, options.json, [&](pg_connection& c, call_deadline d) { return persistence::find_hotel(c, *hotel, d); },
      gateway::write_hotel_place, [](const hotel_place& p) { return text_of(p); });
}

int cluster_moves(const settings& settings, const cluster_options& options) {
  return run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) { return persistence::list_moves(c, std::nullopt, options.limit, d); },
      [](auto& to, const move_page& page) {
        to.begin_array();
        for (const auto& m : page.rows) gateway::write_move(to, m);
        to.end_array();
      },
      [](const move_page& page) { return text_of(page); });
}

int cluster_set_drained(const settings& settings, const cluster_options& options, bool drained) {
  const auto planner = coordinators_planner();
  const int status = run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) { return persistence::set_drained(c, planner, options.node, drained, d); },
      gateway::write_node_change,
      [&](const node_change& c) {
        return text_of(c, c.node + (drained ? " is drained: it goes on answering, and gets no shards until resumed"
                                            : " takes shards"));
      });
  if (status != exit_ok || !drained || !options.wait) return status;
  std::fflush(stdout);
  return await_empty(settings, options.node, options.json) ? exit_ok : exit_failed;
}

int cluster_weight(const settings& settings, const cluster_options& options) {
  const auto planner = coordinators_planner();
  return run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) {
        return persistence::set_weight(c, planner, options.node, options.weight, d);
      },
      gateway::write_node_change,
      [](const node_change& c) { return text_of(c, fmt::format("{} has weight {}", c.node, c.weight)); });
}

int cluster_pin(const settings& settings, const cluster_options& options) {
  const auto shard = static_cast<shard_id>(options.shard);
  return run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) { return persistence::pin_shard(c, shard, options.node, d); },
      gateway::write_pin_change, [](const pin_change& p) { return text_of(p); });
}

int cluster_unpin(const settings& settings, const cluster_options& options) {
  const auto shard = static_cast<shard_id>(options.shard);
  return run(
      settings, options.json, [&](pg_connection& c, call_deadline d) { return persistence::unpin_shard(c, shard, d); },
      gateway::write_pin_change, [](const pin_change& p) { return text_of(p); });
}

int cluster_move(const settings& settings, const cluster_options& options) {
  const auto shard = static_cast<shard_id>(options.shard);
  return run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) { return persistence::move_shard(c, shard, options.node, d); },
      gateway::write_move, [](const move_row& m) { return text_of(m); });
}

int cluster_rebalance(const settings& settings, const cluster_options& options) {
  const auto planner = coordinators_planner();
  return run(
      settings, options.json,
      [&](pg_connection& c, call_deadline d) { return persistence::rebalance(c, planner, options.dry_run, d); },
      gateway::write_rebalance, [&](const rebalance_answer& r) { return text_of(r, options.dry_run); });
}

}  // namespace keyrack::deploy
