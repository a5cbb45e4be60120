// The router of a process: where a request goes, and what becomes of one that could not be taken there. As cluster/node_router.
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <utility>

namespace keyrack::sim {

namespace {

constexpr duration retry_after = 25ms;

}  // namespace

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

}  // namespace keyrack::sim
