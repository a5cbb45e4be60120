// The links of a process to others, and what goes over them. As cluster/forwarding and the transport.
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

constexpr duration probe_every = 100ms;
constexpr duration link_timeout = 800ms;

}  // namespace

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
