// The one table of settings: key, range, reason, and where the value lives. It drives the file, the environment, --set,
// `config show` and keyrack.toml, which is printed from it.
#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack {

/// Where a setting's value lives in `settings`.
template <typename T>
using place_of = T& (*)(settings&);
using setting_place = std::variant<place_of<int>, place_of<std::chrono::milliseconds>, place_of<std::chrono::seconds>,
                                   place_of<std::string>, place_of<secret>, place_of<std::vector<std::string>>>;

/// One setting.
struct setting {
  std::string_view key;  ///< `section.name`, with the unit last where it has one
  setting_place place;
  std::int64_t at_least = 0;                        ///< of a number
  std::int64_t at_most = 0;                         ///< of a number; of a text: bytes; of a list: its texts
  std::span<const std::string_view> one_of{};       ///< of a text; empty: any
  bool (*well_formed)(std::string_view) = nullptr;  ///< of a text, and of each text of a list
  std::string_view form{};                          ///< what `well_formed` wants, in words
  std::string_view why{};                           ///< what it is and why it is so, for people
};

struct settings_section {
  std::string_view name;
  std::string_view why;
};

/// A value as the file, a variable or --set may give it.
using setting_value = std::variant<std::int64_t, std::string, std::vector<std::string>>;

/// All settings and sections, in the order of the file.
std::span<const setting> settings_table();
std::span<const settings_section> settings_sections();

/// The setting with this key; null if there is none.
const setting* find_setting(std::string_view key);

/// The known key that `key` was probably meant to be; empty if none is near.
std::string_view nearest_setting(std::string_view key);

/// `gateway.port` is `KEYRACK_GATEWAY_PORT`.
std::string variable_of(const setting& of);

/// Puts `value` in its place. An error is a sentence that says what is allowed, and never repeats a secret.
std::expected<void, std::string> assign(settings& to, const setting& of, const setting_value& value);

/// A value as a variable or --set writes it: a number for a number, commas between the texts of a list.
setting_value parse_setting(const setting& of, std::string_view text);

/// The value of a setting now, secrets masked.
setting_value value_of(const settings& from, const setting& of);

/// A value as TOML and JSON both write it.
std::string render(const setting_value& value);

/// What is allowed, in words: `1 … 64`, `json, text or auto`; empty for free texts.
std::string allowed_of(const setting& of);

}  // namespace keyrack
