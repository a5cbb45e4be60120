#include "tests/sim/clients.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace keyrack::sim {

namespace {

constexpr currency chf{{'C', 'H', 'F'}};
constexpr duration patience = 3s;  // for one attempt
constexpr int attempts_max = 8;

// The calendar that clients have: true time.
date today(const world& w) { return utc_date(std::chrono::sys_days{std::chrono::year{2030} / 1 / 1} + w.now()); }

}  // namespace

void clients::open_hotels() {
  for (const auto id : hotels_) {
    const auto created =
        wish(id, create_hotel{{.name = "H", .city = "C", .country = "CH", .time_zone = "UTC", .currency = chf}}, true);
    when_done_[created] = [this, id] {
      wish(id, add_room_type{{.name = "D", .rooms = 3, .max_guests = 2, .price = 100, .currency = chf}}, true);
    };
  }
}

void clients::begin(int count, duration end, duration patience_ends) {
  end_ = end;
  patience_ends_ = patience_ends;
  for (int c = 0; c < count; ++c) step();
}

// One of many: asks for something, waits a little, asks again.
void clients::step() {
  auto& w = env_.w;
  if (w.now() >= end_) return;
  const auto id = hotels_[w.below(hotels_.size())];
  const date first = today(w) + 1 + static_cast<int>(w.below(4));
  switch (w.below(10)) {
  case 0: ask(id, reservations_query{}); break;
  case 1: ask(id, hotel_query{}); break;
  case 2:
  case 3: wish(id, cancel_reservation{{1 + w.below(20)}}); break;
  case 4: wish(id, confirm_reservation{{1 + w.below(20)}}); break;
  case 5: wish(id, change_reservation{.number = {1 + w.below(20)}, .check_out = first + 3}); break;
  default: {
    const auto rooms = 1 + static_cast<std::int32_t>(w.below(2));
    wish(id, hold_rooms{.stay = {first, first + 1 + static_cast<int>(w.below(3))},
                        .items = {{room_type_id{1}, rooms, rooms}},
                        .hold = w.chance(0.3)});
  }
  }
  w.after(w.between(1ms, 100ms), [this] { step(); });
}

void clients::book_everywhere() {
  for (const auto id : hotels_) {
    const date far = today(env_.w) + 300;
    last_bookings_.push_back(
        wish(id, hold_rooms{.stay = {far, far + 1}, .items = {{room_type_id{1}, 1, 1}}, .hold = false}, true));
  }
}

int clients::bookings_missing() const {
  int missing = 0;
  for (const auto n : last_bookings_) missing += !wishes_.at(n).done;
  return missing;
}

std::uint64_t clients::wish(hotel_id id, command c, bool insists) {
  const auto n = ++last_wish_;
  auto e = std::make_shared<envelope>();
  e->hotel = id;
  e->request = {.key = {n, 1}, .digest = n, .by = "sim"};
  e->body = std::move(c);
  env_.seen.sent(e->request.key, n);
  wishes_[n] = {.what = std::move(e), .insists = insists};
  call_now(n);
  // Impatient people press twice.
  if (!insists && env_.w.chance(0.1)) env_.w.after(env_.w.between(0ms, 3ms), [this, n] { call_now(n); });
  return n;
}

void clients::ask(hotel_id id, query q) {
  auto e = std::make_shared<envelope>();
  e->hotel = id;
  e->body = std::move(q);
  wishes_[++last_wish_] = {.what = std::move(e)};
  call_now(last_wish_);
}

void clients::call_now(std::uint64_t n) {
  auto& w = wishes_.at(n);
  auto e = std::make_shared<envelope>(*w.what);
  e->correlation = ++env_.last_id;
  w.last_call = e->correlation;
  ++w.attempts;
  // Who insists does not ask those again that do not answer at all.
  auto* to = w.insists ? fleet_.any_awake() : fleet_.any();
  calls_[e->correlation] = {.wish = n, .called = env_.w.now(), .asked = to};
  if (to) {
    e->deadline = to->steady() + patience;
    to->call(e);
    env_.w.after(patience + 300ms, [this, id = e->correlation] { give_up(id); });
  } else {
    env_.w.after(50ms, [this, e] {
      answer(e, {.hotel = e->hotel,
                 .rests_on = durable{},
                 .body = failure{errc::unavailable, outcome::not_applied, "connection refused"}});
    });
  }
}

