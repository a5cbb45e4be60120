// A journal on real PostgreSQL for tests: a database with the schema, the rows of an incarnation, commits to append, and a
// raw session that can hold a transaction open, as no connection of ours ever does.
#pragma once

#include "persistence/codec.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_writer.hpp"
#include "persistence/schema.hpp"
#include "tests/support/fake_journal.hpp"
#include "tests/support/postgres_server.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <libpq-fe.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace keyrack::testing {

/// Events that a hotel could have had: created, then updated again and again.
inline event sample_event(std::uint64_t seq) {
  event e;
  e.seq = seq;
  e.at = instant{std::chrono::microseconds{1'795'000'000'000'000 + static_cast<std::int64_t>(seq) * 1'000}};
  e.by = "test";
  hotel_profile profile;
  profile.name = "Hotel " + std::to_string(seq);
  profile.city = "Zürich";
  profile.country = "CH";
  profile.time_zone = "Europe/Zurich";
  profile.currency = {{'C', 'H', 'F'}};
  if (seq == 1) {
    e.body = hotel_created{.profile = profile};
  } else {
    e.body = hotel_updated{.profile = profile, .created_at = sample_event(1).at};
  }
  return e;
}

inline commit sample_commit(std::uint64_t hotel, std::uint64_t first, std::uint64_t last) {
  commit c;
  c.hotel = {hotel};
  for (auto seq = first; seq <= last; ++seq) c.events.push_back(sample_event(seq));
  return c;
}

inline personal_record sample_person(std::uint64_t id, std::string name) {
  return {.guest = {.high = id, .low = id},
          .new_guest = true,
          .name = std::move(name),
          .email = "",
          .phone = "",
          .notes = ""};
}

inline persistence::queued_commit queued(commit c, std::uint64_t ticket = 0) {
  auto what = std::make_shared<const commit>(std::move(c));
  auto payload = persistence::encode_commit(*what);
  return {.what = std::move(what), .payload = std::move(payload), .ticket = ticket, .queued_at = steady_now()};
}

/// A blocking session of plain libpq, in which transactions may stay open.
class raw_session {
public:
  explicit raw_session(const database_settings& settings, const std::string& name = "raw")
      : raw_(PQconnectdb((settings.url.reveal() + "&application_name=" + name).c_str()), &PQfinish) {
    if (PQstatus(raw_.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(raw_.get()));
  }
  /// The first value of the result, or nothing; throws when it is refused.
  std::string run(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(raw_.get(), sql.c_str()), &PQclear};
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(raw_.get()));
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }
  int pid() const { return PQbackendPID(raw_.get()); }

private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> raw_;
};

/// Waits for `condition`, asking again and again; false after 20 s.
inline bool eventually(const std::function<bool()>& condition) {
  for (const auto end = steady_now() + std::chrono::seconds{20}; steady_now() < end;) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

/// A database with the schema, and ways to look at it and to interfere.
class journal_database {
public:
  explicit journal_database(std::string server_url = shared_server_url())
      : database(server_url, migrated(server_url)), watch(database.settings(), "watch") {}

  /// The rows of an incarnation, as a registration makes them.
  void enter(std::int64_t incarnation, const journal_settings& settings = {}) {
    watch.run(
        fmt::format("INSERT INTO writers (incarnation, slot, node) SELECT {}, s, 'test' FROM generate_series(0, {}) s",
                    incarnation, persistence::writer_rows_of(settings).count() - 1));
    watch.run(
        fmt::format("INSERT INTO nodes (incarnation, node, beat, beat_at, started_at, version) VALUES ({}, 'test', 0, "
                    "clock_timestamp(), clock_timestamp(), 'test')",
                    incarnation));
  }
  /// Backends of that name that wait for somebody's lock, or for a standby.
  bool waits(const std::string& name, const std::string& kind = "Lock") {
    return watch.run(fmt::format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND datname = "
                                 "current_database() AND (wait_event_type = '{}' OR wait_event = '{}')",
                                 name, kind, kind)) != "0";
  }
  void end_backends(const std::string& name) {
    watch.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" + name +
              "' AND datname = current_database()");
  }
  std::string rows_of(std::uint64_t hotel) {
    return watch.run(
        fmt::format("SELECT string_agg(first_seq || '-' || last_seq || ' by ' || writer, ', ' ORDER BY first_seq) "
                    "FROM commits WHERE hotel_id = {}",
                    hotel));
  }
  /// A row as another writer would leave it. In the session's transaction, if it has one.
  static void insert_foreign(raw_session& session, std::uint64_t hotel, std::uint64_t seq, std::int64_t writer = 999) {
    session.run(fmt::format(
        "INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload) VALUES ({}, {}, {}, "
        "0, {}, clock_timestamp(), 'x')",
        hotel, seq, seq, writer));
  }

  test_database database;
  raw_session watch;

