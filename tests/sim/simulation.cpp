#include "tests/sim/simulation.hpp"

#include "tests/sim/history.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <fmt/format.h>

#include <memory>
#include <set>

namespace keyrack::sim {

namespace {

constexpr currency chf{{'C', 'H', 'F'}};
constexpr duration faults_begin = 2s;
constexpr duration faults_end = 10s;
constexpr duration everything_ends =
    std::chrono::duration_cast<duration>(std::chrono::duration<double>{seconds_per_run});
constexpr std::uint64_t hotels_count = 6;
constexpr int clients = 4;
constexpr duration patience = 3s;  // of a client, for one attempt

/// Which kinds of disturbances a seed has.
enum class trouble : std::uint8_t {
  kill,
  kill_coordinator,
  kill_all,
  freeze,
  cut_nodes,
  cut_one_way,
  cut_halves,
  cut_database,
  restart_database,
  reject,
  false_evidence,  ///< a node that lives looks dead: its heartbeat's backend is gone, its port refuses
  lose_snapshots,
  operators,
  join,
  leave,
  count,
};

faults draw_faults(world& w, planted bug) {
  faults f{.bug = bug};
  const bool calm = bug == planted::none && w.chance(0.1);
  if (!calm) {
    f.lost_answer = w.chance(0.7) ? 0.001 * static_cast<double>(w.below(80)) : 0;
    f.lost_before_run = 0.01 * static_cast<double>(w.below(100));
    f.slow = w.chance(0.4) ? 0.05 : 0;
    f.split = w.chance(0.5) ? 0.3 : 0;
    f.load_fails = w.chance(0.3) ? 0.2 : 0;
    if (w.chance(0.3)) f.hold_max = 40ms;
    if (w.chance(0.3)) f.move_deadline = w.between(5ms, 200ms);
    f.late_rows = w.chance(0.5) ? 0.5 : 0;
    f.dropped = w.chance(0.3) ? 0.02 : 0;
    f.repeated = w.chance(0.3) ? 0.05 : 0;
    f.latency_max = w.chance(0.3) ? w.between(2ms, 100ms) : duration{1ms};
    if (w.chance(0.6)) f.retire_every = w.between(10ms, 500ms);
  }
  f.snapshot_events = 1 + w.below(40);
  f.moves_max = w.chance(0.2) ? 64 : 512;
  if (bug != planted::none) {
    f.lost_answer = std::max(f.lost_answer, 0.03);
    f.late_rows = std::max(f.late_rows, 0.3);
    f.retire_every = f.retire_every.count() ? f.retire_every : duration{50ms};
  }
  if (bug == planted::lost_hand_over_taken_back) f.lost_answer = 0.3;
  if (bug == planted::fence_ignores_locks) {
    f.split = 1;
    f.hold_max = 40ms;
  }
  return f;
}

class simulation {
public:
  simulation(std::uint64_t seed, planted bug)
      : world_(seed),
        faults_(draw_faults(world_, bug)),
        database_(world_, bug),
        history_(world_, database_),
        env_{world_, database_, network_, faults_, history_, [this](const auto& e, const auto& a) { answer(e, a); }} {
    for (std::uint64_t n = 0; n < hotels_count; ++n) hotels_.push_back({100 + n});
    machines_ = world_.chance(0.1) ? 1 : 3 + static_cast<int>(world_.below(3));
    for (int t = 0; t < static_cast<int>(trouble::count); ++t) {
      if (world_.chance(0.4)) troubles_.push_back(static_cast<trouble>(t));
    }
    // What brings some planted bugs to light.
    const auto needs = [&](planted b, trouble t) {
      if (bug == b) troubles_.insert(troubles_.end(), 3, t);
    };
    needs(planted::no_lease, trouble::false_evidence);
    needs(planted::serves_before_lease_ended, trouble::false_evidence);
    needs(planted::fence_ignores_locks, trouble::freeze);
    needs(planted::lost_hand_over_taken_back, trouble::operators);
    calm_ = faults_.lost_answer == 0 && faults_.slow == 0 && faults_.load_fails == 0 && world_.chance(0.3);
  }

