// Nodes at a real database that are fenced, and a latch that stops whoever commits: for tests of fences and hand-overs.
#pragma once

#include "persistence/fence.hpp"
#include "persistence/node_registry.hpp"
#include "tests/support/journal_fixture.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace keyrack::testing {

/// Who changes a row of `table` stops before its commit, with everything executed, as long as this is held.
class commit_latch {
public:
  commit_latch(journal_database& db, const std::string& table) : holder_(db.database.settings(), "latch") {
    db.watch.run("CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS "
                 "'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NULL; END'");
    db.watch.run("CREATE CONSTRAINT TRIGGER latch AFTER UPDATE ON " + table +
                 " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stop_here()");
    holder_.run("SELECT pg_advisory_lock(77)");
  }
  void release() { holder_.run("SELECT pg_advisory_unlock(77)"); }

private:
  raw_session holder_;
};

struct fence_stage : ::testing::Test {
  settings settings_of(const std::string& name,
                       std::chrono::milliseconds lock_timeout = std::chrono::seconds{20}) const {
    settings s;
    s.node.name = name;
    s.database = db.database.settings();
    s.database.statement_timeout = std::chrono::seconds{20};
    s.database.lock_timeout = lock_timeout;
    s.heartbeat.grace = std::chrono::milliseconds{600};
    return s;
  }
  persistence::registration enter(const settings& s) {
    auto place = persistence::register_node(s, "test", {.actor = "127.0.0.1:2", .http = "http://127.0.0.1:1"});
    if (!place) throw std::runtime_error(place.error());
    return std::move(*place);
  }
  std::expected<void, std::string> fence(std::int64_t incarnation) {
    auto c = db.database.connect("fencer");
    return persistence::fence_incarnation(c, incarnation, std::chrono::seconds{10}, soon());
  }
  std::string rows_of_writer(std::int64_t incarnation) {
    return db.watch.run(fmt::format("SELECT count(*) FROM writers WHERE incarnation = {}", incarnation));
  }
  static leased decided_now() {
    leased a;
    a.decided_at = steady_now();
    return a;
  }

  journal_database db;
};

}  // namespace keyrack::testing
