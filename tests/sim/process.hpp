// One process on one machine, over several incarnations: its router and its links to others, as cluster/node_router,
// cluster/forwarding and the transport are, around the cores of `node`. It can be killed (nothing runs any more) and frozen
// (all that comes waits, the world goes on).
#pragma once

#include "cluster/parking.hpp"
#include "cluster/routes.hpp"
#include "tests/sim/environment.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace keyrack::sim {

class node;

constexpr duration statement_timeout = 600ms;
constexpr duration row_lock_timeout = 300ms;

/// How one statement that writes fares on its way.
struct journey {
  duration arrives{};
  duration open_for{};  ///< how long it keeps its locks
  duration patience = statement_timeout;
  double lost = 0;      ///< its answer
  bool splits = false;  ///< large enough that a client may be frozen in the middle of it
};

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
  node* life() const { return life_; }

  // For its node.

  /// All that the process does passes here: the dead do nothing, the frozen do it later.
  void after(duration delay, happening what);
  bool reaches_database() const;
  /// By the clock of this machine, which runs a little faster or slower than time.
  steady_instant steady() const;
  /// A new connection; null when none can be had.
  session_ptr connect(incarnation who, role as, duration lock_timeout = duration{0});
  /// A statement that only reads, on one connection; nullopt when its answer is lost, or it was not executed.
  template <typename R>
  void ask(const session_ptr& s, std::function<R()> statement, std::function<void(std::optional<R>)> then);
  /// A statement in a transaction of its own; nullopt when nobody knows how it ended.
  template <typename R>
  void write(const session_ptr& s, const journey& way,
             std::function<void(const transaction_ptr&, database::then<R>)> statement,
             std::function<void(std::optional<R>)> then);
  /// The same, in passing: of a moment, and rarely lost.
  template <typename R>
  void write(const session_ptr& s, std::function<void(const transaction_ptr&, database::then<R>)> statement,
             std::function<void(std::optional<R>)> then);
  void bounce(const envelope_ptr& e, const failure& why);
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
  using any_statement = std::function<void(const transaction_ptr&, std::function<void()> executed)>;
  void write(const session_ptr& s, const journey& way, const any_statement& what, std::function<void(bool came)> then);
  void commit(const transaction_ptr& t, bool split, std::function<void()> done);
  void begin_life();
  void displace_predecessors(incarnation me, session_ptr s,
                             std::map<incarnation, std::pair<std::int64_t, duration>> seen);
  void remove_fenced(incarnation me, const session_ptr& s);
  void take_place(incarnation me, const session_ptr& s);
  void try_again(duration delay);

  // The router.
  void send(const envelope_ptr& e);
  void follow(const cluster::parking::effects& out);

  // The links.
  void probe();
  void forward(incarnation to, const envelope_ptr& e);
  void deliver(int to, std::function<void(process&)> what);
  void serve(incarnation to, const envelope& what, duration remaining, int from, const process* asker, std::uint64_t id,
             std::uint64_t connection, std::int64_t row_version);
  void take_answer(std::uint64_t id, const answer_envelope& a);
  void greet(link& l);
  void break_link(incarnation to);

  environment& env_;
  const int machine_;
  const std::int64_t clock_began_;  // nobody may compare the clocks of two machines
  const double clock_rate_;
  bool alive_ = true;
  bool frozen_ = false;
  bool leaving_ = false;
  std::deque<happening> when_thawed_;
  std::vector<std::unique_ptr<node>> lives_;
  node* life_ = nullptr;

  cluster::routes routes_;
  cluster::parking::bounds parking_bounds_;
  cluster::parking parking_;
  std::map<incarnation, link> links_;
  std::map<const process*, std::uint64_t> connections_;                          // from others, the latest
  std::map<std::uint64_t, forwarding> forwarded_;                                // by this process
  std::map<std::uint64_t, std::function<void(const answer_envelope&)>> served_;  // for others
};

template <typename R>
void process::ask(const session_ptr& s, std::function<R()> statement, std::function<void(std::optional<R>)> then) {
  env_.w.after(env_.w.between(100us, 800us),
               [this, s, statement = std::move(statement), then = std::move(then)]() mutable {
                 const bool lost = env_.w.chance(env_.f.lost_answer / 4);
                 const bool runs =
                     env_.db.up() && s->alive && reaches_database() && !(lost && env_.w.chance(env_.f.lost_before_run));
                 std::optional<R> result;
                 if (runs) result = statement();
                 if (lost) result.reset();
                 const bool told_at_once = runs || !s->alive || !env_.db.up();  // a reset is as fast as an answer
                 after(told_at_once && !lost ? env_.w.between(100us, 800us) : statement_timeout,
                       [then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
               });
}

template <typename R>
void process::write(const session_ptr& s, const journey& way,
                    std::function<void(const transaction_ptr&, database::then<R>)> statement,
                    std::function<void(std::optional<R>)> then) {
  const auto result = std::make_shared<std::optional<R>>();
  write(
      s, way,
      [result, statement = std::move(statement)](const transaction_ptr& t, std::function<void()> executed) {
        statement(t, [result, executed = std::move(executed)](R r) {
          *result = std::move(r);
          executed();
        });
      },
      [result, then = std::move(then)](bool came) { then(came ? std::move(*result) : std::nullopt); });
}

template <typename R>
void process::write(const session_ptr& s, std::function<void(const transaction_ptr&, database::then<R>)> statement,
                    std::function<void(std::optional<R>)> then) {
  write<R>(s, {.arrives = env_.w.between(100us, 800us), .lost = env_.f.lost_answer / 4}, std::move(statement),
           std::move(then));
}

}  // namespace keyrack::sim
