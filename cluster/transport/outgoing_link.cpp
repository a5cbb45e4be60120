#include "cluster/transport/outgoing_link.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <limits>

namespace keyrack::cluster {

namespace {

constexpr steady_instant never{std::numeric_limits<std::int64_t>::max()};

}  // namespace

void outgoing_link::wait(link_state why, steady_instant now) {
  phase_ = phase::waiting;
  shown_ = why;
  due_ = now + pause_;
  pause_ = std::min(2 * pause_, timing_.redial_max);
}

outgoing_link::action outgoing_link::step(steady_instant now) {
  if (now < due_) return action::none;
  switch (phase_) {
  case phase::waiting:
    phase_ = phase::dialing;
    due_ = never;
    return action::dial;
  case phase::dialing: return action::none;
  case phase::greeting: wait(link_state::lost, now); return action::give_up;
  case phase::linked: break;
  }
  if (now >= heard_ + timing_.silence) {
    wait(link_state::lost, now);
    return action::give_up;
  }
  const bool ping = now >= ping_due_;
  if (ping) ping_due_ = now + timing_.ping_period;
  due_ = std::min(ping_due_, heard_ + timing_.silence);
  return ping ? action::ping : action::none;
}

void outgoing_link::dial_failed(link_state why, steady_instant now) {
  KEYRACK_ASSERT(phase_ == phase::dialing);
  wait(why, now);
}

void outgoing_link::connected(steady_instant now) {
  KEYRACK_ASSERT(phase_ == phase::dialing);
  phase_ = phase::greeting;
  due_ = now + timing_.greeting_timeout;
}

void outgoing_link::welcomed(steady_instant now) {
  KEYRACK_ASSERT(phase_ == phase::greeting);
  phase_ = phase::linked;
  shown_ = link_state::linked;
  pause_ = timing_.redial_min;
  heard_ = now;
  ping_due_ = now + timing_.ping_period;
  due_ = ping_due_;
}

void outgoing_link::turned_away(steady_instant now) {
  KEYRACK_ASSERT(phase_ == phase::greeting || phase_ == phase::linked);
  wait(link_state::rejected, now);
}

void outgoing_link::broken(steady_instant now) {
  KEYRACK_ASSERT(phase_ == phase::greeting || phase_ == phase::linked);
  if (phase_ == phase::greeting) return wait(link_state::lost, now);
  // Whether the peer is gone or only its connection is known by asking its port, now. A process that is being ended may
  // still accept for a moment: so it is asked again soon, and then less and less.
  pause_ = timing_.redial_min / 16;
  phase_ = phase::waiting;
  shown_ = link_state::connecting;
  due_ = now;
}

void outgoing_link::heard(steady_instant now) { heard_ = now; }

}  // namespace keyrack::cluster
