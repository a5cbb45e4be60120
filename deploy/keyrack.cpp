// main: reads the command line and the settings, and calls one command. Owns the words of --help; refuses to know what
// the commands do.
#include "actors/domain/shard.hpp"
#include "actors/operations.hpp"
#include "deploy/commands/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <exception>
#include <functional>
#include <string>

namespace {

using namespace keyrack;
using loaded = std::expected<loaded_settings, std::vector<settings_fault>>;

/// What was typed. Filled by CLI11, read when a command runs.
struct typed {
  std::string config_file;
  std::vector<std::string> assignments;
  bool json = false;
  deploy::migrate_options migrate;
  deploy::config_show_options config_show;
  deploy::journal_show_options journal_show;
  deploy::journal_verify_options journal_verify;
  deploy::cluster_options cluster;
  bool all_hotels = false;
};

using action = std::function<int()>;

loaded load(const typed& from) {
  settings_sources sources{.file = {}, .environment = process_environment(), .assignments = from.assignments};
  const char* named = std::getenv("KEYRACK_CONFIG");
  if (!from.config_file.empty()) {
    sources.file = from.config_file;
  } else if (named != nullptr && *named != '\0') {
    sources.file = named;
  }
  return load_settings(sources);
}

/// Runs `command` with the settings, or says why they cannot be used.
template <typename Command>
int with_settings(const typed& from, Command command) {
  const auto settings = load(from);
  if (settings) return command(*settings);
  deploy::complain(settings.error());
  return deploy::exit_usage;
}

void add_settings_options(CLI::App& command, typed& into) {
  command.add_option("--config", into.config_file, "Settings file (TOML); else the one that KEYRACK_CONFIG names")
      ->type_name("FILE");
  command.add_option("--set", into.assignments, "One setting; may be repeated, and wins over file and environment")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
}

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& does, const std::string& example) {
  auto* command = parent.add_subcommand(name, does);
  command->footer("Example:\n  " + example);
  return *command;
}

void add_serve(CLI::App& app, typed& into, action& chosen) {
  auto& serve = add_command(app, "serve", "Run a node until SIGINT or SIGTERM, then drain it",
                            "keyrack serve --config keyrack.toml --set gateway.port=8081");
  add_settings_options(serve, into);
  serve.callback([&] {
    chosen = [&] { return with_settings(into, [](const auto& given) { return deploy::serve(given.values); }); };
  });
}

void add_migrate(CLI::App& app, typed& into, action& chosen) {
  auto& migrate = add_command(app, "migrate", "Create or update the database's schema",
                              "keyrack migrate --check   # exit status 1 if anything is pending");
  add_settings_options(migrate, into);
  migrate.add_flag("--check", into.migrate.check, "Change nothing; say what is pending");
  migrate.add_flag("--json", into.migrate.json, "Answer in JSON");
  migrate.callback([&] {
    chosen = [&] {
      return with_settings(into, [&](const auto& given) { return deploy::migrate(given.values, into.migrate); });
    };
  });
}

void add_journal(CLI::App& app, typed& into, action& chosen) {
  auto& journal =
      add_command(app, "journal", "Read the journal, or check the promises on it", "keyrack journal verify --all");
  journal.require_subcommand(1);
  auto& show = add_command(journal, "show", "Print a hotel's events, one line each",
                           "keyrack journal show 7k2m9qx4vd1h --from 100");
  add_settings_options(show, into);
  show.add_option("HOTEL", into.journal_show.hotel, "The hotel's id")->required();
  show.add_option("--from", into.journal_show.from, "First sequence number")->check(CLI::PositiveNumber);
  show.add_flag("--json", into.journal_show.json, "One JSON object per line");
  show.callback([&] {
    chosen = [&] {
      return with_settings(into,
                           [&](const auto& given) { return deploy::journal_show(given.values, into.journal_show); });
    };
  });
  auto& verify = add_command(
      journal, "verify", "Replay the journal with a model of its own and compare; exit status 1 if a promise is broken",
      "keyrack journal verify --all --json");
  add_settings_options(verify, into);
  auto* which = verify.add_option_group("which")->require_option(1);
  which->add_option("HOTEL", into.journal_verify.hotel, "One hotel's id");
  which->add_flag("--all", into.all_hotels, "Every hotel");
  verify.add_flag("--json", into.journal_verify.json, "Answer in JSON");
  verify.callback([&] {
    chosen = [&] {
      return with_settings(
          into, [&](const auto& given) { return deploy::journal_verify(given.values, into.journal_verify); });
    };
  });
}

/// One command of `keyrack cluster`, with what all of them take.
CLI::App& add_cluster_command(CLI::App& cluster, typed& into, action& chosen, const std::string& name,
                              const std::string& does, const std::string& example,
                              int (*run)(const settings&, const deploy::cluster_options&)) {
  auto& command = add_command(cluster, name, does, "keyrack cluster " + example);
  add_settings_options(command, into);
  command.add_flag("--json", into.cluster.json, "Answer in JSON");
  command.callback([&into, &chosen, run] {
    chosen = [&into, run] {
      return with_settings(into, [&](const auto& given) { return run(given.values, into.cluster); });
    };
  });
  return command;
}

