// One incarnation of a node: the real cores of region, hotel pipeline, journal slot, lookout and plan, with shells that are
// simulated: as cluster/region_actor, actors/hotel_actor, persistence/journal_slot_actor, persistence/heartbeat and
// cluster/membership are.
#pragma once

#include "actors/hotel_pipeline.hpp"
#include "cluster/lookout.hpp"
#include "cluster/region.hpp"
#include "persistence/lease.hpp"
#include "persistence/slot_board.hpp"
#include "persistence/slot_machine.hpp"
#include "tests/sim/environment.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace keyrack::sim {

class node {
public:
  /// `heartbeat` is the connection over which it was registered.
  node(environment& env, process& in, incarnation me, session_ptr heartbeat);

  void start();
  void take(const envelope_ptr& e);
  /// Asks for its shards to be taken over, and ends.
  void leave();
  /// Something has changed: looks at the rows soon.
  void nudge();
  incarnation id() const { return me_; }
  bool fenced() const { return region_.fenced(); }
  /// One of its journal slots stands still from now on, for ever.
  void stall_slot();

private:
  struct hotel {
    std::optional<hotel_pipeline> pipeline;
    std::deque<envelope_ptr> stash;
    std::uint64_t serial = 0;  // of this actor of the hotel
    bool retiring = false;
    bool snapshot = true;
    bool reported = false;
  };
  struct slot {
    explicit slot(steady_instant now) : machine({.doubt_deadline = std::chrono::seconds{6}}, now) {}
    persistence::slot_machine machine;
    session_ptr connection;
    bool busy = false;
    bool stuck = false;
  };

  void after(duration delay, happening what);
  void fence_learnt();

  // The region and its hotels.
  void run_region(const std::function<void(cluster::region::effects&)>& step);
  void run_hotel(hotel_id id, const std::function<void(hotel_pipeline&, hotel_pipeline::effects&)>& step);
  void announce(const cluster::region::announcement& a);
  void set_timer();
  void load(hotel_id id);
  void loaded(hotel_id id, std::optional<hotel_state> state, std::uint64_t snapshot_seq = 0);
  void take_in_hotel(hotel_id id, const envelope_ptr& e);
  void carry_out(hotel_id id, const hotel& h, const hotel_pipeline::effects& out);
  void keep_snapshot(const std::shared_ptr<const hotel_state>& state);
  void stop_if_finished(hotel_id id);
  void tick();
  moment now(const hotel_pipeline& p) const;

  // Answers from memory.
  void answer(const envelope_ptr& e, const answer_envelope& a);
  void beat();
  void beat_ended(steady_instant sent, const std::optional<beat_answer>& answer);
  void beat_again(duration delay);
  void lose_heartbeat();
  bool held_back() const;
  void look_for_fence();
  void serve_waiters();

  // The journal's slots.
  slot& slot_of(hotel_id id) { return slots_[id.value % slots_.size()]; }
  int number_of(const slot& s) const { return &s == &slots_.front() ? 0 : 1; }
  role role_of(const slot& s) const { return number_of(s) == 0 ? role::slot_0 : role::slot_1; }
  void step_slot(slot& s);
  void slot_done(slot& s);
  void connect_slot(slot& s);
  void end_old(slot& s);
  void enlist(slot& s);
  void look_for(slot& s, const std::vector<commit_ptr>& at);
  bool hand_over_next(slot& s);
  void hand_over(slot& s);
  void answer_hand_overs(const std::vector<keyrack::hand_over>& what, const std::vector<bool>& done);
  void run_append(slot& s, const std::vector<commit_ptr>& what);
  void finish_append(slot& s, const append_answer& answer);
  void lose(slot& s);
  void tell_verdicts(slot& s);

  // Membership.
  using next = std::function<void()>;
  void look();
  void look_again();
  void drop_role_session();
  void observe(steady_instant asked_at);
  void publish(std::vector<node_row> nodes, const rows_reading& rest);
  void give_to_region(const std::vector<shard_row>& rows);
  void give_late_rows_to_region(std::vector<shard_row> rows);
  void tell_reach(const next& then);
  void coordinate(const next& then);
  cluster::plan_actions plan_next();
  void carry_out(const cluster::plan_actions& actions, const next& then);
  void fence(std::vector<cluster::fencing> whom, const next& then);
  template <typename R>
  void write_row(std::function<void(const transaction_ptr&, database::then<R>)> statement, std::function<void(R)> then);
  void change_rows(std::function<void(const transaction_ptr&, database::then<int>)> statement, const next& then);
  void run_steps(std::vector<std::function<void(const transaction_ptr&, database::then<int>)>> steps, const next& then);
  void take_role(const next& then);
  void leave_if_done();

  environment& env_;
  process& in_;
  const incarnation me_;
  bool gone_ = false;  // fenced or left: no more beats, looks and answers from memory

  cluster::region region_;
  std::map<hotel_id, hotel> hotels_;
  std::deque<slot> slots_;
  std::map<std::uint64_t, std::pair<hotel_id, std::uint64_t>> tickets_;  // by whom: hotel and serial
  std::uint64_t last_ticket_ = 0;
  std::uint64_t last_serial_ = 0;
  std::vector<keyrack::hand_over> handing_over_;
  bool timer_set_ = false;

  session_ptr heartbeat_;
  bool answered_ = true;  // the last beat came back
  steady_instant answered_since_{};
  const std::uint64_t lineage_;  // of the server where it was registered
  bool started_ = false;
  persistence::lease lease_{lease_time};
  persistence::carried_clock clock_{std::chrono::seconds{1}};
  persistence::slot_board board_{slots_of_node};
  std::vector<std::pair<envelope_ptr, answer_envelope>> waits_for_beat_;

  session_ptr role_session_;
  cluster::lookout lookout_;
  cluster_rows rows_;
  std::int64_t routes_version_ = -1;
  std::int64_t term_ = 0;
  std::optional<std::vector<incarnation>> reach_told_;
  bool urgent_ = false;
  bool nudged_ = false;
  bool looking_ = false;
  std::uint64_t rest_number_ = 0;        // of the pause under way
  std::vector<std::int64_t> idle_view_;  // the last for which there was nothing to do
  bool leaving_ = false;
  bool leaving_told_ = false;
  duration leaving_since_{};
};

}  // namespace keyrack::sim
