// The commands of the program `keyrack`: one function each, called by main with settings that are already checked. What
// a command does belongs to the modules; here stands only what it prints and how it exits. Results go to standard
// output, what went wrong to standard error, with what to do about it.
#pragma once

#include "config/settings_load.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::deploy {

/// Exit statuses of every command.
enum exit_status : int {
  exit_ok = 0,
  exit_failed = 1,  ///< it failed, or what was checked is not so
  exit_usage = 2,   ///< it was called wrongly, or with settings that cannot be used
};

/// A node's version, as /metrics, the log and `keyrack version` say it.
std::string_view program_version();

/// Prints a sentence to standard error, after the program's name.
void complain(std::string_view sentence);

/// The same for a failure of the database, with how to find out which database that was.
void complain_about_database(std::string_view sentence);

/// Prints every fault of the settings to standard error, and what to do.
void complain(const std::vector<settings_fault>& faults);

/// Runs a node until SIGINT or SIGTERM, then drains it.
int serve(const settings& settings);

struct migrate_options {
  bool check = false;  ///< only say what would be done; exit_failed if anything would
  bool json = false;
};
int migrate(const settings& settings, const migrate_options& options);

struct journal_show_options {
  std::string hotel;
  std::uint64_t from = 1;  ///< sequence number
  bool json = false;
};
int journal_show(const settings& settings, const journal_show_options& options);

struct journal_verify_options {
  std::string hotel;  ///< empty: all
  bool json = false;
};
/// exit_failed when a promise is found broken.
int journal_verify(const settings& settings, const journal_verify_options& options);

struct config_show_options {
  bool documented = false;  ///< ranges and reasons instead of origins: the text of keyrack.toml
  bool json = false;
};
int config_show(const loaded_settings& settings, const config_show_options& options);
int config_check(const std::expected<loaded_settings, std::vector<settings_fault>>& loaded, bool json);

struct cluster_options {
  std::string node;
  std::string hotel;
  int shard = 0;
  int weight = 100;
  int limit = 20;        ///< of moves
  bool dry_run = false;  ///< of a rebalance
  bool wait = false;     ///< until a drained node is empty; of the status, until nothing moves
  bool json = false;
};
/// exit_failed when all is not well.
int cluster_status_of(const settings& settings, const cluster_options& options);
int cluster_where(const settings& settings, const cluster_options& options);
int cluster_moves(const settings& settings, const cluster_options& options);
int cluster_set_drained(const settings& settings, const cluster_options& options, bool drained);
int cluster_weight(const settings& settings, const cluster_options& options);
int cluster_pin(const settings& settings, const cluster_options& options);
int cluster_unpin(const settings& settings, const cluster_options& options);
int cluster_move(const settings& settings, const cluster_options& options);
int cluster_rebalance(const settings& settings, const cluster_options& options);

int version(bool json);

}  // namespace keyrack::deploy
