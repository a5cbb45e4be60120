// Goal: a command goes to whoever owns its hotel by the latest reading, and what comes back is tried again unless that could
// do harm or would come too late; what may have been applied is never told as if it were not.
#include "cluster/routes.hpp"

#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using namespace std::chrono_literals;

constexpr hotel_id hotel{4711};
constexpr incarnation_id me = 1;
constexpr incarnation_id other = 2;
constexpr steady_instant now{1'000'000'000};

class Routes : public ::testing::Test {
protected:
  bool take(incarnation_id owner, std::int64_t row_version) {
    std::vector<shard_row> rows(shards_count, shard_row{.owner = owner, .version = row_version});
    return table.take(rows, row_version);
  }
  routes table;
};

TEST_F(Routes, LeadNowhereBeforeTheFirstReading) {
  EXPECT_EQ(table.way_to(hotel).owner, 0);
  EXPECT_FALSE(table.way_to(hotel).here);
  EXPECT_FALSE(table.all_owned());
}

TEST_F(Routes, LeadHereOnlyWhileThisIncarnationHasItsPlace) {
  take(me, 1);
  EXPECT_FALSE(table.way_to(hotel).here);
  table.use_incarnation(me);
  EXPECT_TRUE(table.way_to(hotel).here);
  EXPECT_TRUE(table.all_owned());
  table.use_incarnation(me + 5);
  EXPECT_FALSE(table.way_to(hotel).here) << "an earlier incarnation's shards";
}

TEST_F(Routes, BelieveTheLaterReading) {
  EXPECT_TRUE(take(other, 5));
  EXPECT_FALSE(take(me, 4));
  EXPECT_FALSE(take(me, 5));
  EXPECT_EQ(table.way_to(hotel).owner, other);
  EXPECT_EQ(table.way_to(hotel).row_version, 5);
  EXPECT_EQ(table.version(), 5);
}

TEST_F(Routes, AdmitWhatWasSentByARowOfThisOwnershipOrALaterOne) {
  take(me, 1);
  take(other, 2);
  take(me, 3);
  take(me, 4);  // the same owner: no new ownership
  EXPECT_FALSE(table.admits(hotel, 1)) << "from before it went away and came back";
  EXPECT_FALSE(table.admits(hotel, 2));
  EXPECT_TRUE(table.admits(hotel, 3));
  EXPECT_TRUE(table.admits(hotel, 4));
  EXPECT_TRUE(table.admits(hotel, 9)) << "the sender has read what this node has not";
}

// It was another's and came back, and this node has read neither: it was cut off from the database meanwhile.
TEST_F(Routes, DoNotAdmitWhatWasSentBeforeChangesThatTheyHaveNotRead) {
  take(me, 3);
  take(me, 4);
  EXPECT_TRUE(table.admits(hotel, 3)) << "one change, and the owner is the same: it was never another's";
  take(me, 7);
  EXPECT_FALSE(table.admits(hotel, 4));
  EXPECT_TRUE(table.admits(hotel, 7));
}

struct Verdict : ::testing::Test {
  verdict on(errc code, outcome applied) { return verdict_on(e, {code, applied, ""}, now); }
  envelope e = [] {
    envelope made;
    made.deadline = now + 1s;
    return made;
  }();
};

TEST_F(Verdict, IsToTryAgainWhatWasNotApplied) {
  EXPECT_EQ(on(errc::moving, outcome::not_applied), verdict::parked);
  EXPECT_EQ(on(errc::fenced, outcome::not_applied), verdict::parked);
  EXPECT_EQ(on(errc::unavailable, outcome::not_applied), verdict::parked);
}

TEST_F(Verdict, RemembersOnceThatAnAttemptMayHaveBeenApplied) {
  EXPECT_EQ(on(errc::unavailable, outcome::unknown), verdict::in_doubt);
  e.in_doubt = true;
  EXPECT_EQ(on(errc::unavailable, outcome::unknown), verdict::parked);
  EXPECT_EQ(last_words(e, {errc::unavailable, outcome::not_applied, ""}).outcome, outcome::unknown);
}

TEST_F(Verdict, IsAFailureWhenNoTimeIsLeftOrAnotherTryWouldAddToTheLoad) {
  EXPECT_EQ(on(errc::overloaded, outcome::not_applied), verdict::failed);
  e.deadline = now;
  EXPECT_EQ(on(errc::moving, outcome::not_applied), verdict::failed);
}

TEST_F(Verdict, OnWhatAnotherNodeSentIsItsOwn) {
  e.forwarded = true;
  for (const auto code : {errc::moving, errc::overloaded, errc::unavailable}) {
    EXPECT_EQ(on(code, outcome::not_applied), verdict::to_sender);
    EXPECT_EQ(on(code, outcome::unknown), verdict::to_sender);
  }
  EXPECT_EQ(last_words(e, {errc::moving, outcome::not_applied, ""}).code, errc::moving);
}

TEST_F(Verdict, LastWordsToAClientAreAClients) {
  EXPECT_EQ(last_words(e, {errc::moving, outcome::not_applied, ""}).code, errc::unavailable);
  EXPECT_EQ(last_words(e, {errc::fenced, outcome::not_applied, ""}).code, errc::unavailable);
  EXPECT_EQ(last_words(e, {errc::overloaded, outcome::not_applied, ""}).code, errc::overloaded);
}

TEST(ForRouters, AreFailuresThatAnotherOwnerMayNotHave) {
  for (const auto code : {errc::moving, errc::fenced, errc::unavailable}) EXPECT_TRUE(is_for_routers({.code = code}));
  for (const auto code : {errc::overloaded, errc::deadline_exceeded}) EXPECT_FALSE(is_for_routers({.code = code}));
}

}  // namespace
}  // namespace keyrack::cluster
