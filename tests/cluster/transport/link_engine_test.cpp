// Goal: the protocol between nodes: who is greeted and who is refused, what an end says, and what a peer cannot do to a node.
#include "engine_pair.hpp"

namespace keyrack::cluster {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(LinkEngine, GreetsAsksAndAnswers) {
  link_up();
  ask("what?");
  flow();
  ASSERT_THAT(b.out.requests, SizeIs(1));
  const auto& request = b.out.requests[0];
  EXPECT_EQ(request.from, 1);
  EXPECT_EQ(request.bytes, "what?");
  EXPECT_EQ(request.deadline, now + 1s);
  b.engine.answer(request.connection, request.id, "that.", b.out);
  flow();
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(*answers[0], "that.");
}

TEST_F(LinkEngine, RefusesAnotherIncarnation) {
  begin(1, 3);
  connect();
  flow();
  EXPECT_EQ(shown(), link_state::rejected);
  EXPECT_THAT(a.out.log.back().detail, HasSubstr("this node is 3, not 2"));
  ask("what?");
  EXPECT_EQ(only_failure().code, errc::unavailable);
  EXPECT_EQ(only_failure().outcome, outcome::not_applied);
}

TEST_F(LinkEngine, RefusesItself) {
  a.engine.use_incarnation(1, now, a.out);
  b.engine.use_incarnation(1, now, b.out);
  a.engine.use_peers({{.incarnation = 2, .address = "me:1"}}, now, a.out);
  connect();
  flow();
  EXPECT_EQ(shown(), link_state::rejected);
  EXPECT_THAT(a.out.log.back().detail, HasSubstr("itself"));
}

TEST_F(LinkEngine, RefusesWhileItHasNoIncarnation) {
  begin(1, 0);
  connect();
  flow();
  EXPECT_EQ(shown(), link_state::rejected);
}

TEST(LinkEngineVersions, LinksWhereThereIsACommonVersionAndElseNamesBothRanges) {
  for (const auto& [min, max, common] :
       {std::tuple{1U, 1U, 0U}, {1U, 2U, 2U}, {3U, 9U, 4U}, {4U, 4U, 4U}, {5U, 6U, 0U}}) {
    auto other = small_bounds;
    other.versions = {.min = min, .max = max};
    side a;
    side b{other};
    const steady_instant now{1};
    a.engine.use_incarnation(1, now, a.out);
    b.engine.use_incarnation(2, now, b.out);
    a.engine.use_peers({{.incarnation = 2, .address = "b:1"}}, now, a.out);
    const auto at_a = a.engine.connected(a.out.dials.at(0).ticket, now, a.out);
    const auto at_b = b.engine.accepted(now);
    b.engine.received(at_b, {*a.engine.next_frame(at_a, now)}, now, b.out);
    a.engine.received(at_a, {*b.engine.next_frame(at_b, now)}, now, a.out);
    EXPECT_EQ(a.engine.links().at(0).second, common == 0 ? link_state::rejected : link_state::linked) << min;
    const auto expected = common == 0 ? "node 2 speaks versions " + std::to_string(min) + " to " + std::to_string(max) +
                                            " of the protocol between nodes, node 1 speaks 2 to 4: upgrade"
                                      : "protocol version " + std::to_string(common);
    EXPECT_THAT(a.out.log.back().detail, HasSubstr(expected));
  }
}

TEST_F(LinkEngine, ABrokenLinkMakesWhatLeftUnknownAndWhatDidNotNotApplied) {
  link_up();
  ask("left");
  EXPECT_TRUE(a.engine.next_frame(wires[0].at_a, now));
  ask("did not");
  a.engine.broken(wires[0].at_a, "gone", now, a.out);
  finish();
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_NE(answers[0].error().outcome, answers[1].error().outcome);
  EXPECT_EQ(shown(), link_state::connecting);
  ASSERT_THAT(a.out.dials, SizeIs(1)) << "its port is asked at once";
  a.out.links_changed = false;
  a.engine.dial_failed(a.out.dials[0].ticket, link_state::refused, "refused", now, a.out);
  EXPECT_EQ(shown(), link_state::refused);
  EXPECT_TRUE(a.out.links_changed);
}

TEST_F(LinkEngine, CountsALateAnswer) {
  link_up();
  ask("what?", 20ms);
  flow();
  pass(20ms);
  tick();
  EXPECT_EQ(only_failure().code, errc::deadline_exceeded);
  EXPECT_EQ(only_failure().outcome, outcome::unknown);
  b.engine.answer(b.out.requests[0].connection, b.out.requests[0].id, "too late", b.out);
  flow();
  EXPECT_THAT(answers, SizeIs(1));
  EXPECT_EQ(a.counters.transport.late_answers.value(), 1);
}

TEST_F(LinkEngine, RefusesOverItsCreditAtOnce) {
  link_up();
  for (int i = 0; i < 8; ++i) ask("what?");
  EXPECT_THAT(answers, IsEmpty());
  ask("one more");
  EXPECT_EQ(only_failure().code, errc::overloaded);
  EXPECT_EQ(only_failure().outcome, outcome::not_applied);
}

TEST_F(LinkEngine, TellsWhatWaitsAndHowMuchCreditIsLeft) {
  link_up();
  ask("left");
  EXPECT_TRUE(a.engine.next_frame(wires[0].at_a, now));
  ask("waits");
  tick();
  const auto& at_a = a.counters.transport;
  EXPECT_EQ(at_a.in_flight.value(), 2);
  EXPECT_EQ(at_a.in_flight_bytes.value(), 9);
  EXPECT_EQ(at_a.unsent.value(), 1);
  EXPECT_DOUBLE_EQ(at_a.credit_used_ratio.value(), 2.0 / 8);
  EXPECT_EQ(at_a.links_up.value(), 1);
  flow();
  tick();
  EXPECT_EQ(b.counters.transport.unanswered.value(), 1);
  const auto& asked = b.out.requests.at(0);
  b.engine.answer(asked.connection, asked.id, "so", b.out);
  tick();
  EXPECT_EQ(b.counters.transport.unanswered.value(), 0);
  EXPECT_EQ(b.counters.transport.answers_unsent.value(), 1);
  a.engine.use_peers({}, now, a.out);
  finish();
  EXPECT_EQ(at_a.in_flight.value(), 0) << "with its last link gone nothing ticks any more";
  EXPECT_EQ(at_a.credit_used_ratio.value(), 0);
  EXPECT_EQ(at_a.links_up.value(), 0);
}

TEST_F(LinkEngine, AnswersForWhatIsNoLongerItsIncarnationAreFencedAndThenTheLinkIsRefused) {
  link_up();
  b.engine.use_incarnation(0, now, b.out);
  ask("what?");
  flow();
  EXPECT_EQ(only_failure().code, errc::fenced);
  EXPECT_EQ(only_failure().outcome, outcome::not_applied);
  EXPECT_THAT(b.out.requests, IsEmpty());
  pass(10ms);
  tick();
  flow();
  EXPECT_EQ(shown(), link_state::rejected);
}

TEST_F(LinkEngine, ANewIncarnationMakesItsLinksAnew) {
  link_up();
  ask("what?");
  flow();
  a.engine.use_incarnation(9, now, a.out);
  finish();
  EXPECT_EQ(only_failure().outcome, outcome::unknown);
  EXPECT_EQ(shown(), link_state::connecting);
  EXPECT_THAT(a.engine.take_closing(), SizeIs(1));
  connect();
  flow();
  EXPECT_EQ(shown(), link_state::linked);
  ask("again");
  flow();
  EXPECT_EQ(b.out.requests.back().from, 9);
}

TEST_F(LinkEngine, APeerThatIsNamedNoMoreIsClosedAndADialForItComesToNothing) {
  begin();
  const auto ticket = a.out.dials.at(0).ticket;
  a.engine.use_peers({}, now, a.out);
  EXPECT_THAT(a.engine.links(), IsEmpty());
  EXPECT_EQ(a.engine.connected(ticket, now, a.out), 0);
}

TEST_F(LinkEngine, ASilentPeerIsDroppedOnBothSides) {
  link_up();
  ask("what?");
  flow();
  b.engine.take_closing();
  for (int i = 0; i < 6; ++i) {
    pass(10ms);
    tick();
  }
  EXPECT_EQ(shown(), link_state::lost);
  EXPECT_EQ(only_failure().outcome, outcome::unknown);
  EXPECT_THAT(b.engine.take_closing(), SizeIs(1));
}

TEST_F(LinkEngine, WhoSleptHimselfDoesNotCallOthersSilent) {
  link_up();
  pass(10s);
  tick();
  EXPECT_EQ(shown(), link_state::linked);
}

TEST_F(LinkEngine, StrangersAreFewAndHaveLittleTime) {
  EXPECT_NE(b.engine.accepted(now), 0);
  EXPECT_NE(b.engine.accepted(now), 0);
  EXPECT_EQ(b.engine.accepted(now), 0);
  for (int i = 0; i < 10; ++i) {
    pass(10ms);
    tick();
  }
  EXPECT_THAT(b.engine.take_closing(), SizeIs(2));
  EXPECT_NE(b.engine.accepted(now), 0);
}

TEST_F(LinkEngine, WhatAStrangerMayNotSendEndsItsConnection) {
  b.engine.use_incarnation(2, now, b.out);
  for (const int kind : {0, 1, 2, 3}) {
    link::Frame frame;
    if (kind == 1) frame.mutable_requests()->add_all()->set_what("let me in");
    if (kind == 2) frame.mutable_ping();
    if (kind == 3) frame.mutable_welcome();
    const auto on = b.engine.accepted(now);
    b.engine.received(on, {frame}, now, b.out);
    EXPECT_THAT(b.engine.take_closing(), SizeIs(1)) << kind;
    EXPECT_THAT(b.out.requests, IsEmpty());
  }
}

TEST_F(LinkEngine, WhoTakesMuchSlowlyIsNotSilent) {
  link_up();
  for (int i = 0; i < 20; ++i) {
    pass(10ms);
    a.engine.progressed(wires[0].at_a, now);
    tick();
  }
  EXPECT_EQ(shown(), link_state::linked);
}

TEST_F(LinkEngine, APeerThatAsksOnAndOnAndNeverReadsIsDropped) {
  link_up();
  b.engine.take_closing();
  int asked = 0;
  for (; b.engine.greeted(wires[0].at_b) && asked < 1'000; ++asked) {
    link::Frame frame;
    frame.mutable_requests()->add_all()->set_id(static_cast<std::uint64_t>(asked));
    b.engine.received(wires[0].at_b, {frame}, now, b.out);
  }
  EXPECT_LT(asked, 100);
  EXPECT_THAT(b.engine.take_closing(), SizeIs(1));
  EXPECT_THAT(b.out.requests, SizeIs(8));
}

TEST_F(LinkEngine, APeerThatPingsOnAndOnAndNeverReadsIsDropped) {
  link_up();
  int asked = 0;
  for (; b.engine.greeted(wires[0].at_b) && asked < 1'000; ++asked) {
    link::Frame frame;
    frame.mutable_ping();
    b.engine.received(wires[0].at_b, {frame}, now, b.out);
  }
  EXPECT_LT(asked, 100);
}

TEST_F(LinkEngine, ANewerLinkOfAPeerReplacesTheOlder) {
  link_up();
  b.engine.take_closing();
  a.engine.broken(wires[0].at_a, "seen here only", now, a.out);
  connect();
  flow();
  EXPECT_EQ(shown(), link_state::linked);
  EXPECT_THAT(b.engine.take_closing(), testing::ElementsAre(wires[0].at_b));
}

TEST_F(LinkEngine, StopAnswersAll) {
  link_up();
  ask("left");
  flow();
  ask("did not");
  a.engine.stop(a.out);
  finish();
  EXPECT_THAT(answers, SizeIs(2));
  ask("after");
  ASSERT_THAT(answers, SizeIs(3));
  EXPECT_EQ(answers[2].error().outcome, outcome::not_applied);
}

}  // namespace
}  // namespace keyrack::cluster
