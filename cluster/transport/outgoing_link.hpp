// One outgoing link: when to dial, greet, ping, give up, dial again. Pure; knows no socket and no frame.
//
//            dial_failed: refused | lost, pause doubles
//          ┌──────────────────────────────────────────────┐
//          ▼       due              connected              │      welcomed
//   ► waiting ─────────► dialing ───────────────► greeting ┼───────────────► linked
//          ▲                                               │                    │
//          ├── turned_away: rejected | no answer: lost ────┘                    │
//          ├── broken: connecting, and dials at once ───────────────────────────┤
//          └── silent: lost, after a pause ─────────────────────────────────────┘
#pragma once

#include "cluster/transport.hpp"

#include <chrono>
#include <cstdint>

namespace keyrack::cluster {

struct link_timing {
  std::chrono::nanoseconds greeting_timeout{};
  std::chrono::nanoseconds ping_period{};
  std::chrono::nanoseconds silence{};
  std::chrono::nanoseconds redial_min{};
  std::chrono::nanoseconds redial_max{};
};

class outgoing_link {
public:
  enum class phase : std::uint8_t { waiting, dialing, greeting, linked };

  /// It dials at once.
  outgoing_link(const link_timing& timing, steady_instant now)
      : timing_(timing), due_(now), pause_(timing.redial_min) {}

  phase now_in() const { return phase_; }
  link_state shown() const { return shown_; }

  /// When `step` is due next; nothing happens by itself while it dials.
  steady_instant due() const { return due_; }

  enum class action : std::uint8_t { none, dial, ping, give_up };
  /// Time has passed. give_up: close the connection, and tell `broken` or `silent` nothing more; it waits already.
  action step(steady_instant now);

  void dial_failed(link_state why, steady_instant now);
  void connected(steady_instant now);
  void welcomed(steady_instant now);
  /// The peer refuses to be linked.
  void turned_away(steady_instant now);
  /// The connection broke.
  void broken(steady_instant now);
  /// The peer has been heard.
  void heard(steady_instant now);

private:
  void wait(link_state why, steady_instant now);

  const link_timing timing_;
  phase phase_ = phase::waiting;
  link_state shown_ = link_state::connecting;
  steady_instant due_;
  steady_instant heard_;
  steady_instant ping_due_;
  std::chrono::nanoseconds pause_;
};

}  // namespace keyrack::cluster
