// Goal: every request ends once, and what its end says about its effect is true.
#include "cluster/transport/request_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr steady_instant at(std::int64_t ns) { return {ns}; }

std::vector<std::uint64_t> ids_of(const std::vector<leaving_request>& all) {
  std::vector<std::uint64_t> ids;
  for (const auto& each : all) ids.push_back(each.id);
  return ids;
}

outcome outcome_of(const completion& c) { return c.result.error().outcome; }

TEST(RequestLedger, HasCreditForSoManyRequestsAndBytes) {
  request_ledger ledger{{.requests = 2, .bytes = 10}};
  EXPECT_TRUE(ledger.admits(10));
  EXPECT_FALSE(ledger.admits(11));
  ledger.add("12345678", at(100), {});
  EXPECT_TRUE(ledger.admits(2));
  EXPECT_FALSE(ledger.admits(3));
  ledger.add("", at(100), {});
  EXPECT_FALSE(ledger.admits(0)) << "two are in flight";
}

TEST(RequestLedger, SaysWhichShareOfItsCreditIsUsed) {
  request_ledger ledger{{.requests = 4, .bytes = 10}};
  EXPECT_DOUBLE_EQ(ledger.used(), 0);
  ledger.add("12345678", at(100), {});
  EXPECT_DOUBLE_EQ(ledger.used(), 0.8) << "of the bytes";
  for (int i = 0; i < 3; ++i) ledger.add("", at(100), {});
  EXPECT_DOUBLE_EQ(ledger.used(), 1) << "of the requests";
  EXPECT_EQ(ledger.unsent(), 4);
  ledger.leave(1'000, at(1));
  EXPECT_EQ(ledger.unsent(), 0);
}

TEST(RequestLedger, AnAnswerGivesTheCreditBack) {
  request_ledger ledger{{.requests = 1, .bytes = 10}};
  ledger.add("1234567890", at(100), {});
  const auto left = ledger.leave(1'000, at(1));
  ASSERT_THAT(left, SizeIs(1));
  const auto answered = ledger.answer(left[0].id, "yes");
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->sent_at, at(1));
  EXPECT_EQ(*answered->call.result, "yes");
  EXPECT_TRUE(ledger.admits(10));
  EXPECT_FALSE(ledger.next_deadline());
}

TEST(RequestLedger, TakesASecondAnswerAndOneToWhatNeverLeftForLate) {
  request_ledger ledger{{.requests = 9, .bytes = 100}};
  ledger.add("a", at(100), {});
  EXPECT_FALSE(ledger.answer(1, "before it left"));
  const auto left = ledger.leave(1'000, at(1));
  EXPECT_TRUE(ledger.answer(left[0].id, "first"));
  EXPECT_FALSE(ledger.answer(left[0].id, "second"));
}

TEST(RequestLedger, SendsWhatWaitsTogetherUpToTheBoundAndALargeOneAlone) {
  request_ledger ledger{{.requests = 9, .bytes = 10'000}};
  for (int i = 0; i < 3; ++i) ledger.add(std::string(100, 'x'), at(100), {});
  ledger.add(std::string(5'000, 'x'), at(100), {});
  EXPECT_THAT(ids_of(ledger.leave(300, at(1))), ElementsAre(1, 2));
  EXPECT_THAT(ids_of(ledger.leave(300, at(1))), ElementsAre(3));
  EXPECT_THAT(ids_of(ledger.leave(300, at(1))), ElementsAre(4));
  EXPECT_FALSE(ledger.has_unsent());
}

TEST(RequestLedger, ADeadlineEndsWhatLeftAsUnknownAndWhatDidNotAsNotApplied) {
  request_ledger ledger{{.requests = 9, .bytes = 100}};
  ledger.add("a", at(50), {});
  ledger.leave(1'000, at(1));
  ledger.add("b", at(60), {});
  ledger.add("c", at(70), {});
  EXPECT_EQ(ledger.next_deadline(), at(50));
  std::vector<completion> ended;
  ledger.expire(at(49), ended);
  EXPECT_THAT(ended, IsEmpty());
  ledger.expire(at(60), ended);
  ASSERT_THAT(ended, SizeIs(2));
  EXPECT_EQ(outcome_of(ended[0]), outcome::unknown);
  EXPECT_EQ(outcome_of(ended[1]), outcome::not_applied);
  EXPECT_EQ(ended[0].result.error().code, errc::deadline_exceeded);
  EXPECT_EQ(ledger.next_deadline(), at(70));
  EXPECT_THAT(ids_of(ledger.leave(1'000, at(61))), ElementsAre(3)) << "what has expired does not leave";
}

TEST(RequestLedger, ABrokenLinkEndsAllOfThem) {
  request_ledger ledger{{.requests = 9, .bytes = 100}};
  ledger.add("a", at(50), {});
  ledger.leave(1'000, at(1));
  ledger.add("b", at(50), {});
  std::vector<completion> ended;
  ledger.end("gone", ended);
  ASSERT_THAT(ended, SizeIs(2));
  EXPECT_NE(outcome_of(ended[0]), outcome_of(ended[1]));
  EXPECT_EQ(ended[0].result.error().code, errc::unavailable);
  EXPECT_EQ(ledger.in_flight(), 0);
  EXPECT_EQ(ledger.bytes_in_flight(), 0);
  EXPECT_FALSE(ledger.has_unsent());
}

}  // namespace
}  // namespace keyrack::cluster
