// The way of a line: made by its caller, queued, written by one thread of spdlog. Knows nothing of how it looks.
#include "config/log.hpp"

#include "config/log_line.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <atomic>
#include <memory>

namespace keyrack {

namespace {

/// What `start_log` made. Lines hold it while they are queued, so that it may be replaced at any time.
struct log_output {
  std::shared_ptr<spdlog::details::thread_pool> writer;  // none: the caller writes by himself
  std::shared_ptr<spdlog::logger> lines;
  bool json = false;
};

constexpr auto raw = "%v";

std::shared_ptr<const log_output> unstarted_output() {
  auto lines = std::make_shared<spdlog::logger>("log", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  lines->set_pattern(raw);
  return std::make_shared<const log_output>(log_output{.writer = nullptr, .lines = std::move(lines), .json = false});
}

std::atomic<std::shared_ptr<const log_output>>& output() {
  static std::atomic<std::shared_ptr<const log_output>> the_output{unstarted_output()};
  return the_output;
}

std::atomic<log_level> least_level{log_level::warn};
std::atomic<std::uint64_t> sample_one_of{1};
std::atomic<std::uint64_t> dropped_before{0};  // by writers that have ended

log_level level_of(std::string_view text) {
  if (text == "debug") return log_level::debug;
  if (text == "info") return log_level::info;
  return text == "warn" ? log_level::warn : log_level::error;
}

spdlog::level::level_enum spdlog_level(log_level level) {
  switch (level) {
  case log_level::debug: return spdlog::level::debug;
  case log_level::info: return spdlog::level::info;
  case log_level::warn: return spdlog::level::warn;
  case log_level::error: break;
  }
  return spdlog::level::err;
}

/// FNV-1a: the same on every node, and fast for an id's few bytes.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash ^ (hash >> 32U);  // its low bits alone depend too little on the first bytes
}

}  // namespace

void start_log(const log_settings& settings) {
  log_output made;
  made.json = settings.format == "json" || (settings.format == "auto" && isatty(STDERR_FILENO) == 0);
  made.writer = std::make_shared<spdlog::details::thread_pool>(static_cast<std::size_t>(settings.queue_lines_max), 1);
  // A full queue loses its oldest lines: waiting for a slow disk here would stop bookings.
  made.lines = std::make_shared<spdlog::async_logger>("log", std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                                      made.writer, spdlog::async_overflow_policy::overrun_oldest);
  made.lines->set_pattern(raw);
  made.lines->set_level(spdlog::level::trace);
  least_level = level_of(settings.level);
  sample_one_of = static_cast<std::uint64_t>(settings.sample_successes);
  output().store(std::make_shared<const log_output>(std::move(made)));
}

void stop_log() {
  const auto ended = output().exchange(unstarted_output());
  if (ended->writer) dropped_before += ended->writer->overrun_counter();
  least_level = log_level::warn;
  sample_one_of = 1;
  // Releasing the last holder of `ended` writes what is queued and joins the writer.
}

std::uint64_t log_lines_dropped() {
  const auto now = output().load();
  return dropped_before + (now->writer ? now->writer->overrun_counter() : 0);
}

bool log_enabled(log_level level) { return level >= least_level.load(std::memory_order_relaxed); }

void log(log_level level, std::string_view event, log_fields fields) {
  if (!log_enabled(level)) return;
  thread_local std::string line;
  line.clear();
  const auto to = output().load();
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  (to->json ? append_json_line : append_text_line)(line, now, level, event, fields);
  to->lines->log(spdlog_level(level), spdlog::string_view_t{line});
}

bool log_sampled(std::string_view request_id) {
  const auto one_of = sample_one_of.load(std::memory_order_relaxed);
  return one_of <= 1 || hash_of(request_id) % one_of == 0;
}

}  // namespace keyrack
