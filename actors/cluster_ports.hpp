// What the cluster needs of what lasts: who is there, who owns which shard, who coordinates. Rows as they lie in the
// database, and the statements on them that are each safe by themselves. Implemented by persistence, used by cluster.
#pragma once

#include "actors/domain/shard.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack {

/// Names one life of a node, drawn from the database at its start and never given twice. 0: nobody.
using incarnation_id = std::int64_t;
using shard_id = std::int16_t;

struct node_row {
  incarnation_id incarnation = 0;
  std::string name;
  std::string actor_address;  ///< host:port of its transport
  std::string http_address;
  std::string version;
  std::int64_t beat = 0;
  std::vector<incarnation_id> reaches;  ///< the peers that it has links with, as it said last
  int weight = 100;                     ///< the operator's wish; 0: no shards
  bool drained = false;                 ///< the operator's wish: no shards
  bool leaving = false;                 ///< it wants to go, and waits until its shards are gone
  bool connected = false;               ///< its heartbeat's backend is at the database
};

struct shard_row {
  incarnation_id owner = 0;  ///< 0: nobody. An owner that is not among the nodes is dead.
  incarnation_id target = 0;
  std::int64_t version = 0;  ///< counts all changes of this row
  bool after_fence = false;  ///< the owner before was fenced: it may still answer from memory until its lease ends
};

struct coordinator_row {
  incarnation_id holder = 0;
  std::int64_t term = 0;
  std::int64_t beat = 0;
};

/// A move that an operator asked for and that has not begun.
struct move_wish {
  std::int64_t id = 0;
  shard_id shard = 0;
  std::string node;
};

/// The cluster as of one reading. Its parts are read one after the other, so that all who act on it compare versions.
struct cluster_rows {
  std::vector<node_row> nodes;  ///< in the order of incarnations
  std::vector<shard_row> shards = std::vector<shard_row>(shards_count);
  std::map<shard_id, std::string> pins;
  std::vector<move_wish> wishes;
  coordinator_row coordinator;
  bool rebalance_asked = false;

  /// Grows with every change of any shard.
  std::int64_t routes_version() const {
    std::int64_t sum = 0;
    for (const auto& s : shards) sum += s.version;
    return sum;
  }
  const node_row* find(incarnation_id who) const {
    for (const auto& n : nodes) {
      if (n.incarnation == who) return &n;
    }
    return nullptr;
  }
};

/// One shard given from an owner that is dead, or nobody, to a node.
struct gift {
  shard_id shard = 0;
  std::int64_t version = 0;  ///< that was seen: nothing happens when it is another by now
  incarnation_id to = 0;
  bool after_fence = false;
  bool operator==(const gift&) const = default;
};

/// A planned move that begins: its row gets a target.
struct beginning_move {
  shard_id shard = 0;
  std::int64_t version = 0;
  incarnation_id from = 0;
  incarnation_id to = 0;
  std::string_view reason;  ///< a literal
  std::int64_t wish = 0;    ///< that it fulfils; 0: none
  bool operator==(const beginning_move&) const = default;
};

/// A planned move that is called off: its row loses its target.
struct called_off {
  shard_id shard = 0;
  std::int64_t version = 0;
  std::string_view reason;
  bool operator==(const called_off&) const = default;
};

/// A wish that cannot come true as things are: told to who asked, rather than kept for ever.
struct refused_wish {
  std::int64_t id = 0;
  std::string_view reason;  ///< a literal
  bool operator==(const refused_wish&) const = default;
};

/// One hand-over by the owner: what the row must be, and who is next.
struct hand_over {
  shard_id shard = 0;
  std::int64_t version = 0;
  incarnation_id target = 0;
  bool operator==(const hand_over&) const = default;
};

/// Statements on the cluster's tables, on one connection of one incarnation. Blocking: for one thread of its own. Errors are
/// sentences; after one nothing is known of whether the statement was executed, and the next call connects anew.
class cluster_store {
public:
  template <typename T>
  using result = std::expected<T, std::string>;
  virtual ~cluster_store() = default;

  virtual result<cluster_rows> read() = 0;

  /// Takes the coordinator's role from whoever had it in `seen`. The new term, or 0 when somebody else was first or this
  /// incarnation is fenced. Ends the backends of a holder that holds locks for too long.
  virtual result<std::int64_t> take_role(const coordinator_row& seen) = 0;
  /// Counts the coordinator's beat up; false when the role is somebody else's by now.
  virtual result<bool> renew_role(std::int64_t term) = 0;

  /// Fences an incarnation and takes its row away. Needs no role: fencing is always safe.
  virtual result<void> fence(incarnation_id who, std::string_view reason) = 0;

  // Conditional on the role's term, each row on its version. How many rows were changed.
  virtual result<int> give(std::int64_t term, const std::vector<gift>& gifts) = 0;
  virtual result<int> begin_moves(std::int64_t term, const std::vector<beginning_move>& moves) = 0;
  virtual result<int> call_off(std::int64_t term, const std::vector<called_off>& moves) = 0;
  virtual result<int> refuse_wishes(std::int64_t term, const std::vector<refused_wish>& wishes) = 0;
  virtual result<void> finish_rebalance(std::int64_t term) = 0;

  /// What this node says of itself.
  virtual result<void> tell_reach(const std::vector<incarnation_id>& reaches) = 0;
  virtual result<void> tell_leaving() = 0;
};

}  // namespace keyrack
