// `keyrack journal show|verify`: the journal for people, and the promises checked on it.
#include "config/log_line.hpp"
#include "deploy/commands/commands.hpp"
#include "persistence/journal_show.hpp"
#include "persistence/journal_verify.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace keyrack::deploy {

namespace {

using persistence::journal_report;

/// On a terminal, one line that is written over; elsewhere nothing.
class verify_progress {
public:
  void operator()(const journal_report& r) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < std::chrono::milliseconds{200}) return;
    shown_ = now;
    fmt::print(stderr, "\r{} hotels, {} events, {} findings", r.hotels, r.events, r.findings.size());
    std::fflush(stderr);
  }
  ~verify_progress() {
    if (terminal_ && shown_.time_since_epoch().count() != 0) fmt::print(stderr, "\r\x1b[K");
  }

private:
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point shown_{};
};

void print_text(const journal_report& r) {
  fmt::print("{} hotels, {} commits, {} events, {} reservations; {} snapshots and {} projected rows compared\n",
             r.hotels, r.commits, r.events, r.reservations, r.snapshots, r.projected);
  for (const auto& f : r.findings) fmt::print("hotel {}: {}\n", to_text(f.hotel), f.what);
  if (r.truncated) fmt::print("and more\n");
  fmt::print("{}\n",
             r.findings.empty() ? "clean: no gap, no fork, no night oversold, no request answered twice" : "NOT CLEAN");
}

void print_json(const journal_report& r) {
  std::string findings;
  for (const auto& f : r.findings) {
    findings += fmt::format(R"({}{{"hotel":"{}","what":)", findings.empty() ? "" : ",", to_text(f.hotel));
    append_json_text(findings, f.what);
    findings += "}";
  }
  fmt::print(
      R"({{"hotels":{},"commits":{},"events":{},"reservations":{},"snapshots":{},"projected":{},"truncated":{},"findings":[{}]}})"
      "\n",
      r.hotels, r.commits, r.events, r.reservations, r.snapshots, r.projected, r.truncated, findings);
}

std::optional<hotel_id> hotel_named(const std::string& text) {
  const auto id = parse_hotel_id(text);
  if (!id)
    complain(fmt::format("'{}' is not a hotel's id: those have 12 letters and digits, as in 7k2m9qx4vd1h", text));
  return id;
}

}  // namespace

int journal_show(const settings& settings, const journal_show_options& options) {
  const auto id = hotel_named(options.hotel);
  if (!id) return exit_usage;
  const auto shown = persistence::show_journal(settings.database, *id, options.from, [&](const event& e) {
    fmt::print("{}\n", options.json ? persistence::event_json(*id, e) : persistence::event_line(*id, e));
  });
  if (shown) return exit_ok;
  complain_about_database(shown.error());
  return exit_failed;
}

int journal_verify(const settings& settings, const journal_verify_options& options) {
  std::optional<hotel_id> only;
  if (!options.hotel.empty()) {
    only = hotel_named(options.hotel);
    if (!only) return exit_usage;
  }
  verify_progress progress;
  const auto report = persistence::verify_journal(settings.database, only, std::ref(progress));
  if (!report) {
    complain_about_database(report.error());
    return exit_failed;
  }
  options.json ? print_json(*report) : print_text(*report);
  return report->findings.empty() ? exit_ok : exit_failed;
}

}  // namespace keyrack::deploy
