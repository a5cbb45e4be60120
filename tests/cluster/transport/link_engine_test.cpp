// Goal: the protocol between nodes without sockets, threads or time of its own: who is greeted and who is refused, what an end
// says, and that every request is answered once whatever breaks.
#include "cluster/transport/link_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr engine_bounds small_bounds{
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
    EXPECT_THAT(answers, SizeIs(1));
    return answers.empty() || answers[0] ? failure{} : answers[0].error();
  }
};

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
    const auto expected = common == 0 ? "versions " + std::to_string(min) + " to " + std::to_string(max) +
                                            " of the protocol, the other one 2 to 4"
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

// Whatever breaks, sleeps or changes: each request ends once; not applied is true; and in the end the nodes are linked.
RC_GTEST_FIXTURE_PROP(LinkEngine, EveryRequestEndsOnceWhateverHappens, (const std::vector<std::uint8_t>& script)) {
  begin();
  std::map<int, int> ends;
  std::set<int> said_not_applied;
  std::set<int> seen;
  int asked = 0;
  const auto note_requests = [&] {
    for (const auto& each : b.out.requests) seen.insert(std::stoi(each.bytes));
  };
  for (const auto each_step : script) {
    const auto what = each_step % 12;
    if (what < 4) {
      const int number = asked++;
      a.engine.send(
          2, std::to_string(number), now + std::chrono::milliseconds{*rc::gen::inRange(1, 40)},
          [&, number](const transport::answer& x) {
            ++ends[number];
            if (!x && x.error().outcome == outcome::not_applied) said_not_applied.insert(number);
          },
          a.out);
    } else if (what < 6) {
      flow();
      note_requests();
    } else if (what == 6 && !b.out.requests.empty()) {
      note_requests();
      const auto last = std::move(b.out.requests.back());
      b.out.requests.pop_back();
      b.engine.answer(last.connection, last.id, "yes", b.out);
    } else if (what == 7 && !wires.empty()) {
      const auto broken = wires.back();
      wires.pop_back();
      a.engine.broken(broken.at_a, "cut", now, a.out);
      b.engine.broken(broken.at_b, "cut", now, b.out);
    } else if (what == 8) {
      for (const auto& dial : std::exchange(a.out.dials, {})) {
        a.engine.dial_failed(dial.ticket, link_state::refused, "", now, a.out);
      }
    } else if (what == 9) {
      a.engine.use_incarnation(*rc::gen::element<std::int64_t>(0, 1, 5), now, a.out);
    } else if (what == 10) {
      b.engine.use_incarnation(*rc::gen::element<std::int64_t>(0, 2, 2, 2, 7), now, b.out);
    } else {
      connect();
      pass(std::chrono::milliseconds{*rc::gen::inRange(0, 15)});
      tick();
    }
    finish();
  }
  a.engine.use_incarnation(1, now, a.out);
  b.engine.use_incarnation(2, now, b.out);
  for (int i = 0; i < 100; ++i) {
    connect();
    flow();
    note_requests();
    pass(5ms);
    tick();
  }
  for (int i = 0; i < asked; ++i) RC_ASSERT(ends[i] == 1);
  for (const int each : said_not_applied) RC_ASSERT(!seen.contains(each));
  RC_ASSERT(shown() == link_state::linked);
}

}  // namespace
}  // namespace keyrack::cluster
