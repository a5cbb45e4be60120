// PostgreSQL as the cluster uses it, and at its worst: statements wait for row locks, are executed and stay open, commit or
// not, and wait for a standby; the server goes away, comes back, or another takes its place. Each statement stands for one of
// the product's and has its outcome, its locks and their order; tests/persistence/simulated_database_test.cpp compares the
// two. Says at each append whether its writer may have written it. Refuses to know what events mean, and what any of it is for.
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/envelope.hpp"
#include "persistence/slot_machine.hpp"
#include "tests/sim/planted.hpp"
#include "tests/sim/row_locks.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keyrack::sim {

using incarnation = incarnation_id;

enum class role : std::uint8_t { start, heartbeat, membership, slot_0, slot_1 };

/// One connection, as the server sees it. When it has ended, what was not committed over it never will be.
struct session {
  incarnation who = 0;
  role as{};
  bool alive = true;
  duration lock_timeout{0};  ///< 0: waits for ever
  std::uint64_t lineage = 0;
  std::weak_ptr<transaction> open;
};

/// A row of `writers`: journal slots from 0, the node's own after them.
struct writer_id {
  incarnation who = 0;
  int slot = 0;
  auto operator<=>(const writer_id&) const = default;
};
constexpr int slots_of_node = 2;
constexpr int node_slot = slots_of_node;
constexpr int writer_rows = slots_of_node + 1;

struct journal_row {
  std::uint64_t last_seq = 0;
  incarnation writer = 0;
  commit_ptr what;
};

/// What lasts.
struct tables {
  struct writer {
    std::string node;
    bool fenced = false;
    bool reason_told = false;
  };
  struct wishes_of_node {
    int weight = 100;
    bool drained = false;
  };
  std::map<writer_id, writer> writers;
  std::map<incarnation, node_row> nodes;
  std::vector<shard_row> shards = std::vector<shard_row>(shards_count);
  std::int64_t routes_version = 0;  // the sum of the shards' versions
  coordinator_row coordinator;
  bool rebalance_asked = false;
  std::vector<move_wish> moves_asked;
  std::map<hotel_id, std::map<std::uint64_t, journal_row>> commits;
  std::map<hotel_id, std::shared_ptr<const hotel_state>> snapshots;

  /// The row, as it is changed.
  shard_row& change(shard_id s) {
    auto& row = shards[static_cast<std::size_t>(s)];
    ++row.version;
    ++routes_version;
    return row;
  }
  const shard_row& shard(shard_id s) const { return shards[static_cast<std::size_t>(s)]; }
  bool unfenced(const writer_id& w) const {
    const auto found = writers.find(w);
    return found != writers.end() && !found->second.fenced;
  }
  /// Whether any of its writers may still write.
  bool live(incarnation who) const {
    for (auto w = writers.lower_bound({who, 0}); w != writers.end() && w->first.who == who; ++w) {
      if (!w->second.fenced) return true;
    }
    return false;
  }
  bool has_role(incarnation me, std::int64_t term) const {
    return coordinator.holder == me && coordinator.term == term;
  }
};

/// All rows but those of the nodes, as of one statement.
struct rows_reading {
  std::shared_ptr<const std::vector<shard_row>> shards;
  std::int64_t routes_version = 0;
  std::map<shard_id, std::string> pins;
  std::vector<move_wish> wishes;
  coordinator_row coordinator;
  bool rebalance_asked = false;
};

struct append_answer {
  bool fenced = false;         ///< zero rows
  std::vector<bool> inserted;  ///< parallel to the batch, when not fenced
};
struct beat_answer {
  bool there = false;   ///< the node has a row
  bool fenced = false;  ///< in the statement's snapshot
  instant clock;
};

/// What the simulated database can be made to do differently from the real one: each must be found by comparing them.
enum class lie : std::uint8_t {
  none,
  fence_takes_no_lock,      ///< it waits for no append, and no append for it
  fence_seen_at_beginning,  ///< an append that waited for a fence goes on as if there were none
  conflict_fails_neighbours,
  conflict_not_waited_for,  ///< a row that is not committed yet is no row
  hand_over_ignores_version,
  enlist_ignores_locks,
  count,
};

