// One process on one machine, over several incarnations: its router and its links to others, as cluster/node_router,
// cluster/forwarding and the transport are, around the cores of `node`. It can be killed (nothing runs any more) and frozen
// (all that comes waits, the world goes on).
#pragma once

#include "tests/sim/environment.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace keyrack::sim {

class node;

constexpr duration statement_timeout = 600ms;

enum class link_state : std::uint8_t { connecting, linked, refused, lost };

class process {
public:
  process(environment& env, int machine);
  ~process();

  // To it, from outside.

  /// A client's request.
  void call(const envelope_ptr& e);
  void kill();
  void freeze(duration time);
  /// A clean end: shards are given away first.
  void leave();
  bool alive() const { return alive_; }
  bool frozen() const { return frozen_; }
  int machine() const { return machine_; }
  std::string name() const { return "node-" + std::to_string(machine_); }
  const node* life() const { return life_; }

  // For its node.

  /// All that the process does passes here: the dead do nothing, the frozen do it later.
  void after(duration delay, std::function<void()> what);
  bool reaches_database() const;
  /// A statement on one connection; nullopt when its answer is lost, or it was not executed.
  template <typename R>
  void ask(const session_ptr& s, std::function<R()> statement, std::function<void(std::optional<R>)> then);
  void bounce(const envelope_ptr& e, failure why);
  void answer(const envelope_ptr& e, const answer_envelope& a);
  void use_owners(const rows_reading& rows);
  void retry_parked();
  void use_peers(const std::vector<node_row>& nodes);
  void tell_routes_changed();
  std::map<incarnation, link_state> links() const;
  void lost_place(const node* whose);
  void has_left();

private:
  struct link {
    int machine = 0;
    link_state state = link_state::connecting;
    duration last_ok{};
    std::uint64_t number = 0;  // of the connection: one that is made later supersedes those before it
  };
  struct forwarding {
    incarnation to = 0;
    envelope_ptr what;
  };
  void begin_life();
  void displace_predecessors(incarnation me, session_ptr s,
                             std::map<incarnation, std::pair<std::int64_t, duration>> seen);
  void try_again(duration delay);

  // The router.
  void send(const envelope_ptr& e);
  void park(const envelope_ptr& e);
  void fail(const envelope_ptr& e, failure why);
  void unpark();

  // The links.
  void probe();
  void forward(incarnation to, const envelope_ptr& e);
  void deliver(int to, std::function<void(process&)> what);
  void serve(incarnation to, const envelope& what, duration remaining, int from, const process* asker, std::uint64_t id,
             std::uint64_t connection);
  void take_answer(std::uint64_t id, const answer_envelope& a);
  void greet(link& l);
  void break_link(incarnation to);

  environment& env_;
  const int machine_;
  bool alive_ = true;
  bool frozen_ = false;
  bool leaving_ = false;
  std::deque<std::function<void()>> when_thawed_;
  std::vector<std::unique_ptr<node>> lives_;
  node* life_ = nullptr;

  std::vector<incarnation> owners_ = std::vector<incarnation>(shards_count);
  std::int64_t routes_version_ = -1;
  std::vector<envelope_ptr> parked_;
  std::map<incarnation, link> links_;
  std::map<const process*, std::uint64_t> connections_;                          // from others, the latest
  std::map<std::uint64_t, forwarding> forwarded_;                                // by this process
  std::map<std::uint64_t, std::function<void(const answer_envelope&)>> served_;  // for others
};

template <typename R>
void process::ask(const session_ptr& s, std::function<R()> statement, std::function<void(std::optional<R>)> then) {
  env_.w.after(env_.w.between(100us, 800us), [this, s, statement = std::move(statement), then = std::move(then)] {
    const bool lost = env_.w.chance(env_.f.lost_answer / 4);
    const bool runs =
        env_.db.up() && s->alive && reaches_database() && !(lost && env_.w.chance(env_.f.lost_before_run));
    std::optional<R> result;
    if (runs) result = statement();
    if (lost) result.reset();
    const bool told_at_once = runs || !s->alive || !env_.db.up();  // a reset comes back as fast as an answer
    after(told_at_once && !lost ? env_.w.between(100us, 800us) : statement_timeout, [then, result] { then(result); });
  });
}

}  // namespace keyrack::sim
