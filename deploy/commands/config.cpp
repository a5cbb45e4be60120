// `keyrack config`: what the settings are, where each came from, and whether they can be used.
#include "config/log_line.hpp"
#include "deploy/commands/commands.hpp"

#include <fmt/core.h>

namespace keyrack::deploy {

int config_show(const loaded_settings& settings, const config_show_options& options) {
  if (options.documented) {
    fmt::print("{}", show_documented_settings(settings.values));
  } else {
    fmt::print("{}", options.json ? show_settings_json(settings) : show_settings(settings));
  }
  return exit_ok;
}

int config_check(const std::expected<loaded_settings, std::vector<settings_fault>>& loaded, bool json) {
  if (json) {
    std::string faults;
    for (const auto& fault : loaded ? std::vector<settings_fault>{} : loaded.error()) {
      faults += faults.empty() ? "{\"place\": " : ", {\"place\": ";
      append_json_text(faults, fault.place);
      faults += ", \"message\": ";
      append_json_text(faults, fault.message);
      faults += '}';
    }
    fmt::print("{{\"ok\": {}, \"faults\": [{}]}}\n", loaded.has_value(), faults);
  } else if (loaded) {
    fmt::print("the settings can be used; {} of them differ from the built-in ones or repeat them\n",
               loaded->origins.size());
  } else {
    complain(loaded.error());
  }
  return loaded ? exit_ok : exit_failed;
}

}  // namespace keyrack::deploy