class database {
public:
  database(world& w, planted bug, lie wrong = lie::none) : world_(w), bug_(bug), lie_(wrong) {}

  // The server.

  bool up() const { return up_; }
  std::uint64_t lineage() const { return lineage_; }
  instant clock() const { return std::chrono::sys_days{std::chrono::year{2030} / 1 / 1} + world_.now() + clock_offset; }
  /// Ends all sessions; nothing is answered before it is over.
  void go_away(duration time);
  /// From now on a commit is answered, and seen, when the standby has it: `lag` is how long that takes at most.
  void add_standby(duration lag);
  /// The standby receives nothing for so long, and commits wait.
  void hold_standby(duration time);
  bool has_standby() const { return standby_.has_value(); }
  /// The standby takes over: with all that the primary has written, or without what it had not received yet.
  void fail_over(bool with_tail, duration time);

  session_ptr connect(incarnation who, role as, duration lock_timeout = duration{0});
  void end(const session_ptr& s);
  void end_sessions(incarnation who);
  void end_sessions(incarnation who, role as);
  /// All others of that one's name; how many.
  int end_namesakes(const session_ptr& s);

  // Transactions: of one statement each, which is one of those below. `then` is called when it has executed; it is open until
  // `commit`. Never called when the session ends before, or its lock_timeout.

  /// Null: there is no such session any more, or it has another open.
  transaction_ptr begin(const session_ptr& s);
  /// `done` when it holds and is known to: not, when its session ends while it waits for the standby.
  void commit(const transaction_ptr& t, std::function<void()> done = [] {});

  template <typename R>
  using then = std::function<void(R)>;

  void append(const transaction_ptr& t, writer_id me, const std::vector<commit_ptr>& batch,
              then<append_answer> executed);
  void enlist(const transaction_ptr& t, writer_id me, then<bool> executed);
  void fence(const transaction_ptr& t, incarnation who, then<int> executed);
  void save_snapshot(const transaction_ptr& t, writer_id me, std::shared_ptr<const hotel_state> state,
                     then<bool> executed);

  /// `heartbeat` is the session whose being there tells that the node lives.
  void register_node(const transaction_ptr& t, incarnation me, const std::string& name, const std::string& address,
                     then<bool> executed);
  /// Rows of those who may not write any more.
  void remove_fenced_nodes(const transaction_ptr& t, then<bool> executed);
  void beat(const transaction_ptr& t, incarnation me, then<beat_answer> executed);
  void tell_reach(const transaction_ptr& t, incarnation me, std::vector<incarnation> reaches, then<bool> executed);
  void tell_leaving(const transaction_ptr& t, incarnation me, then<bool> executed);
  void remove_node(const transaction_ptr& t, incarnation who, then<bool> executed);
  void leave(const transaction_ptr& t, incarnation who, then<bool> executed);

  /// The new term, or 0.
  void take_role(const transaction_ptr& t, incarnation me, std::int64_t seen_term, then<std::int64_t> executed);
  void renew_role(const transaction_ptr& t, incarnation me, std::int64_t term, then<bool> executed);
  // How many rows were changed.
  void give(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<gift> given, then<int> executed);
  void begin_moves(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<beginning_move> moves,
                   then<int> executed);
  void call_off(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<called_off> moves,
                then<int> executed);
  void refuse_wishes(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<refused_wish> refused,
                     then<int> executed);
  void finish_rebalance(const transaction_ptr& t, incarnation me, std::int64_t term, then<bool> executed);
  void hand_over(const transaction_ptr& t, writer_id me, std::vector<keyrack::hand_over> what,
                 then<std::vector<bool>> executed);

  /// As persistence/fence: its statement again and again, ending the other's sessions each time that its locks were in the
  /// way for `lock_timeout`. `done(false)`: there is nothing to fence. Never called when the session ends.
  void fence_patiently(const session_ptr& s, incarnation who, duration lock_timeout, std::function<void(bool)> done);

