// Goal: a peer gets an answer to each request that was taken in, and cannot make this node keep more than its share.
#include "cluster/transport/answer_book.hpp"
#include "cluster/transport/frame_limits.hpp"

#include <gtest/gtest.h>

namespace keyrack::cluster {
namespace {

link::Answers leaving(answer_book& book, std::size_t bytes_max = 1'000'000) {
  link::Answers all;
  book.leave(bytes_max, all);
  return all;
}

TEST(AnswerBook, AdmitsSoManyRequestsAndBytes) {
  answer_book book{{.requests = 2, .bytes = 10}};
  EXPECT_FALSE(book.admit(1, 11));
  EXPECT_TRUE(book.admit(1, 8));
  EXPECT_FALSE(book.admit(2, 3));
  EXPECT_TRUE(book.admit(2, 2));
  EXPECT_FALSE(book.admit(3, 0));
  EXPECT_TRUE(book.answer(1, "yes"));
  EXPECT_TRUE(book.admit(3, 8));
}

TEST(AnswerBook, AnswersOnce) {
  answer_book book{{.requests = 2, .bytes = 10}};
  EXPECT_FALSE(book.answer(1, "not asked"));
  EXPECT_TRUE(book.admit(1, 1));
  EXPECT_FALSE(book.admit(1, 1)) << "the same id while it is open";
  EXPECT_TRUE(book.answer(1, "first"));
  EXPECT_FALSE(book.answer(1, "second"));
  const auto left = leaving(book);
  ASSERT_EQ(left.all_size(), 1);
  EXPECT_EQ(left.all(0).what(), "first");
  EXPECT_FALSE(book.has_answers());
}

TEST(AnswerBook, WhoIsNeverAnsweredGivesItsPlaceBack) {
  answer_book book{{.requests = 1, .bytes = 10}};
  EXPECT_TRUE(book.admit(1, 10));
  book.abandon(1);
  EXPECT_FALSE(book.has_answers());
  EXPECT_TRUE(book.admit(2, 10));
}

TEST(AnswerBook, WhoDoesNotReadGetsNoMoreRoomAndOverflows) {
  answer_book book{{.requests = 10, .bytes = 1'000}};
  std::uint64_t id = 0;
  for (; book.admit(id, 1); ++id) book.answer(id, std::string(500, 'x'));
  EXPECT_LT(id, 10U) << "answers that wait count";
  EXPECT_FALSE(book.overflows());
  for (int refusals = 0; refusals < 50 && !book.overflows(); ++refusals) book.refuse(++id, link::OVERLOADED);
  EXPECT_TRUE(book.overflows());
}

TEST(AnswerBook, SendsWhatWaitsTogetherUpToTheBoundAndALargeOneAlone) {
  answer_book book{{.requests = 10, .bytes = 10'000}};
  for (const std::uint64_t id : {1, 2, 3, 4}) book.admit(id, 1);
  for (const std::uint64_t id : {1, 2, 3}) book.answer(id, std::string(100, 'x'));
  book.answer(4, std::string(1'000, 'x'));
  EXPECT_EQ(leaving(book, 300).all_size(), 2);
  EXPECT_EQ(leaving(book, 300).all_size(), 1);
  EXPECT_EQ(leaving(book, 300).all(0).what().size(), 1'000);
}

TEST(AnswerBook, SaysSoWhenAnAnswerFitsIntoNoFrame) {
  answer_book book{{.requests = 1, .bytes = 10}};
  book.admit(1, 1);
  EXPECT_TRUE(book.answer(1, std::string(message_bytes_max + 1, 'x')));
  EXPECT_EQ(leaving(book).all(0).failure(), link::TOO_LARGE);
}

}  // namespace
}  // namespace keyrack::cluster