private:
  /// A database with the schema, to be copied: made once per server.
  static const std::string& migrated(const std::string& server_url) {
    static std::map<std::string, std::unique_ptr<test_database>> made;
    auto& one = made[server_url];
    if (!one) {
      one = std::make_unique<test_database>(server_url);
      const auto done = persistence::migrate(one->settings());
      if (!done) throw std::runtime_error(done.error());
    }
    return one->name();
  }
};

/// The journal's actors of one incarnation on such a database.
class running_journal {
public:
  metrics counters;
  std::atomic<int> times_fenced{0};

private:
  // What its actors use stands before it, and what holds them after it: it ends when nobody holds a detached actor.
  actor_config config_;
  caf::actor_system system_{config_};

public:
  std::shared_ptr<persistence::journal_environment> environment;
  journal_handles handles;

  explicit running_journal(journal_database& on, std::int64_t incarnation = 1, journal_settings settings = quick())
      : self_(system_) {
    auto probe = on.database.connect();
    const auto lineage = persistence::read_lineage(probe, soon());
    if (!lineage) throw std::runtime_error(lineage.error().message);
    environment = std::make_shared<persistence::journal_environment>(
        persistence::journal_environment{.database = on.database.settings(),
                                         .journal = settings,
                                         .incarnation = incarnation,
                                         .lineage = *lineage,
                                         .board = std::make_shared<persistence::slot_board>(settings.slots),
                                         .counters = counters.journal,
                                         .on_fenced = [this](std::string_view) { ++times_fenced; }});
    handles = persistence::spawn_journal(system_, environment);
  }
  ~running_journal() {
    end_slots();
    for (const auto& h : handles.readers) self_->send_exit(h, caf::exit_reason::user_shutdown);
    for (const auto& h : handles.snapshots) self_->send_exit(h, caf::exit_reason::user_shutdown);
  }
  running_journal(const running_journal&) = delete;
  running_journal& operator=(const running_journal&) = delete;

  static journal_settings quick() {
    journal_settings s;
    s.slots = 2;
    s.append_timeout = std::chrono::seconds{2};
    return s;
  }

  void end_slots() {
    for (const auto& h : handles.slots) self_->send_exit(h, caf::exit_reason::user_shutdown);
  }

  caf::actor_system& system() { return system_; }

  void append(commit c) {
    auto what = std::make_shared<const commit>(std::move(c));
    self_->send(handles.slot_of(what->hotel), append_commit{what});
  }
  /// The next answer of any slot; nothing after `patience`.
  std::optional<append_done> next_done(std::chrono::milliseconds patience = std::chrono::seconds{20}) {
    return next<append_done>(patience);
  }
  append_result append_and_wait(commit c) {
    append(std::move(c));
    const auto done = next_done();
    if (!done) throw std::runtime_error("no answer from the slot");
    return done->result;
  }
  /// Asks the first slot, as a region does.
  void ask_to_hand_over(const hand_over& what) { self_->send(handles.slots.front(), hand_over_shards{{what}}); }
  /// Whether it was; nothing when no answer comes within `patience`.
  std::optional<bool> handed_over(std::chrono::milliseconds patience = std::chrono::seconds{20}) {
    const auto m = next<shards_handed_over>(patience);
    return m ? std::optional<bool>{m->done.at(0)} : std::nullopt;
  }
  /// The first slot that has work or is not settled, if the time that it may be so for is over.
  std::optional<int> at_work() const {
    return environment->board->stalled(steady_now() + std::chrono::seconds{1}, std::chrono::seconds{0}, {});
  }
  hotel_loaded load(std::uint64_t hotel) {
    ask_to_load(hotel);
    return must<hotel_loaded>();
  }
  void ask_to_load(std::uint64_t hotel) { self_->send(handles.reader_of({hotel}), load_hotel{{hotel}}); }
  std::optional<hotel_loaded> next_loaded(std::chrono::milliseconds patience = std::chrono::seconds{20}) {
    return next<hotel_loaded>(patience);
  }
  event_read read(std::uint64_t hotel, std::uint64_t seq) {
    self_->send(handles.reader_of({hotel}), read_event{.hotel = {hotel}, .seq = seq});
    return must<event_read>();
  }
  bool save(const hotel_state& state) {
    self_->send(handles.snapshots_of(state.id), save_snapshot{std::make_shared<const hotel_state>(state)});
    return must<snapshot_saved>().saved;
  }

private:
  template <typename Message>
  std::optional<Message> next(std::chrono::milliseconds patience) {
    std::optional<Message> got;
    self_->receive([&](const Message& m) { got = m; }, caf::after(patience) >> [] {});
    return got;
  }
  template <typename Message>
  Message must() {
    auto m = next<Message>(std::chrono::seconds{20});
    if (!m) throw std::runtime_error("no answer");
    return *m;
  }

  caf::scoped_actor self_;
};

}  // namespace keyrack::testing
