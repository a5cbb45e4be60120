#include "tests/sim/process.hpp"

#include "tests/sim/node.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

namespace {

constexpr duration looks_for_predecessors_apart = 50ms;

}  // namespace

process::process(environment& env, int machine)
    : env_(env),
      machine_(machine),
      clock_began_(static_cast<std::int64_t>(1 + env.w.below(1'000'000'000'000))),
      clock_rate_(1 + env.f.drift * (static_cast<double>(env.w.below(2'001)) - 1'000) / 1'000),
      parking_bounds_{.parked_max = env.f.parked_max},
      parking_(parking_bounds_) {
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

}  // namespace keyrack::sim
