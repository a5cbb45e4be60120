// Where scripts are played on a real server: a database that lets statements be held open when they have executed, and
// connections of the same few nodes.
#pragma once

#include "tests/persistence/database_operations.hpp"
#include "tests/support/journal_fixture.hpp"

#include <compare>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace keyrack::testing {

constexpr int stage_nodes = 3;
constexpr shard_id stage_shards = 4;

class database_stage {
public:
  database_stage();

  struct cast {
    incarnation_id who = 0;  ///< 0: a start
    sim::role as{};
    int number = 0;  ///< of those of the same name
    auto operator<=>(const cast&) const = default;
  };
  database_lane& lane(const cast& c);
  static std::string role_text(const cast& c);
  static std::string node_name(incarnation_id who);

  /// The first value of what it says.
  std::string ask(const std::string& sql) { return db_.watch.run(sql); }
  enum class wait : std::uint8_t { held, lock };
  /// What waits at a commit for the script, and what for somebody's lock: by name and backend, and by name alone (0).
  std::map<std::pair<std::string, int>, wait> waits();
  void end_backend(const std::string& application_name, int backend);
  /// Only the first nodes are there, with nothing written.
  void reset();
  /// Versions of rows begin there: readers may rely on it that they grow.
  std::int64_t first_version() { return version_ += 1'000; }
  incarnation_id next_incarnation();

private:
  journal_database db_;
  settings settings_;
  persistence::server_lineage lineage_;
  std::int64_t version_ = 0;
  std::map<cast, std::unique_ptr<database_lane>> lanes_;
};

}  // namespace keyrack::testing
