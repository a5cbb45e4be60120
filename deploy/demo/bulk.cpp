#include "deploy/demo/bulk.hpp"

#include "deploy/demo/journal_plan.hpp"
#include "persistence/codec.hpp"
#include "persistence/journal_writer.hpp"
#include "persistence/pg_connection.hpp"
#include "persistence/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace keyrack::demo {
namespace {

using namespace persistence;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

/// A batch is one statement: large enough that its commit does not count, small enough for its deadline.
constexpr std::size_t batch_bytes = 4 << 20;
constexpr auto append_deadline = 60s;
constexpr auto call_time = 10s;

// Drawn and enlisted in one statement: a fence can only fence rows that are there.
constexpr pg_statement sql_register{.name = "demo_register", .sql = R"sql(
  INSERT INTO writers (incarnation, slot, node)
  SELECT drawn.incarnation, slot, 'keyrack-demo'
    FROM (SELECT nextval('incarnations') AS incarnation) AS drawn, generate_series(0, $1::smallint - 1) AS slot
  RETURNING incarnation, clock_timestamp()
)sql"};

// Nobody writes under this incarnation again.
constexpr pg_statement sql_leave{.name = "demo_leave", .sql = R"sql(
  UPDATE writers SET fenced_at = clock_timestamp() WHERE incarnation = $1 AND fenced_at IS NULL
)sql"};

call_deadline soon() { return call_deadline::in("call_time", call_time); }

/// What the threads share.
struct bulk_run {
  bulk_run(const generator& made, const bulk_options& with) : from(made), options(with) {}

  const generator& from;
  const bulk_options& options;
  std::int64_t incarnation = 0;
  instant now;  ///< when all of it happens, by the database's clock

  std::mutex mutex;
  std::condition_variable ended;
  std::uint32_t next = 0;
  int at_work = 0;
  bulk_report report;
  std::optional<std::string> fault;

  /// The next hotel to write; nothing when there is none, or a fault.
  std::optional<std::uint32_t> take() {
    const std::scoped_lock lock(mutex);
    if (fault || next == options.hotels) return std::nullopt;
    return next++;
  }

  bool failed() {
    const std::scoped_lock lock(mutex);
    return fault.has_value();
  }

  void fail(std::string why) {
    const std::scoped_lock lock(mutex);
    if (!fault) fault = std::move(why);
  }
};

void count(bulk_run& run, const std::vector<queued_commit>& batch, const std::vector<bool>& inserted) {
  const std::scoped_lock lock(run.mutex);
  for (std::size_t n = 0; n < batch.size(); ++n) {
    auto& counts = run.report.counts;
    ++counts.hotels;
    if (!inserted[n]) {
      ++counts.replayed;
      continue;
    }
    run.report.payload_bytes += batch[n].payload.size();
    for (const auto& e : batch[n].what->events) {
      counts.room_types += std::holds_alternative<room_type_added>(e.body);
      counts.calendars += std::holds_alternative<calendar_changed>(e.body);
      counts.bookings += std::holds_alternative<reservation_event>(e.body);
    }
  }
}

/// False: the load has ended with a fault.
bool append(bulk_run& run, pg_connection& connection, writer_id me, std::vector<queued_commit>& batch) {
  const auto outcome = append_commits(connection, me, batch, call_deadline::in("append_deadline", append_deadline));
  if (!outcome) {
    run.fail(
        fmt::format("the database did not take the hotels: {}. Run it again: hotels that stand there are left alone",
                    outcome.error().message));
    return false;
  }
  if (outcome->fenced) {
    run.fail("somebody has taken away the right to write; run it again");
    return false;
  }
  count(run, batch, outcome->inserted);
  batch.clear();
  return true;
}

std::optional<pg_connection> enlisted(bulk_run& run, writer_id me) {
  const auto role = fmt::format("demo-{}", me.slot);
  auto connection = pg_connection::connect(run.options.database, application_name(me.incarnation, role), soon());
  if (!connection) {
    run.fail(fmt::format("no connection to the database: {}", connection.error().message));
    return std::nullopt;
  }
  const auto may_write = enlist_writer(*connection, me, soon());
  if (!may_write || !*may_write) {
    run.fail("the database did not grant the right to write");
    return std::nullopt;
  }
  return std::move(*connection);
}

void work(bulk_run& run, std::int16_t slot) {
  const writer_id me{run.incarnation, slot};
  if (auto connection = enlisted(run, me)) {
    std::vector<queued_commit> batch;
    std::size_t bytes = 0;
    for (auto index = run.take(); index; index = run.take()) {
      queued_commit queued;
      queued.what = std::make_shared<const commit>(commit_of_hotel(run.from, *index, run.now));
      queued.payload = encode_commit(*queued.what);
      bytes += queued.payload.size();
      batch.push_back(std::move(queued));
      if (bytes < batch_bytes) continue;
      bytes = 0;
      if (!append(run, *connection, me, batch)) break;
    }
    if (!batch.empty() && !run.failed()) append(run, *connection, me, batch);
  }
  const std::scoped_lock lock(run.mutex);
  --run.at_work;
  run.ended.notify_all();
}

void show_until_ended(bulk_run& run, progress& shown, steady::time_point began) {
  const std::chrono::milliseconds period = shown.on_terminal() ? 100ms : 1000ms;
  std::unique_lock lock(run.mutex);
  while (!run.ended.wait_for(lock, period, [&run] { return run.at_work == 0; })) {
    const auto counts = run.report.counts;
    lock.unlock();
    const double done = static_cast<double>(counts.hotels) / run.options.hotels;
    shown.show(progress_line(counts, done, run.options.hotels, steady::now() - began));
    lock.lock();
  }
  shown.end();
}

/// Draws the run's incarnation, and reads the clock.
std::expected<void, std::string> register_writers(bulk_run& run, pg_connection& connection) {
  const auto slots = static_cast<std::int16_t>(run.options.threads);
  const auto rows = connection.run(sql_register, pg_params{}.int2(slots), soon());
  if (!rows)
    return std::unexpected(fmt::format("the database did not grant the right to write: {}", rows.error().message));
  run.incarnation = rows->integer(0, 0);
  run.now = rows->timestamptz(0, 1);
  return {};
}

}  // namespace

std::expected<bulk_report, std::string> write_journal(const generator& from, const bulk_options& options,
                                                      progress& shown) {
  const auto schema = check_schema(options.database);
  if (!schema) return std::unexpected(schema.error());
  if (!schema->pending.empty())
    return std::unexpected(std::string("the database lacks the schema: run keyrack migrate"));
  auto connection = pg_connection::connect(options.database, "keyrack-demo", soon());
  if (!connection) return std::unexpected(fmt::format("no connection to the database: {}", connection.error().message));
  bulk_run run(from, options);
  if (const auto registered = register_writers(run, *connection); !registered)
    return std::unexpected(registered.error());

  const auto began = steady::now();
  run.at_work = options.threads;
  {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(options.threads));
    for (int slot = 0; slot < options.threads; ++slot) {
      threads.emplace_back([&run, slot] { work(run, static_cast<std::int16_t>(slot)); });
    }
    show_until_ended(run, shown, began);
  }
  run.report.took = steady::now() - began;
  if (const auto left = connection->run(sql_leave, pg_params{}.int8(run.incarnation), soon()); !left && !run.fault) {
    run.fault = fmt::format("all is written, but the right to write was not given back: {}", left.error().message);
  }
  if (run.fault) return std::unexpected(*run.fault);
  return run.report;
}

}  // namespace keyrack::demo
