// Two engines and the connections between them, without sockets, threads or time of their own.
#pragma once

#include "cluster/transport/link_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::cluster {

using namespace std::chrono_literals;

inline constexpr engine_bounds small_bounds{
    .timing = {.greeting_timeout = 100ms, .ping_period = 10ms, .silence = 50ms, .redial_min = 5ms, .redial_max = 20ms},
    .in_flight_max = 8,
    .in_flight_bytes_max = 10'000,
    .frame_bytes_max = 1'000,
    .strangers_max = 2,
    .versions = {.min = 2, .max = 4}};

// An engine, and what came out of it.
struct side {
  explicit side(const engine_bounds& bounds = small_bounds) : engine(bounds, counters.transport) {}
  metrics counters;
  link_engine engine;
  effects out;
};

// A node that asks and one that answers, and the connections between them.
struct LinkEngine : testing::Test {
  side a;
  side b;
  steady_instant now{1'000'000'000};
  struct wire {
    connection_id at_a = 0;
    connection_id at_b = 0;
  };
  std::vector<wire> wires;
  std::vector<transport::answer> answers;

  void pass(std::chrono::nanoseconds time) { now = now + time; }

  void begin(std::int64_t me = 1, std::int64_t other = 2) {
    a.engine.use_incarnation(me, now, a.out);
    b.engine.use_incarnation(other, now, b.out);
    a.engine.use_peers({{.incarnation = 2, .address = "b:1"}}, now, a.out);
  }
  void connect() {
    for (const auto& dial : std::exchange(a.out.dials, {})) {
      wire made{.at_a = a.engine.connected(dial.ticket, now, a.out), .at_b = b.engine.accepted(now)};
      if (made.at_a != 0) wires.push_back(made);
    }
  }
  // Frames go over until nobody has any more.
  void flow() {
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& each : wires) {
        while (auto frame = a.engine.next_frame(each.at_a, now)) {
          moved = true;
          b.engine.received(each.at_b, {std::move(*frame)}, now, b.out);
        }
        while (auto frame = b.engine.next_frame(each.at_b, now)) {
          moved = true;
          a.engine.received(each.at_a, {std::move(*frame)}, now, a.out);
        }
      }
      finish();
    }
  }
  void link_up() {
    begin();
    connect();
    flow();
    ASSERT_EQ(shown(), link_state::linked);
  }
  void ask(std::string bytes, std::chrono::nanoseconds within = 1s) {
    a.engine.send(
        2, std::move(bytes), now + within, [this](transport::answer x) { answers.push_back(std::move(x)); }, a.out);
    finish();
  }
  void finish() {
    for (auto& each : std::exchange(a.out.completed, {})) each.then(std::move(each.result));
  }
  void tick() {
    a.engine.tick(now, a.out);
    b.engine.tick(now, b.out);
    finish();
  }
  link_state shown() const { return a.engine.links().at(0).second; }
  failure only_failure() {
    EXPECT_THAT(answers, testing::SizeIs(1));
    return answers.empty() || answers[0] ? failure{} : answers[0].error();
  }
};

}  // namespace keyrack::cluster
