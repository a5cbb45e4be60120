// One incarnation of a node: the real cores of region, hotel pipeline, journal slot, silence and plan, with shells that are
// simulated: as cluster/region_actor, actors/hotel_actor, persistence/journal_slot_actor, persistence/heartbeat and
// cluster/membership are.
#pragma once

#include "actors/hotel_pipeline.hpp"
#include "cluster/plan.hpp"
#include "cluster/region.hpp"
#include "cluster/silence.hpp"
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
    std::vector<session_ptr> old;  // the server's still: what they were told last may yet run
    bool busy = false;
  };

  void after(duration delay, std::function<void()> what);
  void fence_learnt();

  // The region and its hotels.
  void run_region(const std::function<void(cluster::region::effects&)>& step);
  void run_hotel(hotel_id id, const std::function<void(hotel_pipeline&, hotel_pipeline::effects&)>& step);
  void set_timer();
  void load(hotel_id id);
  void loaded(hotel_id id, std::optional<hotel_state> state, std::uint64_t snapshot_seq = 0);
  void take_in_hotel(hotel_id id, const envelope_ptr& e);
  void carry_out(hotel_id id, const hotel& h, const hotel_pipeline::effects& out);
  void keep_snapshot(hotel_id id, const std::shared_ptr<const hotel_state>& state);
  void stop_if_finished(hotel_id id);
  void tick();
  moment now() const { return {env_.w.cluster_time(), utc_date(env_.w.cluster_time())}; }

  // Answers from memory.
  void answer(const envelope_ptr& e, const answer_envelope& a);
  bool lease_covers(const leased& l) const;
  void beat();
  void serve_waiters();

  // The journal's slots.
  slot& slot_of(hotel_id id) { return slots_[id.value % slots_.size()]; }
  void step_slot(slot& s);
  bool hand_over_next(slot& s);
  void write_on_slot(slot& s, duration arrives, std::function<void(bool)> commit, std::function<void(bool)> then);
  void run_append(slot& s, std::vector<commit_ptr> what);
  void finish_append(slot& s, const std::vector<database::row_result>& rows);
  void lose(slot& s);
  void tell_verdicts(slot& s);
  persistence::found_commit find(const commit& c) const;

  // Membership.
  using next = std::function<void()>;
  void look();
  void look_again();
  void drop_role_session();
  void observe(steady_instant asked_at);
  void publish(const rows_reading& rest);
  void give_to_region(const std::vector<shard_row>& rows);
  void give_late_rows_to_region(std::vector<shard_row> rows);
  void tell_reach(const next& then);
  void coordinate(const next& then);
  bool holder_is_gone(const cluster::plan_hints& h) const;
  cluster::plan_hints hints();
  void find_late_moves(cluster::plan_hints& h);
  void find_cut_off(cluster::plan_hints& h);
  cluster::plan_actions plan_next(const cluster::plan_hints& h);
  void carry_out(const cluster::plan_actions& actions, const next& then);
  void fence(std::vector<cluster::fencing> whom, const next& then);
  /// A statement under this node's fence.
  void write_as_coordinator(std::function<void()> statement, const next& then);
  const node_row* find_node(incarnation who) const;
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
  steady_instant beat_sent_;  // of the last that came back
  std::vector<std::pair<envelope_ptr, answer_envelope>> waits_for_beat_;

  session_ptr role_session_;
  cluster::silence beats_{grace, grace / 2};
  cluster::silence role_beats_{grace, grace / 2};
  std::vector<node_row> nodes_;
  rows_reading rest_;
  std::int64_t routes_version_ = -1;
  std::int64_t term_ = 0;
  std::optional<std::vector<incarnation>> reach_told_;
  std::map<shard_id, std::pair<std::int64_t, duration>> moves_seen_;
  std::set<incarnation> outside_;
  duration outside_since_{};
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
