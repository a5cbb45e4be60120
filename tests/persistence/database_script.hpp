// Random scripts on two databases: the simulated one and a real PostgreSQL, step by step. Several connections of several
// nodes begin statements that wait for each other; some stay open when they have executed, until the script commits them or
// ends their connection. After each step both must agree on what has ended, with what outcome, what is open and what waits;
// at the end on all rows. A script ends where PostgreSQL may go on in an order of its own and that would show, which the
// simulated one knows: when one end lets several go on that want the same row next.
#pragma once

#include "tests/persistence/database_stage.hpp"

#include <map>
#include <random>
#include <string>
#include <vector>

namespace keyrack::testing {

/// What was compared, for the test to see that there was something.
struct script_tally {
  int steps = 0;
  int waited = 0;
  int held = 0;
  int killed = 0;
  int lost = 0;
  int free_orders = 0;  ///< scripts that ended early
  std::map<std::string, int> outcomes;

  void add(const script_tally& other);
};

class script {
public:
  script(database_stage& stage, std::uint64_t seed, sim::lie wrong, script_tally& tally);

  /// How the databases disagreed, with the script up to there; empty: not at all.
  std::string run();

private:
  enum class state : std::uint8_t { idle, waits, open, ended };
  struct lane {
    database_stage::cast cast;
    database_lane* real = nullptr;
    sim::session_ptr session;
    sim::transaction_ptr transaction;
    state is = state::idle;
    std::string outcome;  // of the simulated one
    std::string lock;     // by which it is held open
    bool held = false;
    bool dead = false;
    std::vector<commit_ptr> appends;
    incarnation_id removes = 0;  // whose rows of nodes and writers

    bool by_name() const { return cast.as != sim::role::slot_0 && cast.as != sim::role::slot_1; }
    bool busy() const { return is != state::idle; }
  };

  bool over() const { return !disagreement_.empty() || db_.order_shows(); }

  // What can be known of both, and chance.
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(int percent) { return below(100) < static_cast<std::uint64_t>(percent); }
  incarnation_id any_node() { return 1 + static_cast<incarnation_id>(below(stage_nodes)); }
  shard_id any_shard() { return static_cast<shard_id>(below(stage_shards)); }
  std::vector<shard_id> some_shards();
  std::int64_t version_of(shard_id s);
  std::int64_t some_term();
  lane& at(incarnation_id who, sim::role as, int number = 0);
  lane& any_slot();
  lane& any_membership();

  // One step.
  void prepare();
  void step();
  bool commit_one();
  void kill_one();
  void begin_one();
  void write_journal(std::uint64_t kind);
  void coordinate(std::uint64_t kind);
  void change_nodes(std::uint64_t kind);
  void take_role();
  void fence(bool hurried);
  std::vector<commit_ptr> some_commits();
  bool may_remove() const;
  template <typename Asked, typename Fits>
  bool order_is_the_planners(incarnation_id me, std::int64_t term, const std::vector<Asked>& asked, Fits fits) const;
  bool order_is_the_planners(sim::writer_id me, const std::vector<hand_over>& what) const;
  bool waits_for_one_at_most(const std::vector<commit_ptr>& batch) const;

  // On both.
  void begin(lane& l, const operation& op, bool held = false);
  void begin_statement(lane& l, const operation& op);
  void commit(lane& l);
  void kill(lane& l);
  void connect(lane& l);
  void let_go(lane& l);
  void bury();
  void settle();
  void finish(lane& l);
  void expect_rest();
  void say(const lane& l, const std::string& what);
  void disagree(const lane& l, const std::string& what);
  void compare_rows();
  std::string simulated_rows();
  void end_all();

  database_stage& stage_;
  script_tally& tally_;
  std::mt19937_64 random_;
  sim::world world_;
  sim::database db_;
  const std::int64_t first_version_;
  std::map<database_stage::cast, lane> lanes_;
  std::set<incarnation_id> registered_;  // whose names have begun anew
  std::string text_;
  std::string disagreement_;
};

}  // namespace keyrack::testing
