// PostgreSQL as the cluster uses it, and at its worst: statements wait for row locks, are executed or not, their answers come,
// come late or never; the server goes away and comes back; rows of what was committed stay. Says at each commit whether its
// writer may have written it. Refuses to know what events mean, and what any of it is for.
#pragma once

#include "actors/cluster_ports.hpp"
#include "actors/envelope.hpp"
#include "tests/sim/planted.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace keyrack::sim {

using incarnation = incarnation_id;

/// One connection, as the server sees it. When it has ended, what was not committed over it never will be.
struct session {
  incarnation who = 0;
  bool alive = true;
};
using session_ptr = std::shared_ptr<session>;

struct journal_row {
  std::uint64_t last_seq = 0;
  incarnation writer = 0;
  commit_ptr what;
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

class database {
public:
  enum class row_result : std::uint8_t { applied, conflict };

  explicit database(world& w, planted bug) : world_(w), bug_(bug) {}

  // The server.

  bool up() const { return up_; }
  /// Ends all sessions; nothing is answered before it is over.
  void go_away(duration time);
  session_ptr connect(incarnation who);
  void end_sessions(incarnation who);

  // Statements that look at their writer's fence. The row of the fence is share-locked until the commit; `held` says whether
  // the client has not ended the statement yet. `commit(false)`: fenced. Never called when the session ends before.
  void write(const session_ptr& s, duration time, std::function<bool()> held,
             std::function<void(bool unfenced)> commit);

  /// Waits for what is under way of that incarnation; ends its sessions when that takes long.
  void fence(const session_ptr& by, incarnation who, std::function<void()> done);
  bool live(incarnation who) const;

  // The journal; inside `write`.

  std::vector<row_result> append(incarnation me, const std::vector<commit_ptr>& batch);
  const std::map<std::uint64_t, journal_row>& rows(hotel_id hotel) { return rows_[hotel]; }
  const journal_row* find(hotel_id hotel, std::uint64_t first_seq);
  std::uint64_t last_seq(hotel_id hotel);
  /// The event of that number; null when the journal has none.
  std::shared_ptr<const event> event_at(hotel_id hotel, std::uint64_t seq);
  /// In order, those after `after`, up to `up_to`.
  void each_event(hotel_id hotel, std::uint64_t after, std::uint64_t up_to,
                  const std::function<void(const event&)>& visit);

  // The cluster's rows.

  incarnation draw() { return ++last_incarnation_; }
  /// `heartbeat` is the session whose being there tells that the node lives.
  void register_node(incarnation me, const std::string& name, const std::string& address, session_ptr heartbeat);
  struct predecessor {
    incarnation who = 0;
    std::int64_t beat = 0;
    bool connected = false;
  };
  std::vector<predecessor> predecessors(const std::string& name) const;
  void remove_node(incarnation who);
  void leave(incarnation who);
  /// False: fenced.
  bool beat(incarnation me);
  void use_heartbeat(incarnation me, session_ptr heartbeat) { heartbeats_[me] = std::move(heartbeat); }
  void tell_reach(incarnation me, std::vector<incarnation> reaches);
  void tell_leaving(incarnation me);

  std::vector<node_row> read_nodes() const;
  rows_reading read_rest();

  std::int64_t take_role(incarnation me, std::int64_t seen_term);
  bool renew_role(incarnation me, std::int64_t term);
  void give(incarnation me, std::int64_t term, const std::vector<gift>& gifts);
  void begin_moves(incarnation me, std::int64_t term, const std::vector<beginning_move>& moves);
  void call_off(incarnation me, std::int64_t term, const std::vector<called_off>& moves);
  void finish_rebalance(incarnation me, std::int64_t term);
  std::vector<bool> hand_over(incarnation me, const std::vector<keyrack::hand_over>& what);

  // What operators do.

  struct wishes_of_node {
    int weight = 100;
    bool drained = false;
  };
  std::map<std::string, wishes_of_node> wishes;
  std::map<shard_id, std::string> pins;
  std::vector<move_wish> moves_asked;
  bool rebalance_asked = false;

  std::map<hotel_id, std::shared_ptr<const hotel_state>> snapshots;
  const coordinator_row& coordinator() const { return coordinator_; }
  const shard_row& shard(shard_id s) const { return shards_[static_cast<std::size_t>(s)]; }
  int fences = 0;
  int gifts = 0;
  int hand_overs = 0;
  std::vector<std::string> violations;

private:
  struct writer {
    std::string node;
    bool fenced = false;
    int fences_waiting = 0;
    std::vector<session_ptr> lockers;
  };
  bool locked(writer& w);
  void try_commit(const session_ptr& s, std::function<bool()> held, std::function<void(bool)> commit);
  void try_fence(const session_ptr& by, incarnation who, duration since, std::function<void()> done);
  bool has_role(incarnation me, std::int64_t term) const {
    return coordinator_.holder == me && coordinator_.term == term;
  }
  shard_row& changed(shard_id s);

  world& world_;
  const planted bug_;
  bool up_ = true;
  std::vector<session_ptr> sessions_;
  incarnation last_incarnation_ = 0;
  std::map<incarnation, writer> writers_;
  std::map<incarnation, node_row> nodes_;
  std::map<incarnation, session_ptr> heartbeats_;
  std::vector<shard_row> shards_ = std::vector<shard_row>(shards_count);
  std::shared_ptr<const std::vector<shard_row>> shards_read_;  // as they are; null when they have changed since
  std::int64_t routes_version_ = 0;
  coordinator_row coordinator_;
  std::map<hotel_id, std::map<std::uint64_t, journal_row>> rows_;
};

}  // namespace keyrack::sim
