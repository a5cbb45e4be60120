// The router of a process, around the same cores as cluster/node_router: where a request goes, and what becomes of one that
// could not be taken there.
#include "tests/sim/node.hpp"
#include "tests/sim/process.hpp"

#include <utility>

namespace keyrack::sim {

void process::call(const envelope_ptr& e) {
  after(env_.w.between(10us, 200us), [this, e] { send(e); });
}

void process::send(const envelope_ptr& e) {
  const auto way = routes_.way_to(e->hotel);
  if (life_ && way.owner == life_->id()) return life_->take(e);
  if (way.owner != 0) return forward(way.owner, e);
  cluster::parking::effects out;
  parking_.on_no_way(e, {errc::unavailable, outcome::not_applied, "nobody owns the hotel yet"}, out);
  follow(out);
}

void process::bounce(const envelope_ptr& e, const failure& why) {
  auto what = e;
  const bool doubted =
      cluster::verdict_on(*e, why, steady() + parking_bounds_.retry_after) == cluster::verdict::in_doubt;
  if (env_.f.bug == planted::router_retries_with_fresh_key && doubted) {
    auto fresh = std::make_shared<envelope>(*e);
    const auto wish = env_.seen.wish_of(e->request.key);
    fresh->request.key.low += 1'000;
    env_.seen.sent(fresh->request.key, wish);
    what = std::move(fresh);
  }
  cluster::parking::effects out;
  parking_.on_given_back(what, why, steady(), out);
  follow(out);
}

void process::retry_parked() {
  cluster::parking::effects out;
  parking_.on_way_open(out);
  follow(out);
}

void process::follow(const cluster::parking::effects& out) {
  env_.parked += static_cast<int>(out.parked.size());
  env_.turned_away += out.turned_away;
  env_.too_late += out.too_late;
  const auto retry = [this](auto of_parking) {
    return [this, of_parking] {
      cluster::parking::effects now;
      (parking_.*of_parking)(steady(), now);
      follow(now);
    };
  };
  if (out.later)
    after(std::chrono::duration_cast<duration>(parking_bounds_.retry_after), retry(&cluster::parking::on_later));
  if (out.soon) after(5us, retry(&cluster::parking::on_soon));
  for (const auto& ended : out.end) {
    answer(ended.what, {.hotel = ended.what->hotel, .rests_on = durable{}, .body = ended.told});
  }
  for (const auto& e : out.send) send(e);
}

void process::answer(const envelope_ptr& e, const answer_envelope& a) {
  if (!e->forwarded) return env_.answered(e, a);
  auto respond = served_.extract(e->correlation);
  if (!respond.empty()) respond.mapped()(a);
}

void process::use_owners(const rows_reading& rows) {
  if (!routes_.take(*rows.shards, rows.routes_version)) return;
  if (env_.f.bug == planted::move_drops_parked) parking_ = cluster::parking{parking_bounds_};
  retry_parked();
}

}  // namespace keyrack::sim