void add_cluster(CLI::App& app, typed& into, action& chosen) {
  auto& cluster =
      add_command(app, "cluster", "See and steer the cluster; works with every node dead", "keyrack cluster status");
  cluster.require_subcommand(1);
  const auto add = [&](const char* name, const char* does, const char* example, auto run) -> CLI::App& {
    return add_cluster_command(cluster, into, chosen, name, does, example, run);
  };
  const auto node = [&](CLI::App& of) { of.add_option("NODE", into.cluster.node, "The node's name")->required(); };
  const auto shard = [&](CLI::App& of) {
    of.add_option("SHARD", into.cluster.shard, "The shard's number")
        ->required()
        ->check(CLI::Range(0, shards_count - 1));
  };
  add("status", "Who is there, what they have, what moves; exit status 1 when all is not well", "status --wait",
      deploy::cluster_status_of)
      .add_flag("--wait", into.cluster.wait, "Until nothing moves; exit status 1 when nothing changes for a minute");
  add("where", "Where a hotel lives", "where 7k2m9qx4vd1h", deploy::cluster_where)
      .add_option("HOTEL", into.cluster.hotel, "The hotel's id")
      ->required();
  add("moves", "Moves of shards, newest first: running and past", "moves --limit 100", deploy::cluster_moves)
      .add_option("--limit", into.cluster.limit, "How many at most")
      ->check(CLI::Range(1, 10'000));
  auto& drain =
      add("drain", "Move a node's shards to the others, and give it none until it is resumed", "drain node-1 --wait",
          [](const auto& s, const auto& o) { return cluster_set_drained(s, o, true); });
  node(drain);
  drain.add_flag("--wait", into.cluster.wait, "Until it has none; exit status 1 when nothing moves for a minute");
  node(add("resume", "Give a drained node its share of shards again", "resume node-1",
           [](const auto& s, const auto& o) { return cluster_set_drained(s, o, false); }));
  auto& weight = add("weight", "Give a node another share of shards: 100 is usual, 0 takes them away",
                     "weight node-1 50", deploy::cluster_weight);
  node(weight);
  weight.add_option("N", into.cluster.weight, "The weight")->required()->check(CLI::Range(0, node_weight_max));
  auto& pin = add("pin", "Move a shard to a node and keep it there", "pin 7 node-2", deploy::cluster_pin);
  shard(pin);
  node(pin);
  shard(add("unpin", "Let a pinned shard move again", "unpin 7", deploy::cluster_unpin));
  auto& move = add("move", "Move a shard once", "move 7 node-2", deploy::cluster_move);
  shard(move);
  node(move);
  add("rebalance", "Make places exactly even; without it a node may be a tenth above or below", "rebalance --dry-run",
      deploy::cluster_rebalance)
      .add_flag("--dry-run", into.cluster.dry_run, "Only say what would move");
}

void add_config(CLI::App& app, typed& into, action& chosen) {
  auto& config = add_command(app, "config", "Show or check the settings", "keyrack config show --config keyrack.toml");
  config.require_subcommand(1);
  auto& show = add_command(config, "show", "Print the settings in force and where each came from; secrets are masked",
                           "keyrack config show --documented > keyrack.toml   # a file to begin with");
  add_settings_options(show, into);
  auto* documented = show.add_flag("--documented", into.config_show.documented, "With each key's range and reason");
  show.add_flag("--json", into.config_show.json, "Answer in JSON")->excludes(documented);
  show.callback([&] {
    chosen = [&] {
      return with_settings(into, [&](const auto& given) { return deploy::config_show(given, into.config_show); });
    };
  });
  auto& check = add_command(config, "check", "Say all that is wrong with the settings, and start nothing",
                            "keyrack config check --config keyrack.toml");
  add_settings_options(check, into);
  check.add_flag("--json", into.json, "Answer in JSON");
  check.callback([&] { chosen = [&] { return deploy::config_check(load(into), into.json); }; });
}

void add_version(CLI::App& app, typed& into, action& chosen) {
  auto& version = add_command(app, "version", "Say which program this is", "keyrack version --json");
  version.add_flag("--json", into.json, "Answer in JSON");
  version.callback([&] { chosen = [&] { return deploy::version(into.json); }; });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Keyrack, a hotel reservation cluster: every hotel an actor, every booking durable", "keyrack"};
  app.require_subcommand(1);
  app.footer("Exit status: 0 done, 1 it failed or what was checked is not so, 2 called wrongly.\n"
             "Example:\n  keyrack migrate && keyrack serve");
  typed into;
  action chosen;
  add_serve(app, into, chosen);
  add_migrate(app, into, chosen);
  add_journal(app, into, chosen);
  add_cluster(app, into, chosen);
  add_config(app, into, chosen);
  add_version(app, into, chosen);
  try {
    app.parse(argc, argv);
    return chosen();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? deploy::exit_ok : deploy::exit_usage;
  } catch (const std::exception& error) {
    deploy::complain(error.what());
    return deploy::exit_failed;
  }
}
