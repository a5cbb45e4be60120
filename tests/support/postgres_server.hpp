// PostgreSQL for tests: a private server under a temporary directory, on a Unix socket, started, killed and restarted at
// will (by deploy/lib/postgres.sh, which is tested by that too), and fresh databases in it.
#pragma once

#include "actors/ports.hpp"
#include "config/settings.hpp"
#include "persistence/pg_connection.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace keyrack::testing {

/// One server; ended and deleted with this. Not shared by processes.
class postgres_server {
public:
  /// `extra`: `setting=value` each, in addition to those of a private server.
  explicit postgres_server(std::vector<std::string> extra = {}) : extra_(std::move(extra)) {
    remove_orphans();
    const auto name = fmt::format("{}{}-XXXXXX", directory_prefix, getpid());
    std::string pattern = (std::filesystem::temp_directory_path() / name).string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory: " + pattern);
    parent_ = pattern;
    std::filesystem::permissions(parent_, std::filesystem::perms{0755});
    start();
  }
  ~postgres_server() {
    run("remove");
    std::filesystem::remove_all(parent_);
  }
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// Starts it (again), and returns when it answers.
  void start() {
    std::string arguments = " shared_buffers=64MB max_connections=100";
    for (const auto& e : extra_) arguments += " '" + e + "'";
    url_ = run("start", arguments);
  }
  /// kill -9 of all its processes.
  void crash() { run("crash"); }
  void stop() { run("stop"); }

  /// Of the server's own database `keyrack`, which tests leave empty.
  const std::string& url() const { return url_; }

private:
  static constexpr auto directory_prefix = "keyrack-test-";

  /// Servers of test processes that were killed: their directories name the process.
  static void remove_orphans() {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{std::filesystem::temp_directory_path(), ignored}) {
      const auto name = entry.path().filename().string();
      if (!name.starts_with(directory_prefix)) continue;
      const auto owner = name.substr(std::string_view{directory_prefix}.size());
      const auto digits = owner.find_first_not_of("0123456789");
      if (digits == 0 || digits == std::string::npos || owner[digits] != '-') continue;
      if (std::filesystem::exists("/proc/" + owner.substr(0, digits))) continue;
      run_script("remove", entry.path().string(), "");
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }

  std::string run(const std::string& command, const std::string& arguments = {}) const {
    return run_script(command, parent_, arguments);
  }
  static std::string run_script(const std::string& command, const std::string& parent, const std::string& arguments) {
    // Not by __FILE__, which a compiler cache may have made relative to the build directory.
    const std::string script = KEYRACK_SOURCE_DIR "/deploy/lib/postgres.sh";
    const auto line = fmt::format("bash '{}' {} '{}/pg'{}", script, command, parent, arguments);
    std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(line.c_str(), "r"), &pclose};
    if (!pipe) throw std::runtime_error("cannot run " + line);
    std::string said;
    std::array<char, 4096> piece{};
    while (const auto n = fread(piece.data(), 1, piece.size(), pipe.get())) said.append(piece.data(), n);
    if (pclose(pipe.release()) != 0) throw std::runtime_error(line + " failed: " + said);
    while (!said.empty() && said.back() == '\n') said.pop_back();
    return said;
  }

  const std::vector<std::string> extra_;
  std::string parent_;
  std::string url_;
};

/// The server that most tests share: the one of KEYRACK_TEST_DATABASE_URL, or a private one of this process.
inline std::string shared_server_url() {
  static const char* given = std::getenv("KEYRACK_TEST_DATABASE_URL");
  if (given != nullptr) return given;
  static postgres_server ours;
  return ours.url();
}

inline persistence::call_deadline soon(std::chrono::nanoseconds time = std::chrono::seconds{20}) {
  return persistence::call_deadline::in("the test's patience", time);
}

/// A connection as `name`, or a failed test.
inline persistence::pg_connection connect_for_test(const database_settings& settings, std::string_view name = "test") {
  auto c = persistence::pg_connection::connect(settings, name, soon());
  if (!c) throw std::runtime_error(c.error().message);
  return std::move(*c);
}

/// Runs SQL that must work; several statements are allowed.
inline void run_sql(persistence::pg_connection& c, const std::string& sql) {
  const auto done = c.run_script(sql, soon());
  if (!done) throw std::runtime_error(sql + ": " + done.error().message);
}

/// A database of its own on a server, dropped with this.
class test_database {
public:
  /// `like`: a database of the same server to copy, which nobody may be connected to.
  explicit test_database(std::string server_url = shared_server_url(), const std::string& like = "template1")
      : server_(with_url(std::move(server_url))) {
    static std::atomic<int> number{0};
    name_ = fmt::format("keyrack_test_{}_{}", getpid(), ++number);
    auto c = connect_for_test(server_);
    run_sql(c, "CREATE DATABASE " + name_ + " TEMPLATE " + like);
  }
  ~test_database() {
    auto c = persistence::pg_connection::connect(server_, "test", soon());
    if (c) std::ignore = c->run_script("DROP DATABASE " + name_ + " WITH (FORCE)", soon());
  }
  test_database(const test_database&) = delete;
  test_database& operator=(const test_database&) = delete;

  const std::string& name() const { return name_; }
  database_settings settings() const {
    auto url = server_.url.reveal();
    const auto path = url.find("/keyrack?");
    if (path == std::string::npos) throw std::runtime_error("KEYRACK_TEST_DATABASE_URL must name the database keyrack");
    return with_url(url.replace(path, 9, "/" + name_ + "?"));
  }
  persistence::pg_connection connect(std::string_view name = "test") const {
    return connect_for_test(settings(), name);
  }
  void run(const std::string& sql) const {
    auto c = connect();
    run_sql(c, sql);
  }
  /// The one number that a query returns.
  std::int64_t number(const std::string& sql) const {
    auto c = connect();
    const auto copy = std::make_unique<std::string>(sql);
    const auto rows = c.run({.name = "number", .sql = copy->c_str()}, {}, soon());
    if (!rows) throw std::runtime_error(sql + ": " + rows.error().message);
    return rows->integer(0, 0);
  }

private:
  static database_settings with_url(std::string url) {
    database_settings s;
    s.url = secret{std::move(url)};
    return s;
  }

  database_settings server_;
  std::string name_;
};

}  // namespace keyrack::testing
