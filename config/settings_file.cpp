// toml++ is called here and nowhere else.
#include "config/settings_file.hpp"

#include <fmt/core.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>

namespace keyrack {

namespace {

constexpr std::size_t file_bytes_max = 1'048'576;
constexpr int depth_max = 8;

class reader {
public:
  explicit reader(std::string path) : path_(std::move(path)) {}

  void take_table(const toml::table& table, const std::string& prefix, int depth) {
    for (const auto& [key, node] : table) {
      const auto dotted = prefix + std::string{key.str()};
      const auto line = std::max(node.source().begin.line, key.source().begin.line);
      if (const auto* inner = node.as_table(); inner != nullptr && depth < depth_max) {
        take_table(*inner, dotted + ".", depth + 1);
      } else {
        take_value(dotted, node, place_of_line(line));
      }
    }
  }
  std::string place_of_line(toml::source_index line) const { return fmt::format("{}:{}", path_, line); }

  read_file result;

private:
  void take_value(const std::string& key, const toml::node& node, const std::string& place) {
    if (const auto number = node.value_exact<std::int64_t>()) {
      result.entries.push_back({key, *number, place});
    } else if (const auto text = node.value_exact<std::string>()) {
      result.entries.push_back({key, *text, place});
    } else if (const auto* array = node.as_array()) {
      take_list(key, *array, place);
    } else {
      result.faults.push_back({place, key + " is neither a whole number, nor a text, nor a list of texts"});
    }
  }

  void take_list(const std::string& key, const toml::array& array, const std::string& place) {
    std::vector<std::string> texts;
    for (const auto& node : array) {
      const auto text = node.value_exact<std::string>();
      if (!text) {
        result.faults.push_back({place, key + " has something in its list that is not a text"});
        return;
      }
      texts.push_back(*text);
    }
    result.entries.push_back({key, std::move(texts), place});
  }

  std::string path_;
};

/// toml++ keeps tables by name; people read files from top to bottom.
std::size_t line_of(const std::string& place) { return std::stoul(place.substr(place.rfind(':') + 1)); }

}  // namespace

read_file read_settings_file(const std::filesystem::path& path) {
  reader from{path.string()};
  std::ifstream file{path};
  std::string text(file_bytes_max + 1, '\0');
  file.read(text.data(), std::ssize(text));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad()) {
    from.result.faults.push_back({path.string(), "cannot be read"});
  } else if (text.size() > file_bytes_max) {
    from.result.faults.push_back({path.string(), "is larger than 1 MiB: not a settings file"});
  } else {
    try {
      from.take_table(toml::parse(text), "", 0);
    } catch (const toml::parse_error& error) {
      from.result.faults.push_back({from.place_of_line(error.source().begin.line), std::string{error.description()}});
    }
  }
  std::ranges::stable_sort(from.result.entries, {}, [](const file_entry& entry) { return line_of(entry.place); });
  return std::move(from.result);
}

}  // namespace keyrack
