// Goal: a link that is down is known as refused, lost or rejected, and is dialed again soon but not without pause.
#include "cluster/transport/outgoing_link.hpp"

#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using action = outgoing_link::action;

constexpr link_timing timing{
    .greeting_timeout = 100ms, .ping_period = 10ms, .silence = 50ms, .redial_min = 5ms, .redial_max = 20ms};

struct OutgoingLink : testing::Test {
  steady_instant now{1'000'000'000};
  outgoing_link link{timing, now};
  void pass(std::chrono::nanoseconds time) { now = now + time; }
  void make_linked() {
    EXPECT_EQ(link.step(now), action::dial);
    link.connected(now);
    link.welcomed(now);
    EXPECT_EQ(link.shown(), link_state::linked);
  }
  // How long it waits before it dials again.
  std::chrono::nanoseconds pause() {
    const auto from = now;
    EXPECT_EQ(link.step(now), now >= link.due() ? action::dial : action::none);
    now = link.due();
    EXPECT_EQ(link.step(now), action::dial);
    return now - from;
  }
};

TEST_F(OutgoingLink, DialsAtOnceAndThenAfterPausesThatDoubleUpToABound) {
  EXPECT_EQ(link.step(now), action::dial);
  for (const auto expected : {5ms, 10ms, 20ms, 20ms}) {
    link.dial_failed(link_state::refused, now);
    EXPECT_EQ(link.shown(), link_state::refused);
    EXPECT_EQ(pause(), expected);
  }
  link.connected(now);
  link.welcomed(now);
  link.broken(now);
  EXPECT_EQ(link.step(now), action::dial);
  link.dial_failed(link_state::lost, now);
  EXPECT_EQ(pause(), std::chrono::nanoseconds{5ms} / 16) << "a process that ends may accept for a moment";
  link.dial_failed(link_state::refused, now);
  EXPECT_EQ(pause(), std::chrono::nanoseconds{5ms} / 8);
}

TEST_F(OutgoingLink, ABrokenLinkAsksThePortAtOnce) {
  make_linked();
  link.broken(now);
  EXPECT_EQ(link.shown(), link_state::connecting);
  EXPECT_EQ(link.step(now), action::dial);
  link.dial_failed(link_state::refused, now);
  EXPECT_EQ(link.shown(), link_state::refused);
}

TEST_F(OutgoingLink, GivesUpOnWhoAcceptsAndDoesNotGreet) {
  EXPECT_EQ(link.step(now), action::dial);
  link.connected(now);
  pass(99ms);
  EXPECT_EQ(link.step(now), action::none);
  pass(1ms);
  EXPECT_EQ(link.step(now), action::give_up);
  EXPECT_EQ(link.shown(), link_state::lost);
}

TEST_F(OutgoingLink, PingsAndGivesUpOnSilenceOnly) {
  make_linked();
  for (int i = 0; i < 20; ++i) {
    pass(10ms);
    EXPECT_EQ(link.step(now), action::ping);
    EXPECT_EQ(link.step(now), action::none) << "one ping for a period";
    link.heard(now);
  }
  for (int i = 0; i < 4; ++i) {
    pass(10ms);
    EXPECT_EQ(link.step(now), action::ping);
  }
  pass(10ms);
  EXPECT_EQ(link.step(now), action::give_up);
  EXPECT_EQ(link.shown(), link_state::lost);
  EXPECT_EQ(pause(), 5ms);
}

TEST_F(OutgoingLink, IsRejectedByWhoIsNotMeant) {
  EXPECT_EQ(link.step(now), action::dial);
  link.connected(now);
  link.turned_away(now);
  EXPECT_EQ(link.shown(), link_state::rejected);
  EXPECT_EQ(pause(), 5ms);
}

}  // namespace
}  // namespace keyrack::cluster
