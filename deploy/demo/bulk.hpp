// Writes demonstration hotels straight into a journal: for the millions of reservations that nobody wants to wait for over
// HTTP. Owns the threads, the batches and its own right to write; refuses to decide anything, which is journal_plan's and
// the domain's. It writes hotels that nobody else knows, so it may run beside a node.
#pragma once

#include "config/settings.hpp"
#include "deploy/demo/generate.hpp"
#include "deploy/demo/progress.hpp"

#include <chrono>
#include <expected>
#include <string>

namespace keyrack::demo {

struct bulk_options {
  database_settings database;  ///< its schema must be up to date: keyrack migrate
  std::uint32_t hotels = 0;
  int threads = 2;  ///< a connection each
};

struct bulk_report {
  load_counts counts;  ///< `replayed`: hotels that stood there already, which were left alone
  std::uint64_t payload_bytes = 0;
  std::chrono::duration<double> took{};
};

/// Hotels 0 to `options.hotels` - 1, one commit each. Blocks until all are durable; a second run changes nothing. The
/// error is a sentence; what was written before it stands.
std::expected<bulk_report, std::string> write_journal(const generator& from, const bulk_options& options,
                                                      progress& shown);

}  // namespace keyrack::demo
