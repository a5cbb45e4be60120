// Writing settings for people and programs. Secrets were masked before they come here.
#include "config/settings_load.hpp"
#include "config/settings_table.hpp"

#include <fmt/core.h>

#include <iterator>

namespace keyrack {

namespace {

constexpr std::size_t comment_width = 114;
constexpr std::string_view file_head =
    R"(# Keyrack's settings: every key with its unit, range, reason and default. What is left out keeps its default.
# Order: built-in, this file, environment (gateway.port is KEYRACK_GATEWAY_PORT), --set gateway.port=8081; the last one
# that speaks wins. Unknown keys and values out of range are refused at start, all of them at once, each with its place.
# Printed by `keyrack config show --documented`; a test holds this file to it.
)";

/// Comment lines of at most so many columns.
void append_comment(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto cut = text.size();
    if (cut > comment_width) cut = text.rfind(' ', comment_width);
    out.append("# ").append(text.substr(0, cut)).append("\n");
    text.remove_prefix(std::min(text.size(), cut + 1));
  }
}

/// Calls `section(name)` and `one(setting, name)` in the order of the file.
template <typename OnSection, typename OnSetting>
void in_order(OnSection on_section, OnSetting on_setting) {
  for (const auto& section : settings_sections()) {
    on_section(section);
    for (const auto& of : settings_table()) {
      const auto dot = of.key.find('.');
      if (of.key.substr(0, dot) == section.name) on_setting(of, of.key.substr(dot + 1));
    }
  }
}

std::string_view origin_of(const loaded_settings& from, const setting& of) {
  const auto known = from.origins.find(of.key);
  return known == from.origins.end() ? std::string_view{"built-in"} : std::string_view{known->second};
}

}  // namespace

std::string show_settings(const loaded_settings& of) {
  std::string out;
  in_order(
      [&](const settings_section& section) { out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section.name); },
      [&](const setting& one, std::string_view name) {
        const auto line = fmt::format("{} = {}", name, render(value_of(of.values, one)));
        fmt::format_to(std::back_inserter(out), "{:<48} # {}\n", line, origin_of(of, one));
      });
  return out;
}

std::string show_documented_settings(const settings& of) {
  std::string out{file_head};
  in_order(
      [&](const settings_section& section) {
        out += '\n';
        append_comment(out, section.why);
        out += fmt::format("[{}]\n", section.name);
      },
      [&](const setting& one, std::string_view name) {
        const auto allowed = allowed_of(one);
        append_comment(out, allowed.empty() ? std::string{one.why} : fmt::format("{} [{}]", one.why, allowed));
        out += fmt::format("{} = {}\n", name, render(value_of(of, one)));
      });
  return out;
}

std::string show_settings_json(const loaded_settings& of) {
  std::string out{"{\n"};
  for (const auto& one : settings_table()) {
    if (out.size() > 2) out += ",\n";
    out += fmt::format(R"(  "{}": {{"value": {}, "origin": {}}})", one.key, render(value_of(of.values, one)),
                       render(std::string{origin_of(of, one)}));
  }
  return out + "\n}\n";
}

}  // namespace keyrack
