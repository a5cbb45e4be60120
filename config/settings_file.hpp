// Reading a TOML file into keys, values and places. Knows no setting.
#pragma once

#include "config/settings_load.hpp"
#include "config/settings_table.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace keyrack {

struct file_entry {
  std::string key;  ///< dotted, as in the table
  setting_value value;
  std::string place;  ///< `FILE:LINE`
};

struct read_file {
  std::vector<file_entry> entries;  ///< in the order of lines
  std::vector<settings_fault> faults;
};

/// Reads a file of at most 1 MiB. Faults: not readable, not TOML, a value of a kind that no setting has.
read_file read_settings_file(const std::filesystem::path& path);

}  // namespace keyrack
