#include "tests/sim/simulation.hpp"

#include "tests/sim/history.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>

namespace keyrack::sim {

namespace {

constexpr currency chf{{'C', 'H', 'F'}};
constexpr duration faults_end = 20s;
constexpr duration everything_ends = 60s;
constexpr std::uint64_t hotels_count = 3;
constexpr duration patience = 4s;  // of a client, for one attempt

faults draw_faults(world& w, planted bug) {
  faults f{.bug = bug};
  const bool calm = bug == planted::none && w.chance(0.1);
  if (!calm) {
    f.lost_answer = w.chance(0.7) ? 0.001 * static_cast<double>(w.below(100)) : 0;
    f.lost_before_run = 0.01 * static_cast<double>(w.below(100));
    f.slow = w.chance(0.5) ? 0.05 : 0;
    f.load_fails = w.chance(0.3) ? 0.2 : 0;
    if (w.chance(0.6)) f.retire_every = w.between(5ms, 500ms);
  }
  f.snapshot_events = 1 + w.below(40);
  if (bug != planted::none) {
    f.lost_answer = std::max(f.lost_answer, 0.03);
    f.retire_every = f.retire_every.count() ? f.retire_every : duration{50ms};
  }
  return f;
}

class simulation {
public:
  simulation(std::uint64_t seed, planted bug)
      : world_(seed), faults_(draw_faults(world_, bug)), history_(world_, database_) {
    for (std::uint64_t n = 0; n < hotels_count; ++n) hotels_.push_back({100 + n});
  }

  outcome_of_run run() {
    take_over();
    world_.after(1s, [this] {
      open_hotels();
      for (int c = 0; c < 6; ++c) client_step();
      disturb();
    });
    world_.run_until(faults_end);
    heal();
    world_.run_until(everything_ends);
    history_.check_journal(hotels_);
    check_liveness();
    result_.violations.insert(result_.violations.begin(), history_.violations().begin(), history_.violations().end());
    result_.trace = world_.trace_hash();
    result_.accepted = history_.accepted();
    result_.refused = history_.refused();
    result_.replayed = history_.replayed();
    result_.read = history_.read();
    return result_;
  }

private:
  struct call {
    envelope_ptr sent;
    std::uint64_t wish = 0;
    bool settled = false;
    int attempts = 0;
  };

  // A new incarnation fences the one before it, alive or not, waits until its lease has ended, and serves.
  void take_over() {
    ++result_.takeovers;
    const incarnation me = ++last_incarnation_;
    database_.register_writer(me);
    if (owner_) database_.fence(owner_->id());
    old_ = std::move(owner_);
    owner_ = nullptr;
    const bool hasty = faults_.bug == planted::serves_before_lease_ended;
    world_.after(old_ && !hasty ? lease_time + lease_margin : duration{0}, [this, me] {
      if (me != last_incarnation_) return;
      auto n = std::make_unique<node>(
          world_, database_, me, faults_, database_up_, [this](const auto& e, const auto& a) { answer(e, a); },
          [this](const auto& e, failure why) { bounce(e, std::move(why)); });
      owner_ = n.get();
      nodes_.push_back(std::move(n));
    });
  }

  void open_hotels() {
    for (const auto id : hotels_) {
      wish(id, create_hotel{{.name = "H", .city = "C", .country = "CH", .time_zone = "UTC", .currency = chf}});
      wish(id, add_room_type{{.name = "D", .rooms = 3, .max_guests = 2, .price = 100, .currency = chf}});
    }
  }

  // One of many clients: asks for something, waits a little, asks again.
  void client_step() {
    if (world_.now() >= faults_end) return;
    const auto id = hotels_[world_.below(hotels_.size())];
    const date first = utc_date(world_.cluster_time()) + 1 + static_cast<int>(world_.below(4));
    switch (world_.below(10)) {
    case 0: ask(id, reservations_query{}); break;
    case 1: ask(id, hotel_query{}); break;
    case 2:
    case 3: wish(id, cancel_reservation{{1 + world_.below(40)}}); break;
    case 4: wish(id, confirm_reservation{{1 + world_.below(40)}}); break;
    case 5: wish(id, change_reservation{.number = {1 + world_.below(40)}, .check_out = first + 3}); break;
    default: {
      const auto rooms = 1 + static_cast<std::int32_t>(world_.below(2));
      wish(id, hold_rooms{.stay = {first, first + 1 + static_cast<int>(world_.below(3))},
                          .items = {{room_type_id{1}, rooms, rooms}},
                          .hold = world_.chance(0.3)});
    }
    }
    world_.after(world_.between(1ms, 120ms), [this] { client_step(); });
  }

  void wish(hotel_id id, command c) {
    const auto n = ++last_wish_;
    auto e = std::make_shared<envelope>();
    e->hotel = id;
    e->request = {.key = {n, 1}, .digest = n, .by = "sim"};
    e->body = std::move(c);
    history_.sent(e->request.key, n);
    call_now(std::move(e), n);
    // Impatient people press twice.
    if (world_.chance(0.1)) world_.after(world_.between(0ms, 3ms), [this, n] { send_again(n); });
  }

  void ask(hotel_id id, query q) {
    auto e = std::make_shared<envelope>();
    e->hotel = id;
    e->body = std::move(q);
    call_now(std::move(e), ++last_wish_);
  }

  void call_now(std::shared_ptr<envelope> e, std::uint64_t wish) {
    auto& c = calls_[wish];
    e->correlation = wish;
    e->deadline = world_.steady() + patience;
    c.wish = wish;
    c.sent = e;
    ++c.attempts;
    deliver(e);
    world_.after(patience + 100ms, [this, e] { give_up(e); });
  }

