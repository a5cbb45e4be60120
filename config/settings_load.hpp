// From built-in values, file, environment and command line to one checked set of settings. Refuses to begin with any
// fault: all of them are reported at once, each with its place.
#pragma once

#include "config/settings.hpp"

#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keyrack {

/// Something wrong with one value. `place`: `FILE:LINE`, the variable's name, `--set KEY`, or the keys of a broken rule.
struct settings_fault {
  std::string place;
  std::string message;
  bool operator==(const settings_fault&) const = default;
};

struct settings_sources {
  std::optional<std::filesystem::path> file;
  std::vector<std::pair<std::string, std::string>> environment;  ///< name and value; see `load_settings`
  std::vector<std::string> assignments;                          ///< `key=value` each, later ones win
};

struct loaded_settings {
  settings values;
  std::map<std::string, std::string, std::less<>> origins;  ///< key → place; keys that are not in it are built-in
};

/// Loads and checks. Of the environment it takes the variables of settings, refuses those that look like a misspelt one
/// (KEYRACK_ and a section, or near a setting's name) and ignores the rest. Reads the file, and the file that `database.url_file` names; nothing else.
std::expected<loaded_settings, std::vector<settings_fault>> load_settings(const settings_sources& from);

/// This process's environment, as `settings_sources` wants it.
std::vector<std::pair<std::string, std::string>> process_environment();

/// The settings as a TOML file, each line with a comment that says where its value came from. Secrets are masked.
std::string show_settings(const loaded_settings& of);
/// The settings as a TOML file with each key's range and reason: the text of keyrack.toml. Secrets are masked.
std::string show_documented_settings(const settings& of);
/// The settings as one JSON object: key → {value, origin}. Secrets are masked.
std::string show_settings_json(const loaded_settings& of);

}  // namespace keyrack