  outcome_of_run run() {
    for (int m = 0; m < machines_; ++m) world_.after(world_.between(0ms, 300ms), [this, m] { start(m); });
    world_.after(500ms, [this] {
      for (const auto id : hotels_) open(id);
    });
    world_.after(faults_begin, [this] {
      for (int c = 0; c < clients; ++c) client_step();
      disturb();
    });
    world_.after(faults_end, [this] { heal(); });
    world_.run_until(everything_ends);
    history_.check_journal(hotels_);
    check_end();
    auto& all = result_.violations;
    all.insert(all.begin(), history_.violations().begin(), history_.violations().end());
    all.insert(all.begin(), database_.violations.begin(), database_.violations.end());
    result_.trace = world_.trace_hash();
    result_.accepted = history_.accepted();
    result_.refused = history_.refused();
    result_.replayed = history_.replayed();
    result_.read = history_.read();
    result_.fences = database_.fences;
    result_.gifts = database_.gifts;
    result_.hand_overs = database_.hand_overs;
    result_.forwarded = env_.forwarded;
    result_.parked = env_.parked;
    result_.terms = env_.terms;
    result_.lives = env_.lives;
    return result_;
  }

private:
  struct wish_of_client {
    std::shared_ptr<const envelope> what;
    bool insists = false;  // asks until it is done
    bool settled = false;
    bool done = false;
    int attempts = 0;
    std::uint64_t last_call = 0;
  };
  struct call {
    std::uint64_t wish = 0;
    duration called{};
    process* asked = nullptr;
    bool answered = false;
  };

  // Machines.

  process* at(int machine) { return network_.at[static_cast<std::size_t>(machine)]; }
  void start(int machine) {
    if (at(machine)) return;
    processes_.push_back(std::make_unique<process>(env_, machine));
  }
  process* any_process() {
    std::vector<process*> all;
    for (auto* p : network_.at) {
      if (p) all.push_back(p);
    }
    return all.empty() ? nullptr : all[world_.below(all.size())];
  }
  void kill(process* p) {
    if (!p) return;
    const int machine = p->machine();
    p->kill();
    if (world_.chance(0.8)) world_.after(world_.between(20ms, 4s), [this, machine] { start(machine); });
  }
  process* coordinator() {
    for (auto* p : network_.at) {
      if (p && p->life() && p->life()->id() == database_.coordinator().holder) return p;
    }
    return nullptr;
  }

  // Clients.

  void open(hotel_id id) {
    const auto created =
        wish(id, create_hotel{{.name = "H", .city = "C", .country = "CH", .time_zone = "UTC", .currency = chf}}, true);
    when_done_[created] = [this, id] {
      wish(id, add_room_type{{.name = "D", .rooms = 3, .max_guests = 2, .price = 100, .currency = chf}}, true);
    };
  }

  // One of many: asks for something, waits a little, asks again.
  void client_step() {
    if (world_.now() >= faults_end + 1s) return;
    const auto id = hotels_[world_.below(hotels_.size())];
    const date first = utc_date(world_.cluster_time()) + 1 + static_cast<int>(world_.below(4));
    switch (world_.below(10)) {
    case 0: ask(id, reservations_query{}); break;
    case 1: ask(id, hotel_query{}); break;
    case 2:
    case 3: wish(id, cancel_reservation{{1 + world_.below(20)}}); break;
    case 4: wish(id, confirm_reservation{{1 + world_.below(20)}}); break;
    case 5: wish(id, change_reservation{.number = {1 + world_.below(20)}, .check_out = first + 3}); break;
    default: {
      const auto rooms = 1 + static_cast<std::int32_t>(world_.below(2));
      wish(id, hold_rooms{.stay = {first, first + 1 + static_cast<int>(world_.below(3))},
                          .items = {{room_type_id{1}, rooms, rooms}},
                          .hold = world_.chance(0.3)});
    }
    }
    world_.after(world_.between(1ms, 100ms), [this] { client_step(); });
  }

  std::uint64_t wish(hotel_id id, command c, bool insists = false) {
    const auto n = ++last_wish_;
    auto e = std::make_shared<envelope>();
    e->hotel = id;
    e->request = {.key = {n, 1}, .digest = n, .by = "sim"};
    e->body = std::move(c);
    history_.sent(e->request.key, n);
    wishes_[n] = {.what = std::move(e), .insists = insists};
    call_now(n);
    // Impatient people press twice.
    if (!insists && world_.chance(0.1)) world_.after(world_.between(0ms, 3ms), [this, n] { call_now(n); });
    return n;
  }

  void ask(hotel_id id, query q) {
    auto e = std::make_shared<envelope>();
    e->hotel = id;
    e->body = std::move(q);
    wishes_[++last_wish_] = {.what = std::move(e)};
    call_now(last_wish_);
  }

  void call_now(std::uint64_t n) {
    auto& w = wishes_.at(n);
    auto e = std::make_shared<envelope>(*w.what);
    e->correlation = ++env_.last_id;
    e->deadline = world_.steady() + patience;
    w.last_call = e->correlation;
    ++w.attempts;
    auto* to = any_process();
    calls_[e->correlation] = {.wish = n, .called = world_.now(), .asked = to};
    if (to) {
      to->call(e);
      world_.after(patience + 100ms, [this, id = e->correlation] { give_up(id); });
    } else {
      world_.after(50ms, [this, e] {
        answer(e, {.hotel = e->hotel,
                   .rests_on = durable{},
                   .body = failure{errc::unavailable, outcome::not_applied, "connection refused"}});
      });
    }
  }