void clients::answer(const envelope_ptr& e, const answer_envelope& a) {
  auto& c = calls_.at(e->correlation);
  if (std::exchange(c.answered, true)) {
    violations_.push_back(fmt::format("a call was answered twice; wish {}", c.wish));
  }
  if (c.asked && !c.asked->alive()) return;  // nobody hears it
  env_.seen.answered(*e, a, c.called, c.wish);
  if (const auto* f = std::get_if<failure>(&a.body)) return failed(e->correlation, f->outcome);
  auto& w = wishes_.at(c.wish);
  w.done = std::holds_alternative<done>(a.body);
  if (w.insists && !w.done) return ask_again(c.wish);
  w.settled = true;
  if (std::holds_alternative<refusal>(a.body) && w.attempts == 1) refused_.push_back(e->request.key);
  if (const auto then = when_done_.extract(c.wish); w.done && !then.empty()) then.mapped()();
}

void clients::ask_again(std::uint64_t n) {
  env_.w.after(50ms, [this, n] {
    if (!wishes_.at(n).settled) call_now(n);
  });
}

// No answer came in time: to the client it is unknown.
void clients::give_up(std::uint64_t id) {
  if (!calls_.at(id).answered) failed(id, outcome::unknown);
}

void clients::failed(std::uint64_t id, outcome o) {
  const auto n = calls_.at(id).wish;
  auto& w = wishes_.at(n);
  if (w.settled || w.last_call != id || !w.what->is_command()) return;
  if (w.insists) return ask_again(n);
  if (o == outcome::not_applied) {
    w.settled = true;
    if (w.attempts == 1) not_applied_.push_back(w.what->request.key);
    return;
  }
  if (w.attempts > attempts_max || env_.w.now() >= patience_ends_) return;
  if (env_.f.bug == planted::fresh_key_after_unknown) {
    auto fresh = std::make_shared<envelope>(*w.what);
    fresh->request.key.low += 1;
    env_.seen.sent(fresh->request.key, n);
    w.what = std::move(fresh);
  }
  call_now(n);
}

bool clients::at_rest() const {
  const bool answered = std::ranges::all_of(calls_, [](const auto& c) { return c.second.answered; });
  return answered && !last_bookings_.empty() && bookings_missing() == 0;
}

void clients::check() {
  for (std::uint64_t id = 1; id <= env_.last_id; ++id) {
    const auto c = calls_.find(id);
    if (c == calls_.end() || c->second.answered) continue;
    const auto* asked = c->second.asked;
    if (!asked || !asked->alive() || asked->frozen()) continue;
    violations_.push_back(fmt::format("a call of machine {} at {} us was never answered; wish {}, hotel {}",
                                      asked->machine(), c->second.called.count(), c->second.wish,
                                      wishes_.at(c->second.wish).what->hotel.value));
  }
  std::set<request_key> applied;
  for (const auto id : hotels_) {
    env_.db.each_event(id, 0, UINT64_MAX, [&](const event& e) {
      if (e.answers) applied.insert(e.answers->key);
    });
  }
  for (const auto& key : not_applied_) {
    if (applied.contains(key) && wishes_.at(key.high).attempts == 1) {
      violations_.push_back(fmt::format("wish {} was said not to be applied, and it is", key.high));
    }
  }
  for (const auto& key : refused_) {
    if (applied.contains(key) && wishes_.at(key.high).attempts == 1) {
      violations_.push_back(fmt::format("wish {} was refused, and it is applied", key.high));
    }
  }
}

int clients::unknown() const {
  int all = 0;
  for (const auto& [n, w] : wishes_) all += !w.settled && w.what->is_command();
  return all;
}

}  // namespace keyrack::sim
