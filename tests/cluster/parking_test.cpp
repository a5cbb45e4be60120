// Goal: whatever could not be taken where it was sent leaves the parking once: sent again, or with a failure that is true of
// all its attempts; and no more wait than there may.
#include "cluster/parking.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;

constexpr steady_instant begin{1'000'000'000};
const failure moving{errc::moving, outcome::not_applied, "on its way"};
const failure broke{errc::unavailable, outcome::unknown, "the link broke"};
const failure nobody{errc::unavailable, outcome::not_applied, "nobody's"};

envelope_ptr request(std::uint64_t id, steady_instant deadline = begin + 1s, bool forwarded = false) {
  auto e = std::make_shared<envelope>();
  e->correlation = id;
  e->deadline = deadline;
  e->forwarded = forwarded;
  return e;
}

struct Parking : ::testing::Test {
  using effects = parking::effects;
  effects give_back(const envelope_ptr& e, const failure& why, steady_instant now = begin) {
    effects out;
    lot.on_given_back(e, why, now, out);
    return out;
  }
  effects no_way(const envelope_ptr& e) {
    effects out;
    lot.on_no_way(e, nobody, out);
    return out;
  }
  effects open() {
    effects out;
    lot.on_way_open(out);
    return out;
  }
  effects soon(steady_instant now = begin) {
    effects out;
    lot.on_soon(now, out);
    return out;
  }
  effects later(steady_instant now = begin + 25ms) {
    effects out;
    lot.on_later(now, out);
    return out;
  }
  parking lot{{.retry_after = 25ms, .parked_max = 3}};
};

TEST_F(Parking, SendsAgainInTheirOrderOnceTheWayOpens) {
  const auto first = give_back(request(1), moving);
  EXPECT_EQ(first.parked, std::vector{errc::moving});
  EXPECT_TRUE(first.later) << "nobody may ever say that the way is open";
  EXPECT_FALSE(no_way(request(2)).later) << "one timer for all";
  ASSERT_TRUE(open().soon);
  const auto out = soon();
  ASSERT_EQ(out.send.size(), 2u);
  EXPECT_EQ(out.send[0]->correlation, 1u);
  EXPECT_EQ(out.send[1]->correlation, 2u);
  EXPECT_TRUE(out.end.empty());
  EXPECT_EQ(lot.size(), 0u);
}

TEST_F(Parking, SendsOnceThoughItsWayChangesTwice) {
  give_back(request(1), moving);
  EXPECT_TRUE(open().soon);
  EXPECT_FALSE(open().soon) << "it would be tried twice for one reason";
  EXPECT_EQ(soon().send.size(), 1u);
  EXPECT_TRUE(soon().send.empty());
  EXPECT_TRUE(later().send.empty()) << "the timer of what has left";
}

TEST_F(Parking, HearsAgainOfAWayThatOpensAfterItWasTried) {
  give_back(request(1), moving);
  open();
  soon();
  EXPECT_FALSE(open().soon) << "nobody waits";
  give_back(request(1), moving);
  EXPECT_TRUE(open().soon);
}

TEST_F(Parking, TriesAgainAfterAWhileThoughNoWayOpens) {
  give_back(request(1), moving);
  EXPECT_EQ(later().send.size(), 1u);
  EXPECT_TRUE(give_back(request(1), moving).later) << "every while has its timer";
}

TEST_F(Parking, KeepsItsOneTimerWhenAWayOpensBeforeIt) {
  give_back(request(1), moving);
  soon();
  EXPECT_FALSE(give_back(request(2), moving).later) << "timers pile up";
  EXPECT_EQ(later().send.size(), 1u);
}

TEST_F(Parking, SaysNotAppliedWhenTheDeadlineHasPassed) {
  no_way(request(1, begin + 10ms));
  no_way(request(2));
  const auto out = later(begin + 10ms);
  ASSERT_EQ(out.end.size(), 1u);
  EXPECT_EQ(out.end[0].what->correlation, 1u);
  EXPECT_EQ(out.end[0].told.code, errc::unavailable);
  EXPECT_EQ(out.end[0].told.outcome, outcome::not_applied);
  EXPECT_EQ(out.too_late, 1);
  EXPECT_EQ(out.send.size(), 1u) << "the other has time left";
}

TEST_F(Parking, SaysUnknownWhenTheDeadlineHasPassedAndAnAttemptMayHaveBeenApplied) {
  give_back(request(1), broke);
  auto again = later().send;
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0]->in_doubt) << "whoever is asked next is told so";
  give_back(again[0], moving);  // this attempt was not applied
  const auto out = later(begin + 1s);
  ASSERT_EQ(out.end.size(), 1u);
  EXPECT_EQ(out.end[0].told.outcome, outcome::unknown);
}

