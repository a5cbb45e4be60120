// The log: one line per event, with named fields; JSON for machines, text for terminals. Failures are always logged,
// successes by sample. A caller never waits for the disk: lines go through a bounded queue, and what does not fit is
// dropped and counted. Knows nothing of what is logged.
//
//   log_info("booking accepted", {{"request_id", id}, {"hotel", text}, {"sequence", n}});
//
// Field names are the same everywhere, so that one request can be followed from door to disk: request_id, hotel,
// sequence, reservation, node, incarnation, slot, code, outcome, detail, duration_us. Never a name, address or note of a
// guest, and never a secret.
#pragma once

#include "config/settings.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace keyrack {

enum class log_level : std::uint8_t { debug, info, warn, error };

/// One named value. Texts are not copied: they must live until the call returns.
struct log_field {
  using any = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  log_field(std::string_view name_of, std::string_view text) : name(name_of), value(text) {}
  log_field(std::string_view name_of, const std::string& text) : name(name_of), value(std::string_view{text}) {}
  log_field(std::string_view name_of, const char* text) : name(name_of), value(std::string_view{text}) {}
  log_field(std::string_view name_of, bool truth) : name(name_of), value(truth) {}
  log_field(std::string_view name_of, std::signed_integral auto number)
      : name(name_of), value(static_cast<std::int64_t>(number)) {}
  log_field(std::string_view name_of, std::unsigned_integral auto number)
      : name(name_of), value(static_cast<std::uint64_t>(number)) {}
  log_field(std::string_view name_of, std::floating_point auto number)
      : name(name_of), value(static_cast<double>(number)) {}

  std::string_view name;
  any value;
};
using log_fields = std::initializer_list<log_field>;

/// Logs to standard error as `settings` say, from now on. Before it, and in tests, warnings and errors go there as text.
void start_log(const log_settings& settings);
/// Writes what is queued and goes back to the state before `start_log`.
void stop_log();

/// Lines that did not fit into the queue since the start: an alert should watch it (metric keyrack_log_dropped_total).
std::uint64_t log_lines_dropped();

bool log_enabled(log_level level);
void log(log_level level, std::string_view event, log_fields fields = {});
inline void log_debug(std::string_view event, log_fields fields = {}) { log(log_level::debug, event, fields); }
inline void log_info(std::string_view event, log_fields fields = {}) { log(log_level::info, event, fields); }
inline void log_warn(std::string_view event, log_fields fields = {}) { log(log_level::warn, event, fields); }
inline void log_error(std::string_view event, log_fields fields = {}) { log(log_level::error, event, fields); }

/// Whether the successes of this request are logged: one request of `log.sample_successes`, by a hash of its id, so that
/// every module on its way picks the same ones.
bool log_sampled(std::string_view request_id);
/// Logs a success (info) if its request is sampled; `fields` should hold its request_id. For the hot path.
inline void log_success(std::string_view request_id, std::string_view event, log_fields fields) {
  if (log_sampled(request_id)) log_info(event, fields);
}

}  // namespace keyrack
