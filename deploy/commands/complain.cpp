// How the program speaks to whoever typed the command, when something is wrong.
#include "deploy/commands/commands.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace keyrack::deploy {

void complain(std::string_view sentence) { fmt::print(stderr, "keyrack: {}\n", sentence); }

void complain(const std::vector<settings_fault>& faults) {
  fmt::print(stderr, "keyrack: the settings cannot be used:\n");
  for (const auto& fault : faults) fmt::print(stderr, "  {}: {}\n", fault.place, fault.message);
  fmt::print(stderr, "`keyrack config show --documented` prints every setting with its range and reason.\n");
}

}  // namespace keyrack::deploy