  // What the router does: to the owner of now; who thinks that he still owns may get it, too.
  void deliver(const envelope_ptr& e) {
    node* to = owner_;
    if (old_ && old_->alive() && (!to || world_.chance(0.2))) to = old_;
    if (to && to->alive()) return to->send(e);
    bounce(e, {errc::unavailable, outcome::not_applied, "no owner"});
  }

  void bounce(const envelope_ptr& e, failure why) {
    envelope_ptr again = e;
    if (why.outcome == outcome::unknown && !e->in_doubt) {
      auto doubtful = std::make_shared<envelope>(*e);
      doubtful->in_doubt = true;
      again = doubtful;
    }
    if (world_.steady() + 25ms >= e->deadline) {
      if (again->in_doubt) why.outcome = outcome::unknown;
      return answer(again, {.hotel = e->hotel, .rests_on = durable{}, .body = why});
    }
    world_.after(25ms, [this, again] { deliver(again); });
  }

  // A retry is a call of its own: its envelope knows when it was made.
  duration called_at(const envelope& e) const {
    return world_.now() + std::chrono::floor<duration>(e.deadline - world_.steady()) - patience;
  }

  void answer(const envelope_ptr& e, const answer_envelope& a) {
    auto& c = calls_.at(e->correlation);
    history_.answered(*e, a, called_at(*e), c.wish);
    if (const auto* f = std::get_if<failure>(&a.body)) return failed(c, e, f->outcome);
    c.settled = true;
  }

  // No answer came in time: to the client it is unknown.
  void give_up(const envelope_ptr& e) {
    auto& c = calls_.at(e->correlation);
    if (!c.settled && c.sent->deadline == e->deadline) failed(c, e, outcome::unknown);
  }

  void failed(call& c, const envelope_ptr& e, outcome o) {
    if (c.settled || !e->is_command() || c.sent->deadline != e->deadline) return;
    if (o == outcome::not_applied) {
      c.settled = true;
      not_applied_.push_back(e->request.key);
      return;
    }
    if (c.attempts > 12) return;
    if (faults_.bug == planted::fresh_key_after_unknown) {
      auto fresh = std::make_shared<envelope>(*e);
      fresh->request.key.low += 1;
      history_.sent(fresh->request.key, c.wish);
      c.sent = fresh;
    }
    send_again(c.wish);
  }

  void send_again(std::uint64_t wish) {
    auto& c = calls_.at(wish);
    if (world_.now() >= everything_ends - 6s) return;
    auto e = std::make_shared<envelope>(*c.sent);
    e->in_doubt = false;
    call_now(std::move(e), wish);
  }

  void disturb() {
    if (world_.now() >= faults_end) return;
    const bool calm = faults_.lost_answer == 0 && faults_.slow == 0 && faults_.load_fails == 0;
    const auto what = calm ? 9 : world_.below(6);
    if (what == 0 && owner_) owner_->kill();
    if (what <= 1) take_over();
    if (what == 2 && owner_) {
      owner_->freeze(world_.between(50ms, 3s));
      if (world_.chance(0.7)) world_.after(world_.between(10ms, 400ms), [this] { take_over(); });
    }
    if (what == 3) {
      ++result_.outages;
      database_up_ = false;
      world_.after(world_.between(10ms, 12s), [this] { database_up_ = true; });
    }
    if (what == 4) database_.snapshots.clear();
    world_.after(world_.between(100ms, 4s), [this] { disturb(); });
  }

  void heal() {
    database_up_ = true;
    if (!owner_ || !owner_->alive() || owner_->fenced()) take_over();
    world_.after(10s, [this] {
      if (!owner_ || owner_->fenced()) take_over();
    });
    // After the faults every hotel takes a booking again; nights far away, so that rooms are there.
    world_.after(15s, [this] {
      for (const auto id : hotels_) {
        const date far = utc_date(world_.cluster_time()) + 300;
        wish(id, hold_rooms{.stay = {far, far + 1}, .items = {{room_type_id{1}, 1, 1}}, .hold = false});
        last_bookings_.push_back(last_wish_);
      }
    });
  }

  void check_liveness() {
    for (const auto wish : last_bookings_) {
      if (!calls_.at(wish).settled) result_.violations.push_back("a hotel took no booking after everything was healed");
    }
    for (const auto& key : not_applied_) {
      for (const auto id : hotels_) {
        for (const auto& e : database_.events(id)) {
          const auto& c = calls_.at(key.high);
          if (e.answers && e.answers->key == key && c.attempts == 1) {
            result_.violations.push_back(
                fmt::format("wish {} was said not to be applied, and event {} is it", key.high, e.seq));
          }
        }
      }
    }
    for (const auto& [wish, c] : calls_) result_.unknown += !c.settled && c.sent->is_command();
  }

  world world_;
  faults faults_;
  database database_;
  bool database_up_ = true;
  history history_;
  outcome_of_run result_;
  std::vector<hotel_id> hotels_;
  std::vector<std::unique_ptr<node>> nodes_;
  node* owner_ = nullptr;
  node* old_ = nullptr;
  incarnation last_incarnation_ = 0;
  std::uint64_t last_wish_ = 0;
  std::map<std::uint64_t, call> calls_;
  std::vector<request_key> not_applied_;
  std::vector<std::uint64_t> last_bookings_;
};

}  // namespace

outcome_of_run run_seed(std::uint64_t seed, planted bug) { return simulation{seed, bug}.run(); }

}  // namespace keyrack::sim
