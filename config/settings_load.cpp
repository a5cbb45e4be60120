// The order of the sources, and the gathering of faults. What one value may be is the table's business.
#include "config/settings_load.hpp"

#include "config/settings_file.hpp"
#include "config/settings_table.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

namespace keyrack {

namespace {

constexpr std::string_view prefix = "KEYRACK_";
constexpr std::string_view built_in = "built-in";

/// Loads into `result`, source by source, and keeps what is wrong.
class loader {
public:
  explicit loader(const settings_sources& from) : from_(from) {}

  std::expected<loaded_settings, std::vector<settings_fault>> load() {
    if (from_.file) take_file(*from_.file);
    take_environment();
    take_assignments();
    take_url_file();
    check_rules();
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return std::move(result_);
  }

private:
  void refuse(std::string place, std::string message) { faults_.push_back({std::move(place), std::move(message)}); }

  void take(const setting& of, const setting_value& value, const std::string& place, int source) {
    if (const auto taken = assign(result_.values, of, value); !taken) {
      wrong_.insert(of.key);
      return refuse(place, fmt::format("{} {}", of.key, taken.error()));
    }
    result_.origins.insert_or_assign(std::string{of.key}, place);
    if (of.key == "database.url") url_from_ = source;
    if (of.key == "database.url_file") url_file_from_ = source;
  }

  void refuse_unknown(const std::string& place, std::string_view what, std::string_view nearest) {
    refuse(place, fmt::format("{} is not a setting{}", what,
                              nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
  }

  void take_file(const std::filesystem::path& path) {
    auto read = read_settings_file(path);
    for (auto& fault : read.faults) faults_.push_back(std::move(fault));
    for (const auto& entry : read.entries) {
      if (const auto* of = find_setting(entry.key)) {
        take(*of, entry.value, entry.place, 1);
      } else {
        refuse_unknown(entry.place, entry.key, nearest_setting(entry.key));
      }
    }
  }

  void take_environment() {
    for (const auto& [name, text] : from_.environment) {
      if (!name.starts_with(prefix)) continue;
      const auto of = std::ranges::find(settings_table(), name, variable_of);
      if (of != settings_table().end()) {
        take(*of, parse_setting(*of, text), name, 2);
      } else {
        judge_unknown_variable(name);
      }
    }
  }

  /// A variable of a section, or near a setting, was meant for us and is misspelt. The others are somebody else's: the
  /// test scripts' own, and what Kubernetes makes up for a service of our name (KEYRACK_PORT_8080_TCP).
  void judge_unknown_variable(const std::string& name) {
    auto key = lower_case(std::string_view{name}.substr(prefix.size()));
    if (const auto first = key.find('_'); first != key.npos) key[first] = '.';
    const auto section = key.substr(0, key.find('.'));
    const auto* near = find_setting(nearest_setting(key));
    if (near == nullptr && std::ranges::count(settings_sections(), section, &settings_section::name) == 0) return;
    refuse_unknown(name, name, near == nullptr ? std::string{} : variable_of(*near));
  }

  static std::string lower_case(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
  }

  void take_assignments() {
    for (const auto& assignment : from_.assignments) {
      const auto equals = assignment.find('=');
      const auto key = std::string_view{assignment}.substr(0, equals);
      const auto place = fmt::format("--set {}", key);
      if (equals == assignment.npos) {
        refuse(place, "has no value: write --set key=value");
      } else if (const auto* of = find_setting(key)) {
        take(*of, parse_setting(*of, std::string_view{assignment}.substr(equals + 1)), place, 3);
      } else {
        refuse_unknown(place, key, nearest_setting(key));
      }
    }
  }

  void take_url_file() {
    const auto& path = result_.values.database.url_file;
    if (path.empty() || url_from_ > url_file_from_) return;
    const auto place = result_.origins["database.url_file"];
    if (url_from_ == url_file_from_) return refuse(place, "database.url and database.url_file exclude each other");
    std::ifstream file{path};
    std::string line;
    if (!std::getline(file, line)) return refuse(place, fmt::format("database.url_file: cannot read {}", path));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    take(*find_setting("database.url"), line, path, url_file_from_);
  }

  /// `smaller` must be below `larger`.
  template <typename T>
  void check_order(std::string_view smaller, T small, std::string_view larger, T large, std::string_view why,
                   bool equal_is_fine = false) {
    // A rule says nothing sensible about a value that is wrong already.
    if (wrong_.contains(smaller) || wrong_.contains(larger)) return;
    if (small < large || (equal_is_fine && small == large)) return;
    const auto origin = [&](std::string_view key) {
      const auto known = result_.origins.find(key);
      return known == result_.origins.end() ? built_in : std::string_view{known->second};
    };
    refuse(fmt::format("{}, {}", origin(smaller), origin(larger)),
           fmt::format("{} must {} {}: {}", smaller, equal_is_fine ? "not be above" : "be below", larger, why));
  }

  void check_rules() {
    const auto& s = result_.values;
    if (s.heartbeat.lease.count() > 0) {
      check_order("heartbeat.period_ms", s.heartbeat.period, "heartbeat.lease_ms", s.heartbeat.lease,
                  "else the lease runs out between two beats");
    }
    check_order("heartbeat.lease_ms", s.heartbeat.lease, "heartbeat.grace_ms", s.heartbeat.grace,
                "a node must have stopped answering before it is fenced for its silence");
    check_order("heartbeat.answer_timeout_ms", s.heartbeat.answer_timeout, "heartbeat.grace_ms", s.heartbeat.grace,
                "a lost beat must be followed by another one within the grace");
    check_order("transport.ping_period_ms", s.transport.ping_period, "transport.silence_ms", s.transport.silence,
                "else a link is dropped before its peer was asked");
    check_order("transport.redial_ms_min", s.transport.redial_min, "transport.redial_ms_max", s.transport.redial_max,
                "the pause grows from one to the other", true);
    check_order("gateway.in_flight_per_hotel_max", s.gateway.in_flight_per_hotel_max, "gateway.in_flight_max",
                s.gateway.in_flight_max, "one hotel's requests are among the node's", true);
    check_order("gateway.body_bytes_max", s.gateway.body_bytes_max, "gateway.body_bytes_total_max",
                s.gateway.body_bytes_total_max, "else no body of that size is ever read", true);
    check_order("journal.append_timeout_ms", s.journal.append_timeout, "journal.doubt_deadline_ms",
                s.journal.doubt_deadline, "a doubt begins when the append's time is over");
    check_order("journal.load_timeout_ms", s.journal.load_timeout, "gateway.request_timeout_ms",
                s.gateway.request_timeout, "the command that wakes a hotel must outlast its loading");
    check_order("journal.reconnect_ms_min", s.journal.reconnect_min, "journal.reconnect_ms_max",
                s.journal.reconnect_max, "the pause grows from one to the other", true);
  }

  const settings_sources& from_;
  loaded_settings result_;
  std::vector<settings_fault> faults_;
  std::set<std::string_view> wrong_;  // keys with a fault
  int url_from_ = 0;                  // 0 built-in, 1 file, 2 environment, 3 command line
  int url_file_from_ = -1;            // -1 not given
};

}  // namespace

std::expected<loaded_settings, std::vector<settings_fault>> load_settings(const settings_sources& from) {
  return loader{from}.load();
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (equals != text.npos) all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

}  // namespace keyrack