  void answer(const envelope_ptr& e, const answer_envelope& a) {
    auto& c = calls_.at(e->correlation);
    if (std::exchange(c.answered, true)) {
      result_.violations.push_back(fmt::format("a call was answered twice; wish {}", c.wish));
    }
    if (c.asked && !c.asked->alive()) return;  // nobody hears it
    history_.answered(*e, a, c.called, c.wish);
    if (const auto* f = std::get_if<failure>(&a.body)) return failed(e->correlation, f->outcome);
    auto& w = wishes_.at(c.wish);
    w.done = std::holds_alternative<done>(a.body);
    if (w.insists && !w.done) return ask_again(c.wish);
    w.settled = true;
    if (std::holds_alternative<refusal>(a.body) && w.attempts == 1) refused_.push_back(e->request.key);
    if (const auto then = when_done_.extract(c.wish); w.done && !then.empty()) then.mapped()();
  }

  void ask_again(std::uint64_t n) {
    world_.after(50ms, [this, n] {
      if (!wishes_.at(n).settled) call_now(n);
    });
  }

  // No answer came in time: to the client it is unknown.
  void give_up(std::uint64_t id) {
    if (!calls_.at(id).answered) failed(id, outcome::unknown);
  }

  void failed(std::uint64_t id, outcome o) {
    const auto n = calls_.at(id).wish;
    auto& w = wishes_.at(n);
    if (w.settled || w.last_call != id || !w.what->is_command()) return;
    if (w.insists) return ask_again(n);
    if (o == outcome::not_applied) {
      w.settled = true;
      if (w.attempts == 1) not_applied_.push_back(w.what->request.key);
      return;
    }
    if (w.attempts > 8 || world_.now() >= everything_ends - 5s) return;
    if (faults_.bug == planted::fresh_key_after_unknown) {
      auto fresh = std::make_shared<envelope>(*w.what);
      fresh->request.key.low += 1;
      history_.sent(fresh->request.key, n);
      w.what = std::move(fresh);
    }
    call_now(n);
  }

  // Trouble.

  void disturb() {
    if (world_.now() >= faults_end || troubles_.empty() || calm_) return;
    make(troubles_[world_.below(troubles_.size())]);
    world_.after(world_.between(50ms, 1500ms), [this] { disturb(); });
  }

  void make(trouble what) {
    world_.trace("trouble", static_cast<std::uint64_t>(what));
    ++result_.troubles;
    auto& net = network_;
    const auto a = static_cast<std::size_t>(world_.below(machines_max));
    const auto b = static_cast<std::size_t>(world_.below(machines_max));
    switch (what) {
    case trouble::kill: return kill(any_process());
    case trouble::kill_coordinator: return kill(coordinator());
    case trouble::kill_all:
      if (!world_.chance(0.2)) return;
      for (auto* p : net.at) kill(p);
      return;
    case trouble::freeze:
      if (auto* p = world_.chance(0.3) ? coordinator() : any_process()) p->freeze(world_.between(20ms, 4s));
      return;
    case trouble::cut_nodes:
      net.cut[a][b] = net.cut[b][a] = a != b;
      return mend([a, b](auto& n) { n.cut[a][b] = n.cut[b][a] = false; });
    case trouble::cut_one_way: net.cut[a][b] = a != b; return mend([a, b](auto& n) { n.cut[a][b] = false; });
    case trouble::cut_halves: return cut_halves();
    case trouble::cut_database:
      net.cut_from_database[a] = true;
      return mend([a](auto& n) { n.cut_from_database[a] = false; });
    case trouble::restart_database: ++result_.outages; return database_.go_away(world_.between(10ms, 4s));
    case trouble::reject: net.rejects[a][b] = true; return mend([a, b](auto& n) { n.rejects[a][b] = false; });
    case trouble::false_evidence: return look_dead(any_process());
    case trouble::lose_snapshots: return database_.snapshots.clear();
    case trouble::operators: return operate();
    case trouble::join: return start(static_cast<int>(world_.below(machines_max)));
    case trouble::leave:
      if (auto* p = any_process()) p->leave();
      return;
    case trouble::count: return;
    }
  }

  void mend(std::function<void(network&)> how) {
    world_.after(world_.between(50ms, 5s), [this, how = std::move(how)] { how(network_); });
  }

  void cut_halves() {
    for (std::size_t i = 0; i < machines_max / 2; ++i) {
      for (std::size_t j = machines_max / 2; j < machines_max; ++j) network_.cut[i][j] = network_.cut[j][i] = true;
    }
    mend([](network& n) { n.cut = {}; });
  }