TEST_F(Parking, TellsAtOnceWhatWouldBeTriedAgainTooLate) {
  const auto out = give_back(request(1, begin + 25ms), moving);
  ASSERT_EQ(out.end.size(), 1u);
  EXPECT_EQ(out.end[0].reason, errc::moving);
  EXPECT_EQ(out.end[0].told.code, errc::unavailable) << "nodes' words are not a client's";
  EXPECT_EQ(out.end[0].told.outcome, outcome::not_applied);
  EXPECT_EQ(give_back(request(2, begin + 25ms), broke).end.at(0).told.outcome, outcome::unknown);
  EXPECT_EQ(lot.size(), 0u);
}

TEST_F(Parking, TurnsAwayWhatIsOverItsBound) {
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_TRUE(no_way(request(id)).end.empty());
  const auto out = no_way(request(4));
  ASSERT_EQ(out.end.size(), 1u);
  EXPECT_EQ(out.end[0].what->correlation, 4u);
  EXPECT_EQ(out.end[0].told.code, errc::overloaded);
  EXPECT_EQ(out.end[0].told.outcome, outcome::not_applied);
  EXPECT_EQ(out.turned_away, 1);
  EXPECT_TRUE(out.parked.empty());
  EXPECT_EQ(give_back(request(5), broke).end.at(0).told.outcome, outcome::unknown) << "it may have been applied";
  EXPECT_EQ(soon().send.size(), 3u) << "those who waited still do";
  EXPECT_TRUE(no_way(request(6)).end.empty()) << "there is room again";
}

TEST_F(Parking, GivesBackToItsNodeWhatAnotherNodeSent) {
  const auto out = give_back(request(1, begin + 1s, true), moving);
  ASSERT_EQ(out.end.size(), 1u);
  EXPECT_EQ(out.end[0].told.code, errc::moving) << "its node must know that it may try elsewhere";
  EXPECT_EQ(lot.size(), 0u);
}

// Random lives: each attempt of each request ends somehow, ways open, timers ring when they were asked for.
RC_GTEST_PROP(ParkingLives, EndEachOnceAndNeverDenyWhatMayHaveBeen, ()) {
  constexpr std::size_t room = 4;
  parking lot{{.retry_after = 25ms, .parked_max = room}};
  std::map<std::uint64_t, envelope_ptr> under_way;  // being tried
  std::set<std::uint64_t> waiting, ended, doubted;
  steady_instant now = begin;
  bool timer = false;
  bool soon_asked = false;
  std::uint64_t last = 0;
  const auto follow = [&](const parking::effects& out) {
    RC_ASSERT(!(out.later && timer));
    RC_ASSERT(!(out.soon && soon_asked));
    timer = timer || out.later;
    soon_asked = soon_asked || out.soon;
    for (const auto& e : out.send) {
      RC_ASSERT(waiting.erase(e->correlation) == 1);
      RC_ASSERT(now < e->deadline);
      under_way[e->correlation] = e;
    }
    for (const auto& e : out.end) {
      waiting.erase(e.what->correlation);
      RC_ASSERT(ended.insert(e.what->correlation).second);
      RC_ASSERT((e.told.outcome == outcome::unknown) == doubted.contains(e.what->correlation));
    }
  };
  const auto comes_back = [&](std::uint64_t id, const failure* why) {
    const auto e = under_way.extract(id).mapped();
    waiting.insert(id);
    parking::effects out;
    why == nullptr ? lot.on_no_way(e, nobody, out) : lot.on_given_back(e, *why, now, out);
    follow(out);
  };
  for (int step = 0; step < 200; ++step) {
    now = now + std::chrono::milliseconds{*rc::gen::inRange(0, 10)};
    parking::effects out;
    switch (*rc::gen::inRange(0, 6)) {
    case 0:
      ++last;
      under_way[last] = request(last, now + std::chrono::milliseconds{*rc::gen::inRange(1, 200)});
      break;
    case 1:
      if (!under_way.empty()) comes_back(under_way.begin()->first, nullptr);
      break;
    case 2:
      if (!under_way.empty()) {
        doubted.insert(under_way.rbegin()->first);
        comes_back(under_way.rbegin()->first, &broke);
      }
      break;
    case 3:
      if (!under_way.empty()) comes_back(under_way.begin()->first, &moving);
      break;
    case 4:
      lot.on_way_open(out);
      follow(out);
      if (std::exchange(soon_asked, false)) {
        parking::effects tried;
        lot.on_soon(now, tried);
        follow(tried);
      }
      break;
    default:
      if (!std::exchange(timer, false)) break;
      lot.on_later(now, out);
      follow(out);
    }
    RC_ASSERT(lot.size() == waiting.size());
    RC_ASSERT(lot.size() <= room);
    RC_ASSERT(timer || waiting.empty());  // nobody waits without end
  }
  RC_ASSERT(last == under_way.size() + waiting.size() + ended.size());
}

}  // namespace
}  // namespace keyrack::cluster
