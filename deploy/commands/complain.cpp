// How the program speaks to whoever typed the command, when something is wrong.
#include "deploy/commands/commands.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace keyrack::deploy {

void complain(std::string_view sentence) { fmt::print(stderr, "keyrack: {}\n", sentence); }

void complain_about_database(std::string_view sentence) {
  complain(sentence);
  complain("`keyrack config show` says which database this was, and where database.url came from");
}

void complain(const std::vector<settings_fault>& faults) {
  fmt::print(stderr, "keyrack: the settings cannot be used:\n");
  for (const auto& fault : faults) fmt::print(stderr, "  {}: {}\n", fault.place, fault.message);
  fmt::print(stderr, "`keyrack config show --documented` prints every setting with its range and reason.\n");
}

}  // namespace keyrack::deploy