  void look_dead(const process* p) {
    if (!p || !p->life()) return;
    const auto m = static_cast<std::size_t>(p->machine());
    network_.cut_from_database[m] = true;
    for (auto& from : network_.rejects) from[m] = true;
    database_.end_sessions(p->life()->id());
    mend([m](auto& n) {
      n.cut_from_database[m] = false;
      for (auto& from : n.rejects) from[m] = false;
    });
  }

  std::string any_name() { return "node-" + std::to_string(world_.below(machines_max)); }

  void operate() {
    const auto shard = shard_of(hotels_[world_.below(hotels_.size())]);
    switch (world_.below(8)) {
    case 0: database_.wishes[any_name()].drained = true; break;
    case 1: database_.wishes.clear(); break;
    case 2: database_.wishes[any_name()].weight = static_cast<int>(world_.below(4)) * 100; break;
    case 3: database_.pins[shard] = any_name(); break;
    case 4: database_.pins.erase(shard); break;
    case 5: database_.rebalance_asked = true; break;
    default: database_.moves_asked.push_back({static_cast<std::int64_t>(++env_.last_id), shard, any_name()});
    }
  }

  void heal() {
    network_.heal();
    auto gentle = faults{.snapshot_events = faults_.snapshot_events, .moves_max = 512, .bug = faults_.bug};
    faults_ = gentle;
    for (int m = 0; m < machines_; ++m) start(m);
    world_.after(3s, [this] {  // those that were leaving
      for (int m = 0; m < machines_; ++m) start(m);
    });
    // After the faults every hotel takes a booking again; nights far away, so that rooms are there.
    world_.after(1s, [this] {
      for (const auto id : hotels_) {
        const date far = utc_date(world_.cluster_time()) + 300;
        last_bookings_.push_back(
            wish(id, hold_rooms{.stay = {far, far + 1}, .items = {{room_type_id{1}, 1, 1}}, .hold = false}, true));
      }
    });
    world_.after(12s, [this] {
      for (const auto n : last_bookings_) {
        if (!wishes_.at(n).done)
          result_.violations.push_back("a hotel took no booking 11 s after everything was healed");
      }
    });
  }

  void check_end() {
    for (const auto& [id, c] : calls_) {
      if (!c.answered && c.asked && c.asked->alive()) {
        result_.violations.push_back(fmt::format("a call was never answered; wish {}", c.wish));
      }
    }
    std::set<request_key> applied;
    for (const auto id : hotels_) {
      database_.each_event(id, 0, UINT64_MAX, [&](const event& e) {
        if (e.answers) applied.insert(e.answers->key);
      });
    }
    for (const auto& key : not_applied_) {
      if (applied.contains(key) && wishes_.at(key.high).attempts == 1) {
        result_.violations.push_back(fmt::format("wish {} was said not to be applied, and it is", key.high));
      }
    }
    for (const auto& key : refused_) {
      if (applied.contains(key) && wishes_.at(key.high).attempts == 1) {
        result_.violations.push_back(fmt::format("wish {} was refused, and it is applied", key.high));
      }
    }
    for (const auto& [n, w] : wishes_) result_.unknown += !w.settled && w.what->is_command();
  }

  world world_;
  faults faults_;
  database database_;
  network network_;
  history history_;
  environment env_;
  outcome_of_run result_;
  int machines_ = 0;
  bool calm_ = false;
  std::vector<trouble> troubles_;
  std::vector<hotel_id> hotels_;
  std::vector<std::unique_ptr<process>> processes_;
  std::uint64_t last_wish_ = 0;
  std::map<std::uint64_t, wish_of_client> wishes_;
  std::map<std::uint64_t, call> calls_;
  std::map<std::uint64_t, std::function<void()>> when_done_;
  std::vector<request_key> not_applied_;
  std::vector<request_key> refused_;
  std::vector<std::uint64_t> last_bookings_;
};

}  // namespace

void outcome_of_run::add(const outcome_of_run& other) {
  for (const auto sum :
       {&outcome_of_run::accepted, &outcome_of_run::refused, &outcome_of_run::replayed, &outcome_of_run::read,
        &outcome_of_run::unknown, &outcome_of_run::troubles, &outcome_of_run::outages, &outcome_of_run::fences,
        &outcome_of_run::gifts, &outcome_of_run::hand_overs, &outcome_of_run::forwarded, &outcome_of_run::parked,
        &outcome_of_run::terms, &outcome_of_run::lives}) {
    this->*sum += other.*sum;
  }
}

outcome_of_run run_seed(std::uint64_t seed, planted bug) { return simulation{seed, bug}.run(); }

}  // namespace keyrack::sim
