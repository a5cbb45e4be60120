// What operators see of the cluster and ask of it: the answers' shapes, and the port behind HTTP. Implemented by persistence
// over the cluster's rows, so that it needs no node but the one that asks. Refuses to know what is planned, and how shards move.
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/ports.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace keyrack {

/// A node's share in the cluster; an operator's wish is from 0 to this. 100 unless somebody wished otherwise.
inline constexpr int node_weight_max = 10'000;

/// A node that is there, and what it has.
struct node_status {
  node_row row;
  instant started_at{};
  std::chrono::milliseconds beat_age{};  ///< by the database's clock
  int shards = 0;
  int arriving = 0;   ///< shards of others on their way to it
  int departing = 0;  ///< of its shards
  int pinned = 0;     ///< shards that are to be on it
};

/// A node that is known by a wish, a pin, or an earlier life, and is not there.
struct absent_node {
  std::string name;
  int weight = 100;
  bool drained = false;
  int pinned = 0;
  std::optional<instant> gone_at;  ///< nothing: it never was there
  std::string gone_for;            ///< why it was fenced; empty: it left by itself
};

/// Shards that go the same way for the same reason.
struct shard_flow {
  std::string from;
  std::string to;
  std::string reason;
  int shards = 0;
  bool operator==(const shard_flow&) const = default;
};

/// What moving so many shards means for guests: each hotel in them answers a little later, once; no request fails.
struct move_cost {
  int shards = 0;
  std::int64_t hotels = 0;                            ///< in them, about
  int at_a_time = 0;                                  ///< shards that move at once
  std::optional<std::chrono::milliseconds> each_p50;  ///< of the last moves; nothing: there were none
};

/// A move of one shard: asked for, under way, or past.
struct move_row {
  std::int64_t id = 0;
  shard_id shard = 0;
  std::string from;  ///< empty until it begins
  std::string to;
  std::string reason;   ///< operator, pinned, drained, leaving, balance, rebalance, cut off
  std::string outcome;  ///< asked, moving, moved, called off, refused
  std::string detail;   ///< why it was called off or refused
  instant asked_at{};
  std::optional<instant> begun_at;
  std::optional<instant> ended_at;
};

struct cluster_status {
  instant at{};
  std::vector<node_status> nodes;   ///< by name
  std::vector<absent_node> absent;  ///< by name
  std::string coordinator;          ///< its name; empty: nobody
  incarnation_id coordinator_incarnation = 0;
  std::int64_t term = 0;
  std::int64_t routes_version = 0;
  int without_owner = 0;              ///< shards that nobody serves
  int moving = 0;                     ///< shards under way
  int moves_asked = 0;                ///< by operators, not begun
  std::vector<shard_flow> moves;      ///< under way
  std::vector<shard_flow> planned;    ///< that the coordinator will begin
  bool rebalance_running = false;     ///< an operator asked for it, and it is not done
  move_cost left;                     ///< of both
  std::vector<std::string> concerns;  ///< what is not well and what to do, most urgent first; empty: all is well
};

/// Where a hotel lives.
struct hotel_place {
  hotel_id hotel;
  shard_id shard = 0;
  std::string owner;  ///< a node's name; empty: nobody, for the moment
  incarnation_id owner_incarnation = 0;
  std::string owner_http_address;
  std::string moving_to;       ///< a node's name; empty: it stays
  std::string pinned_to;       ///< empty: it is not
  std::uint64_t sequence = 0;  ///< of the last event in the journal
};

/// What was wished of a node, and what follows from it.
struct node_change {
  std::string node;
  int weight = 100;
  bool drained = false;
  bool there = false;
  int shards = 0;                   ///< that it has now
  std::vector<shard_flow> follows;  ///< all moves that the coordinator plans now
  move_cost cost;
};

/// A pin, and where its shard is.
struct pin_change {
  shard_id shard = 0;
  std::string pinned_to;  ///< empty: it is not pinned
  std::string owner;
  bool moves = false;  ///< it is elsewhere, and will move
};

/// A node's shards before and after.
struct node_balance {
  std::string node;
  int weight = 100;
  int before = 0;
  int after = 0;
};
struct planned_move {
  shard_id shard = 0;
  std::string from;
  std::string to;
  std::string reason;
};
struct rebalance_answer {
  bool asked = false;  ///< it runs now; false: a dry run, or there is nothing to move
  std::vector<planned_move> moves;
  std::vector<node_balance> nodes;  ///< by name
  move_cost cost;
};

struct move_page {
  std::vector<move_row> rows;  ///< newest first
  bool more = false;
};

/// What an operator may ask. Asynchronous like `records`: each callback comes once, on a thread of the implementation, before
/// the deadline or with `deadline_exceeded`. What is refused comes as a failure with its code and a sentence that says what to do.
class operations {
public:
  template <typename T>
  using then = record_callback<T>;
  virtual ~operations() = default;

  virtual void status(steady_instant deadline, then<cluster_status> tell) = 0;
  virtual void where(hotel_id hotel, steady_instant deadline, then<hotel_place> tell) = 0;
  /// Those with an id below `before`.
  virtual void list_moves(std::optional<std::int64_t> before, int limit, steady_instant deadline,
                          then<move_page> tell) = 0;

  // Of these each may be asked again, and changes nothing then.
  virtual void set_drained(std::string node, bool drained, steady_instant deadline, then<node_change> tell) = 0;
  virtual void set_weight(std::string node, int weight, steady_instant deadline, then<node_change> tell) = 0;
  virtual void pin(shard_id shard, std::string node, steady_instant deadline, then<pin_change> tell) = 0;
  virtual void unpin(shard_id shard, steady_instant deadline, then<pin_change> tell) = 0;
  /// Of one that is open already: that one.
  virtual void move(shard_id shard, std::string node, steady_instant deadline, then<move_row> tell) = 0;

  virtual void rebalance(bool dry_run, steady_instant deadline, then<rebalance_answer> tell) = 0;
};

}  // namespace keyrack
