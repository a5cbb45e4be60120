// Threads with a connection each, and the questions that wait for one: bounded, the most urgent first, none answered
// later than its deadline. Owns waiting and connecting; refuses to know what is asked.
#pragma once

#include "actors/envelope.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace keyrack::persistence {

/// One question, until it is answered.
struct record_question {
  std::string_view kind;  ///< a literal, for the metrics
  steady_instant deadline;
  bool changes = false;  ///< it writes: after a lost answer it is not asked again
  /// Asks over the connection and keeps the answer; an error is the connection's, and may be followed by another try.
  std::function<std::optional<pg_error>(pg_connection&, call_deadline)> ask;
  /// Gives the answer that was kept.
  std::function<void()> answer;
  /// Instead of it.
  std::function<void(failure)> fail;
};

class records_pool {
public:
  records_pool(database_settings database, records_settings settings, records_metrics& counted,
               std::int64_t incarnation);
  /// Fails what waits as `unavailable`, and ends when what is under way has ended.
  ~records_pool();
  records_pool(const records_pool&) = delete;

  /// One of `answer` and `fail` is called once, on a thread of this: over the bound at once, with `overloaded`.
  void put(record_question q);

private:
  struct waiting {
    record_question question;
    steady_instant since;
  };

  void work(const std::stop_token& stop);
  void expire(const std::stop_token& stop);
  void answer(std::optional<pg_connection>& connection, waiting w);
  std::optional<failure> try_to_answer(std::optional<pg_connection>& connection, const record_question& q);
  void end(const waiting& w, const std::optional<failure>& failed);

  database_settings database_;
  records_settings settings_;
  records_metrics& counted_;
  std::int64_t incarnation_;

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::multimap<steady_instant, waiting> queue_;  // by deadline
  std::vector<std::jthread> threads_;             // the last one keeps the time
};

}  // namespace keyrack::persistence
