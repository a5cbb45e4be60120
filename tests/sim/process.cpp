#include "tests/sim/process.hpp"

#include "tests/sim/node.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

constexpr duration retry_after = 25ms;
constexpr duration probe_every = 100ms;
constexpr duration link_timeout = 800ms;
constexpr duration looks_for_predecessors_apart = 50ms;

}  // namespace

process::process(environment& env, int machine)
    : env_(env),
      machine_(machine),
      clock_began_(static_cast<std::int64_t>(1 + env.w.below(1'000'000'000'000))),
      clock_rate_(1 + env.f.drift * (static_cast<double>(env.w.below(2'001)) - 1'000) / 1'000) {
  env_.net.at[static_cast<std::size_t>(machine_)] = this;
  begin_life();
  probe();
}

process::~process() = default;

void process::after(duration delay, happening what) {
  env_.w.after(delay, [this, what = std::move(what)]() mutable {
    if (!alive_) return;
    if (frozen_) {
      when_thawed_.push_back(std::move(what));
    } else {
      what();
    }
  });
}

void process::kill() {
  if (!std::exchange(alive_, false)) return;
  env_.net.at[static_cast<std::size_t>(machine_)] = nullptr;
  when_thawed_.clear();
  // Its kernel closes its sockets; the server notices when it next looks, unless it cannot be told.
  for (const auto& life : lives_) {
    const auto who = life->id();
    env_.w.after(env_.net.cut_from_database[static_cast<std::size_t>(machine_)] ? 3s : env_.w.between(1ms, 10ms),
                 [this, who] { env_.db.end_sessions(who); });
  }
}

void process::freeze(duration time) {
  if (frozen_ || !alive_) return;
  frozen_ = true;
  env_.w.after(time, [this] {
    frozen_ = false;
    for (auto& what : std::exchange(when_thawed_, {})) {
      if (alive_) what();
    }
  });
}

bool process::reaches_database() const { return !env_.net.cut_from_database[static_cast<std::size_t>(machine_)]; }

steady_instant process::steady() const {
  const auto passed = static_cast<double>(env_.w.now().count()) * 1'000 * clock_rate_;
  return {clock_began_ + static_cast<std::int64_t>(passed)};
}

session_ptr process::connect(incarnation who, role as, duration lock_timeout) {
  if (!env_.db.up() || !reaches_database()) return nullptr;
  return env_.db.connect(who, as, lock_timeout);
}

// It is answered once: by the server, by the reset of its connection, or by the client's own patience.
void process::write(const session_ptr& s, const journey& way, const any_statement& what,
                    std::function<void(bool came)> then) {
  const bool lost = env_.w.chance(way.lost);
  const bool runs = !(lost && env_.w.chance(env_.f.lost_before_run));
  const bool split = way.splits && env_.w.chance(env_.f.split);
  const auto once = std::make_shared<std::function<void(bool)>>(std::move(then));
  const auto finish = [once](bool came) {
    if (const auto go_on = std::exchange(*once, nullptr)) go_on(came);
  };
  env_.w.after(way.arrives, [=, this] {
    if (!runs || !reaches_database()) return;
    const auto t = env_.db.begin(s);
    const auto reset = [=, this] {
      if (reaches_database()) after(200us, [finish] { finish(false); });
    };
    if (!t) return reset();
    t->broken = t->timed_out = reset;
    what(t, [=, this, open_for = way.open_for] {
      const auto answer = [=, this] {
        // Lost with its connection, which is seen at once, or without a word.
        if ((lost && !env_.w.chance(0.5)) || !reaches_database()) return;
        after(env_.w.between(100us, 800us), [finish, lost] { finish(!lost); });
      };
      if (open_for.count() == 0 && !split) return commit(t, false, answer);
      env_.w.after(open_for, [=, this] { commit(t, split, answer); });
    });
  });
  after(way.patience, [finish] { finish(false); });
}

// A client that is frozen in the middle of what it says has not ended its statement.
void process::commit(const transaction_ptr& t, bool split, std::function<void()> done) {
  if (t->ended) return;
  if (split && frozen_) {
    return env_.w.after(10ms, [=, this, done = std::move(done)] { commit(t, split, done); });
  }
  env_.db.commit(t, std::move(done));
}

// Incarnations.

void process::try_again(duration delay) {
  after(delay, [this] { begin_life(); });
}

void process::begin_life() {
  if (leaving_) return kill();
  if (!env_.db.up() || !reaches_database()) return try_again(200ms);
  const auto me = env_.db.draw();
  displace_predecessors(me, env_.db.connect(me, role::heartbeat), {});
}

// As persistence/node_registry: who beats is left alone, who is disconnected or silent is fenced.
void process::displace_predecessors(incarnation me, session_ptr s,
                                    std::map<incarnation, std::pair<std::int64_t, duration>> seen) {
  using predecessors = std::vector<database::predecessor>;
  ask<predecessors>(
      s, [this] { return env_.db.predecessors(name()); },
      [this, me, s, seen](auto found) mutable {
        if (!found) return try_again(100ms);
        if (found->empty()) return remove_fenced(me, s);
        for (const auto& p : *found) {
          auto& first = seen.try_emplace(p.who, p.beat, env_.w.now()).first->second;
          if (first.first != p.beat) first = {p.beat, env_.w.now()};
          const bool silent = env_.w.now() - first.second >= grace;
          if (p.connected && !silent) continue;
          env_.db.fence_patiently(env_.db.connect(me, role::start), p.who, row_lock_timeout, [](bool) {});
        }
        after(looks_for_predecessors_apart, [this, me, s, seen] { displace_predecessors(me, s, seen); });
      });
}

void process::remove_fenced(incarnation me, const session_ptr& s) {
  write<bool>(
      s,
      [this](const transaction_ptr& t, database::then<bool> executed) {
        env_.db.remove_fenced_nodes(t, std::move(executed));
      },
      [this, me, s](auto done) {
        if (done) return take_place(me, s);
        env_.db.end(s);
        try_again(100ms);
      });
}

void process::take_place(incarnation me, const session_ptr& s) {
  write<bool>(
      s,
      [this, me](const transaction_ptr& t, database::then<bool> executed) {
        env_.db.register_node(t, me, name(), std::to_string(machine_), std::move(executed));
      },
      [this, me, s](auto done) {
        if (!done) {
          env_.db.end(s);
          return try_again(100ms);
        }
        ++env_.lives;
        lives_.push_back(std::make_unique<node>(env_, *this, me, s));
        life_ = lives_.back().get();
        life_->start();
        if (leaving_) life_->leave();
      });
}

void process::lost_place(const node* whose) {
  if (life_ != whose) return;
  life_ = nullptr;
  for (auto& [who, l] : links_) break_link(who);
  links_.clear();
  try_again(env_.w.between(5ms, 50ms));
}

void process::leave() {
  if (std::exchange(leaving_, true) || !life_) return;
  life_->leave();
}

void process::has_left() {
  life_ = nullptr;
  kill();
}

// The router.

void process::call(const envelope_ptr& e) {
  after(env_.w.between(10us, 200us), [this, e] { send(e); });
}

void process::send(const envelope_ptr& e) {
  const auto way = routes_.way_to(e->hotel);
  if (life_ && way.owner == life_->id()) return life_->take(e);
  if (way.owner == 0) return park(e);
  forward(way.owner, e);
}

void process::bounce(const envelope_ptr& e, failure why) {
  using cluster::verdict;
  const auto what = cluster::verdict_on(*e, why, steady() + retry_after);
  if (what == verdict::failed || what == verdict::to_sender) return fail(e, std::move(why));
  if (what == verdict::parked) return park(e);
  auto again = std::make_shared<envelope>(*e);
  again->in_doubt = true;
  if (env_.f.bug == planted::router_retries_with_fresh_key) {
    const auto wish = env_.seen.wish_of(e->request.key);
    again->request.key.low += 1'000;
    env_.seen.sent(again->request.key, wish);
  }
  park(again);
}

void process::park(const envelope_ptr& e) {
  ++env_.parked;
  parked_.push_back(e);
  if (std::exchange(unpark_later_, true)) return;
  after(retry_after, [this] {
    unpark_later_ = false;
    unpark();
  });
}

void process::unpark() {
  for (const auto& e : std::exchange(parked_, {})) {
    if (steady() >= e->deadline) {
      fail(e, {errc::unavailable, outcome::not_applied, "the hotel could not be reached in time"});
    } else {
      send(e);
    }
  }
}

void process::retry_parked() {
  if (parked_.empty() || std::exchange(unpark_soon_, true)) return;
  after(5us, [this] {
    unpark_soon_ = false;
    unpark();
  });
}

void process::fail(const envelope_ptr& e, failure why) {
  answer(e, {.hotel = e->hotel, .rests_on = durable{}, .body = cluster::last_words(*e, std::move(why))});
}

void process::answer(const envelope_ptr& e, const answer_envelope& a) {
  if (!e->forwarded) return env_.answered(e, a);
  auto respond = served_.extract(e->correlation);
  if (!respond.empty()) respond.mapped()(a);
}

void process::use_owners(const rows_reading& rows) {
  if (!routes_.take(*rows.shards, rows.routes_version)) return;
  if (env_.f.bug == planted::move_drops_parked) parked_.clear();
  retry_parked();
}

// The links.

void process::use_peers(const std::vector<node_row>& nodes) {
  std::set<incarnation> there;
  for (const auto& n : nodes) {
    if (life_ && n.incarnation == life_->id()) continue;
    there.insert(n.incarnation);
    links_.try_emplace(n.incarnation, link{.machine = std::stoi(n.actor_address), .last_ok = env_.w.now()});
  }
  for (auto l = links_.begin(); l != links_.end();) {
    if (there.contains(l->first)) {
      ++l;
    } else {
      const auto who = l->first;
      l = links_.erase(l);
      break_link(who);
    }
  }
}

// How things stand with each link, in the time that a transport takes to notice.
void process::probe() {
  bool changed = false;
  for (auto& [who, l] : links_) {
    const auto before = l.state;
    const auto* peer = env_.net.at[static_cast<std::size_t>(l.machine)];
    const auto here = static_cast<std::size_t>(machine_);
    const auto there = static_cast<std::size_t>(l.machine);
    if (env_.net.rejects[here][there]) {
      l.state = link_state::refused;
    } else if (!env_.net.reaches(machine_, l.machine) || (peer && peer->frozen_)) {
      if (env_.w.now() - l.last_ok > link_timeout) l.state = link_state::lost;
    } else if (!peer) {
      l.state = link_state::refused;
    } else if (!peer->life_ || peer->life_->id() != who) {
      l.state = link_state::lost;
    } else {
      l.state = link_state::linked;
      l.last_ok = env_.w.now();
    }
    if (l.state == before) continue;
    changed = true;
    if (l.state == link_state::linked) greet(l);
    if (before == link_state::linked) break_link(who);
  }
  if (changed && life_) life_->nudge();
  after(probe_every, [this] { probe(); });
}

// What is still on its way over an earlier connection is not read any more.
void process::greet(link& l) {
  l.number = ++env_.last_id;
  env_.net.at[static_cast<std::size_t>(l.machine)]->connections_[this] = l.number;
}

void process::break_link(incarnation to) {
  std::vector<envelope_ptr> pending;
  std::erase_if(forwarded_, [&](const auto& f) {
    if (f.second.to != to) return false;
    pending.push_back(f.second.what);
    return true;
  });
  for (const auto& e : pending) {
    bounce(e, {errc::unavailable, e->is_command() ? outcome::unknown : outcome::not_applied, "the link broke"});
  }
}

std::map<incarnation, link_state> process::links() const {
  std::map<incarnation, link_state> all;
  for (const auto& [who, l] : links_) all.emplace(who, l.state);
  return all;
}

// In order between two machines. What is cut off on the way arrives when the cut is over; its sender may have given up.
void process::deliver(int to, std::function<void(process&)> what) {
  if (env_.w.chance(env_.f.dropped)) return;
  auto& last = env_.net.last_delivery[static_cast<std::size_t>(machine_)][static_cast<std::size_t>(to)];
  last = std::max(last, env_.w.now() + env_.w.between(30us, env_.f.latency_max));
  auto* receiver = env_.net.at[static_cast<std::size_t>(to)];
  if (!receiver) return;
  struct on_the_way {
    environment& env;
    int from, to;
    process* receiver;
    std::function<void(process&)> what;
    void arrive() const {
      if (env.net.at[static_cast<std::size_t>(to)] != receiver) return;
      if (env.net.cut[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)]) {
        return env.w.after(50ms, [self = *this] { self.arrive(); });
      }
      receiver->after(0us, [r = receiver, w = what] { w(*r); });
    }
  };
  env_.w.after(last - env_.w.now(),
               [way = on_the_way{env_, machine_, to, receiver, std::move(what)}] { way.arrive(); });
}

void process::forward(incarnation to, const envelope_ptr& e) {
  const auto l = links_.find(to);
  if (l == links_.end() || l->second.state != link_state::linked) {
    return bounce(e, {errc::unavailable, outcome::not_applied, "no link"});
  }
  ++env_.forwarded;
  const auto id = ++env_.last_id;
  forwarded_[id] = {to, e};
  const auto remaining = std::chrono::floor<duration>(e->deadline - steady());
  deliver(l->second.machine, [to, e, remaining, id, from = machine_, me = this, number = l->second.number,
                              since = routes_.way_to(e->hotel).row_version](process& p) {
    p.serve(to, *e, remaining, from, me, id, number, since);
  });
  after(remaining, [this, id] {
    auto late = forwarded_.extract(id);
    if (late.empty()) return;
    const auto& what = late.mapped().what;
    bounce(what, {errc::deadline_exceeded, what->is_command() ? outcome::unknown : outcome::not_applied, "no answer"});
  });
}

void process::serve(incarnation to, const envelope& what, duration remaining, int from, const process* asker,
                    std::uint64_t id, std::uint64_t connection, std::int64_t row_version) {
  const bool superseded = connections_[asker] != connection;
  if (superseded && env_.f.bug != planted::superseded_link_read) return;
  auto e = std::make_shared<envelope>(what);
  e->forwarded = true;
  e->deadline = steady() + remaining;
  e->correlation = ++env_.last_id;
  served_[e->correlation] = [this, from, asker, id](const answer_envelope& a) {
    // The transport sends no request twice; of answers none is believed twice.
    for (int i = env_.w.chance(env_.f.repeated) ? 2 : 1; i > 0; --i) {
      deliver(from, [asker, id, a](process& p) {
        if (&p == asker) p.take_answer(id, a);
      });
    }
  };
  // Held up on its way while the shard went away and came back: its sender may have been answered elsewhere since.
  if (!routes_.admits(e->hotel, row_version)) {
    return bounce(e, {errc::moving, outcome::not_applied, "sent to an earlier ownership"});
  }
  if (life_ && life_->id() == to) return life_->take(e);
  bounce(e, {errc::fenced, outcome::not_applied, "another incarnation"});
}

void process::take_answer(std::uint64_t id, const answer_envelope& a) {
  const auto found = forwarded_.extract(id);
  if (found.empty()) return;  // given up, or answered already
  const auto& e = found.mapped().what;
  if (const auto* f = std::get_if<failure>(&a.body); f && cluster::is_for_routers(*f)) return bounce(e, *f);
  answer(e, a);
}

void process::tell_routes_changed() {
  for (const auto& [who, l] : links_) {
    if (l.state != link_state::linked) continue;
    for (int i = env_.w.chance(env_.f.repeated) ? 2 : 1; i > 0; --i) {
      deliver(l.machine, [](process& p) {
        if (p.life_) p.life_->nudge();
      });
    }
  }
}

}  // namespace keyrack::sim
