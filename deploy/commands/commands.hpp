// The commands of the program `keyrack`: one function each, called by main with settings that are already checked. What
// a command does belongs to the modules; here stands only what it prints and how it exits.
#pragma once

namespace keyrack {
struct settings;
}

namespace keyrack::deploy {

/// Exit statuses of every command: it failed, or what was checked is not so; it was called wrongly (also: bad settings).
enum exit_status : int { exit_ok = 0, exit_failed = 1, exit_usage = 2 };

/// Runs a node until SIGINT or SIGTERM, then drains it. Returns an exit_status.
int serve(const settings& settings);

}  // namespace keyrack::deploy
