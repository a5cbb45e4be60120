#include "cluster/parking.hpp"

#include "actors/domain/assert.hpp"

#include <memory>
#include <utility>

namespace keyrack::cluster {

namespace {

parking::ending ended(envelope_ptr e, failure why) {
  const auto reason = why.code;
  auto told = last_words(*e, std::move(why));
  return {.what = std::move(e), .reason = reason, .told = std::move(told)};
}

envelope_ptr in_doubt(const envelope& e) {
  auto doubtful = std::make_shared<envelope>(e);
  doubtful->in_doubt = true;
  return doubtful;
}

}  // namespace

void parking::on_given_back(envelope_ptr e, const failure& why, steady_instant now, effects& out) {
  switch (verdict_on(*e, why, now + bounds_.retry_after)) {
  case verdict::to_sender:
  case verdict::failed: out.end.push_back(ended(std::move(e), why)); return;
  case verdict::parked: return park(std::move(e), why, out);
  case verdict::in_doubt: return park(in_doubt(*e), why, out);
  }
}

void parking::park(envelope_ptr e, const failure& why, effects& out) {
  KEYRACK_ASSERT(!e->forwarded);  // its own node tries again
  if (parked_.size() >= bounds_.parked_max) {
    ++out.turned_away;
    out.end.push_back(
        ended(std::move(e), {errc::overloaded, outcome::not_applied,
                             "too many requests wait for hotels that cannot be reached; ask again later"}));
    return;
  }
  out.parked.push_back(why.code);
  parked_.push_back(std::move(e));
  if (!std::exchange(later_asked_, true)) out.later = true;
}

void parking::on_way_open(effects& out) {
  if (parked_.empty() || std::exchange(soon_asked_, true)) return;
  out.soon = true;
}

void parking::on_soon(steady_instant now, effects& out) {
  soon_asked_ = false;
  release(now, out);
}

void parking::on_later(steady_instant now, effects& out) {
  later_asked_ = false;
  release(now, out);
}

void parking::release(steady_instant now, effects& out) {
  for (auto& e : std::exchange(parked_, {})) {
    if (now >= e->deadline) {
      ++out.too_late;
      out.end.push_back(
          ended(std::move(e), {errc::unavailable, outcome::not_applied, "the hotel could not be reached in time"}));
    } else {
      out.send.push_back(std::move(e));
    }
  }
}

}  // namespace keyrack::cluster
