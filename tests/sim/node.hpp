// One incarnation of a node: the real cores of region, hotel pipeline and journal slot, with shells that are simulated. It can be
// frozen (its callbacks wait, the world goes on), killed (they never run), and cut from the database.
#pragma once

#include "actors/hotel_pipeline.hpp"
#include "cluster/region.hpp"
#include "persistence/slot_machine.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/world.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace keyrack::sim {

/// Bugs that are put in on purpose: each must be found, or the simulation proves nothing.
enum class planted : std::uint8_t {
  none,
  doubt_taken_for_applied,     ///< a lost answer of an append is read as success
  doubt_taken_for_absent,      ///< … as failure: appended again without a look, under a new connection
  foreign_row_taken_for_mine,  ///< whatever stands at the sequence number counts as one's own
  append_without_fence,        ///< the statement does not look at the writer's row
  answer_before_commit,        ///< the hotel is told `applied` as its append is sent
  no_lease,                    ///< answers from memory leave without a look at the lease
  serves_before_lease_ended,   ///< a new owner does not wait for the old one's lease
  request_keys_forgotten,      ///< snapshots lose the request keys
  fresh_key_after_unknown,     ///< the client retries under another key
  count,
};

struct faults {
  double lost_answer = 0;      ///< of an append
  double lost_before_run = 0;  ///< of these, the share that was never executed
  double slow = 0;             ///< statements that take long
  double load_fails = 0;
  duration retire_every{0};  ///< hotels are put to sleep by force; 0: never
  std::uint64_t snapshot_events = 1'000;
  planted bug = planted::none;
};

constexpr duration lease_time = 500ms;
constexpr duration lease_margin = 100ms;

class node {
public:
  using answer_handler = std::function<void(const envelope_ptr&, const answer_envelope&)>;
  using bounce_handler = std::function<void(const envelope_ptr&, failure)>;

  node(world& w, database& db, incarnation me, faults f, const bool& database_up, answer_handler answered,
       bounce_handler bounced);

  void send(const envelope_ptr& e);
  void kill() { alive_ = false; }
  void freeze(duration time);
  bool alive() const { return alive_; }
  bool fenced() const { return region_.fenced(); }
  incarnation id() const { return me_; }

private:
  struct hotel {
    std::optional<hotel_pipeline> pipeline;
    std::deque<envelope_ptr> stash;
    std::uint64_t serial = 0;  // of this actor of the hotel
    bool retiring = false;
    bool reported = false;
  };
  struct slot {
    explicit slot(steady_instant now) : machine({.doubt_deadline = std::chrono::seconds{8}}, now) {}
    persistence::slot_machine machine;
    std::shared_ptr<bool> session = std::make_shared<bool>(false);  // whether its statements still run at the server
    bool busy = false;
  };

  void after(duration delay, std::function<void()> what);
  void run_region(const std::function<void(cluster::region::effects&)>& step);
  void run_hotel(hotel_id id, const std::function<void(hotel_pipeline&, hotel_pipeline::effects&)>& step);
  void load(hotel_id id);
  void loaded(hotel_id id, std::optional<hotel_state> state, std::uint64_t snapshot_seq = 0);
  void take(hotel_id id, const envelope_ptr& e);
  void stop_if_finished(hotel_id id);
  void leave(const envelope_ptr& e, const answer_envelope& a);
  bool lease_covers(const leased& l) const;
  void beat();
  void tick();

  slot& slot_of(hotel_id id) { return slots_[id.value % slots_.size()]; }
  void step_slot(slot& s);
  void run_append(slot& s, std::vector<commit_ptr> what);
  void finish_append(slot& s, const std::vector<database::row_result>& rows);
  void tell_verdicts(slot& s);
  persistence::found_commit find(const commit& c) const;

  moment now() const { return {world_.cluster_time(), utc_date(world_.cluster_time())}; }

  world& world_;
  database& db_;
  const incarnation me_;
  const faults faults_;
  const bool& database_up_;
  const answer_handler answered_;
  const bounce_handler bounced_;

  bool alive_ = true;
  bool frozen_ = false;
  std::deque<std::function<void()>> when_thawed_;
  cluster::region region_{10'000};
  std::map<hotel_id, hotel> hotels_;
  std::deque<slot> slots_;
  std::map<std::uint64_t, std::pair<hotel_id, std::uint64_t>> tickets_;  // by whom: hotel and serial
  std::uint64_t last_ticket_ = 0;
  std::uint64_t last_serial_ = 0;
  steady_instant beat_sent_;  // of the last that came back
  std::vector<std::pair<envelope_ptr, answer_envelope>> waits_for_beat_;
};

}  // namespace keyrack::sim