  // Statements that only read: of what is committed.

  std::vector<persistence::found_commit> look(incarnation me, const std::vector<commit_ptr>& at) const;
  bool fenced(incarnation who) const;
  std::vector<node_row> read_nodes() const;
  rows_reading read_rest();
  struct predecessor {
    incarnation who = 0;
    std::int64_t beat = 0;
    bool connected = false;
  };
  std::vector<predecessor> predecessors(const std::string& name) const;

  incarnation draw() { return ++last_incarnation_; }
  const std::map<std::uint64_t, journal_row>& rows(hotel_id hotel) { return now_.commits[hotel]; }
  std::uint64_t last_seq(hotel_id hotel);
  /// The event of that number; null when the journal has none.
  std::shared_ptr<const event> event_at(hotel_id hotel, std::uint64_t seq);
  /// In order, those after `after`, up to `up_to`.
  void each_event(hotel_id hotel, std::uint64_t after, std::uint64_t up_to,
                  const std::function<void(const event&)>& visit);
  const tables& rows() const { return now_; }
  row_locks::hold held(const row_key& row) const { return locks_.held(row); }
  /// Whether PostgreSQL might have done something else at some point, by an order that it does not promise.
  bool order_shows() const { return locks_.order_shows(); }

  // What operators do, at once and for good.

  std::map<std::string, tables::wishes_of_node> wishes;
  std::map<shard_id, std::string> pins;
  void change(const std::function<void(tables&)>& how);

  std::chrono::microseconds clock_offset{0};
  int fences = 0;
  int gifts = 0;
  int hand_overs = 0;
  int lock_timeouts = 0;
  std::vector<std::string> violations;

private:
  using rows_to_lock = std::shared_ptr<const std::vector<row_key>>;
  template <typename Granted>
  void lock(const transaction_ptr& t, const row_key& row, lock_mode mode, Granted granted);
  void lock_all(const transaction_ptr& t, const rows_to_lock& rows, std::size_t from, std::function<void()> granted);
  void with_fence(const transaction_ptr& t, writer_id me, std::function<void(bool)> go_on);
  void as_coordinator(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<shard_id> shards,
                      std::function<void(bool)> go_on);
  template <typename Asked, typename Effect>
  void change_shards(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<shard_id> shards,
                     std::vector<Asked> asked, Effect effect, then<int> executed);
  void on_coordinator_row(const transaction_ptr& t, incarnation me, std::int64_t term,
                          std::function<void(tables&)> effect, then<bool> executed);
  void on_node_row(const transaction_ptr& t, incarnation me, std::function<void(node_row&)> effect,
                   then<bool> executed);
  void watch_lock_timeout(const transaction_ptr& t);
  void abort(const transaction_ptr& t);
  void finish(const transaction_ptr& t);
  void end_all();
  struct appending {
    writer_id me;
    std::vector<commit_ptr> batch;
    append_answer answer;
    then<append_answer> executed;
  };
  void insert(const transaction_ptr& t, const std::shared_ptr<appending>& what, std::size_t from);
  void insert_one(const transaction_ptr& t, appending& what, std::size_t i);
  void check_writer(incarnation me, hotel_id hotel);
  rows_to_lock writers_of(incarnation who) const;

  world& world_;
  const planted bug_;
  const lie lie_;
  bool up_ = true;
  std::uint64_t lineage_ = 1;
  tables now_;
  row_locks locks_;
  std::vector<session_ptr> sessions_;
  incarnation last_incarnation_ = 0;
  std::map<incarnation, session_ptr> heartbeats_;
  std::shared_ptr<const std::vector<shard_row>> shards_read_;  // of `shards_read_version_`
  std::int64_t shards_read_version_ = -1;

  struct standby {
    tables rows;
    duration lag{};
    duration held_until{};
    std::vector<std::function<void(tables&)>> tail;  // written by the primary, not yet received
    std::uint64_t received = 0;
    std::uint64_t written = 0;
  };
  void receive(std::uint64_t up_to);
  std::optional<standby> standby_;
};

}  // namespace keyrack::sim
