// Goal: nobody sees what the journal does not hold, in whatever order commands, commits and failures come.
#include "actors/hotel_pipeline.hpp"

#include <gtest/gtest.h>

namespace keyrack {
namespace {

using std::chrono::seconds;

constexpr steady_instant loaded_at{1'000};
const instant t0 = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1};
const date today = utc_date(t0);

class HotelPipeline : public testing::Test {
protected:
  void SetUp() override {
    hotel_profile profile{
        .name = "Astoria", .city = "Zürich", .country = "CH", .time_zone = "Europe/Zurich", .currency = chf};
    command_applied(create_hotel{profile});
    command_applied(add_room_type{{.name = "Double", .rooms = 2, .max_guests = 2, .price = 10'000, .currency = chf}});
    out = {};
  }

  envelope_ptr command_of(command c, std::uint64_t key) {
    auto e = std::make_shared<envelope>();
    e->hotel = hotel_id{7};
    e->request = {.key = {1, key}, .digest = key, .by = "test"};
    e->body = std::move(c);
    e->deadline = {1'000'000};
    return e;
  }
  envelope_ptr query_of(query q) {
    auto e = std::make_shared<envelope>();
    e->hotel = hotel_id{7};
    e->body = std::move(q);
    e->deadline = {1'000'000};
    return e;
  }
  envelope_ptr book(std::uint64_t key, std::int32_t rooms = 1) {
    return command_of(
        hold_rooms{.stay = {today + 1, today + 2}, .items = {{room_type_id{1}, rooms, rooms}}, .hold = false}, key);
  }

  void take(const envelope_ptr& e) { pipeline.on_envelope(e, {now, today}, steady, out); }
  void applied() {
    ASSERT_TRUE(sent());
    const auto first = sent()->first_seq();
    in_flight = nullptr;
    pipeline.on_append_done(append_result::applied, first, out);
  }
  /// The commit that was sent last and not answered yet.
  commit_ptr sent() {
    if (out.append) in_flight = std::exchange(out.append, nullptr);
    return in_flight;
  }
  void command_applied(command c) {
    take(command_of(std::move(c), 1'000'000 + next_key++));
    applied();
  }
  bool is_durable(std::size_t answer) const {
    return std::holds_alternative<durable>(out.answers.at(answer).what.rests_on);
  }

  static constexpr currency chf{{'C', 'H', 'F'}};
  hotel_pipeline pipeline{hotel_state{.id = hotel_id{7}}, 0, loaded_at, 1, snapshot_policy{.events = 4}};
  hotel_pipeline::effects out;
  commit_ptr in_flight;
  instant now = t0;
  steady_instant steady{2'000};
  std::uint64_t next_key = 0;
};

TEST_F(HotelPipeline, AnswersABookingOnlyWhenItsCommitIsDurable) {
  take(book(1));
  EXPECT_TRUE(out.answers.empty());
  ASSERT_TRUE(sent());
  EXPECT_EQ(sent()->events.size(), 1u);

  applied();
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_TRUE(is_durable(0));
  const auto* answer = std::get_if<done>(&out.answers[0].what.body);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->what->seq, 3u);
  EXPECT_FALSE(answer->replayed);
}

TEST_F(HotelPipeline, LetsTheNextCommitGrowWhileOneIsOnItsWay) {
  take(book(1));
  const auto first = sent();
  take(book(2));
  EXPECT_FALSE(out.append) << "two appends of one hotel at once";
  take(query_of(hotel_query{}));
  applied();
  EXPECT_EQ(out.answers.size(), 1u);
  ASSERT_TRUE(sent());
  EXPECT_EQ(sent()->first_seq(), first->last_seq() + 1);
  applied();
  EXPECT_EQ(out.answers.size(), 3u);
}

TEST_F(HotelPipeline, KeepsARefusalUntilWhatItRestsOnIsDurable) {
  take(book(1, 2));  // the last rooms, not durable yet
  take(book(2));
  EXPECT_TRUE(out.answers.empty()) << "sold out was told of rooms that the journal may never see taken";
  sent();
  applied();
  ASSERT_EQ(out.answers.size(), 2u);
  const auto* no = std::get_if<refusal>(&out.answers[1].what.body);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->code, errc::sold_out);
}

TEST_F(HotelPipeline, RestsAnAnswerOnTheLeaseWhenTheAppendWasSentBeforeItWasDecided) {
  take(book(1));
  sent();
  take(query_of(hotel_query{}));  // decided after the append was sent
  applied();
  ASSERT_EQ(out.answers.size(), 2u);
  EXPECT_TRUE(is_durable(0));
  const auto* lease = std::get_if<leased>(&out.answers[1].what.rests_on);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->loaded_at, loaded_at);
  EXPECT_EQ(lease->decided_at, steady);
}

TEST_F(HotelPipeline, RestsAnAnswerOnAnAppendThatWasSentAfterItWasDecided) {
  take(book(1));
  sent();
  take(book(2));
  take(query_of(hotel_query{}));  // sees booking 2, which the next append carries
  applied();
  sent();
  applied();
  ASSERT_EQ(out.answers.size(), 3u);
  EXPECT_TRUE(is_durable(2));
}

TEST_F(HotelPipeline, AnswersFromMemoryAtOnceButOnTheLease) {
  take(query_of(hotel_query{}));
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_FALSE(is_durable(0));
}

TEST_F(HotelPipeline, GivesTwoEqualRequestsInFlightOneEffectAndOneAnswer) {
  take(book(1));
  const auto first = sent();
  take(book(1));  // its event is on the way
  take(book(2));
  take(book(2));  // its event is not even sent
  applied();
  sent();
  EXPECT_EQ(sent()->events.size(), 1u);
  applied();
  ASSERT_EQ(out.answers.size(), 4u);
  std::vector<const event*> rendered;
  for (const auto& a : out.answers) rendered.push_back(std::get<done>(a.what.body).what.get());
  EXPECT_EQ(rendered[0], rendered[1]);
  EXPECT_EQ(rendered[2], rendered[3]);
  EXPECT_NE(rendered[0], rendered[2]);
  EXPECT_TRUE(std::get<done>(out.answers[1].what.body).replayed);
  EXPECT_EQ(pipeline.state().reservations.size(), 2u);
}

TEST_F(HotelPipeline, ReadsTheFirstAnswerOfALongKnownRequestFromTheJournal) {
  take(book(1));
  const auto first = sent();
  applied();
  out = {};
  take(book(1));
  take(book(1));
  EXPECT_TRUE(out.answers.empty());
  ASSERT_EQ(out.read, std::vector<std::uint64_t>{3}) << "one reading serves both";
  pipeline.on_event_read(3, {first, &first->events[0]}, out);
  ASSERT_EQ(out.answers.size(), 2u);
  EXPECT_EQ(std::get<done>(out.answers[0].what.body).what->seq, 3u);
  EXPECT_TRUE(pipeline.idle());
}

TEST_F(HotelPipeline, CallsAnUnreadableFirstAnswerInDoubtBecauseItWasApplied) {
  take(book(1));
  applied();
  out = {};
  take(book(1));
  pipeline.on_event_read(3, nullptr, out);
  EXPECT_EQ(out.in_doubt.size(), 1u);
  EXPECT_TRUE(out.given_back.empty());
}

TEST_F(HotelPipeline, GivesEverythingBackAsNotAppliedWhenTheAppendWasFenced) {
  take(book(1));
  const auto first = sent()->first_seq();
  take(book(2));
  take(query_of(hotel_query{}));
  pipeline.on_append_done(append_result::fenced, first, out);
  EXPECT_TRUE(out.answers.empty());
  EXPECT_EQ(out.given_back.size(), 3u);
  EXPECT_TRUE(out.in_doubt.empty());
  EXPECT_EQ(out.why.code, errc::fenced);
  EXPECT_TRUE(pipeline.failed());
}

TEST_F(HotelPipeline, CallsOnlyTheCommitOnItsWayInDoubt) {
  take(book(1));
  const auto first = sent()->first_seq();
  take(book(1));  // rests on it
  take(book(2));  // never sent
  take(query_of(hotel_query{}));
  pipeline.on_append_done(append_result::unknown, first, out);
  EXPECT_EQ(out.in_doubt.size(), 2u);
  EXPECT_EQ(out.given_back.size(), 2u);
}

TEST_F(HotelPipeline, DecidesNothingMoreAfterAFailure) {
  take(book(1));
  const auto first = sent()->first_seq();
  pipeline.on_append_done(append_result::conflict, first, out);
  out = {};
  take(book(2));
  EXPECT_FALSE(out.append);
  EXPECT_EQ(out.given_back.size(), 1u);
  pipeline.on_append_done(append_result::applied, first, out);  // a late answer changes nothing
  EXPECT_TRUE(out.answers.empty());
}

TEST_F(HotelPipeline, RefusesUndecidedWhatComesAfterItsDeadline) {
  auto late = std::make_shared<envelope>(*book(1));
  late->deadline = {steady.ns - 1};
  take(late);
  ASSERT_EQ(out.answers.size(), 1u);
  const auto& why = std::get<failure>(out.answers[0].what.body);
  EXPECT_EQ(why.code, errc::deadline_exceeded);
  EXPECT_EQ(why.outcome, outcome::not_applied);
  EXPECT_FALSE(sent());
}

TEST_F(HotelPipeline, SnapshotsOnlyDurableStateAtTheEndOfACommit) {
  take(book(1));
  sent();
  take(book(2, 1));  // tentative while the snapshot's commit becomes durable
  applied();
  ASSERT_FALSE(out.snapshot) << "three events are below the policy's four";
  sent();
  take(command_of(cancel_reservation{reservation_number{1}}, 77));
  applied();
  ASSERT_TRUE(out.snapshot);
  EXPECT_EQ(out.snapshot->seq, 4u);
  EXPECT_EQ(out.snapshot->reservations.size(), 2u);
}

// Goal: a node that is killed again and again does not leave a tail that grows.
TEST_F(HotelPipeline, CountsTheEventsThatItWasLoadedWithTowardsItsNextSnapshot) {
  take(book(1));
  applied();
  const auto& loaded = pipeline.state();
  hotel_pipeline again{loaded, 0, loaded_at, 1, snapshot_policy{.events = loaded.seq + 1}};
  out = {};
  again.on_envelope(book(2), {now, today}, steady, out);
  ASSERT_TRUE(out.append);
  again.on_append_done(append_result::applied, out.append->first_seq(), out);
  ASSERT_TRUE(out.snapshot) << "none of its events is in a snapshot";
  EXPECT_EQ(out.snapshot->seq, loaded.seq + 1);
}

TEST_F(HotelPipeline, LapsesHoldsByTimerWithoutAnAnswer) {
  take(command_of(hold_rooms{.stay = {today + 1, today + 2}, .items = {{room_type_id{1}, 1, 1}}}, 5));
  applied();
  out = {};
  pipeline.on_tick({now + seconds{60}, today}, out);
  EXPECT_FALSE(sent()) << "the hold has a minute left";
  pipeline.on_tick({now + seconds{121}, today}, out);
  ASSERT_TRUE(sent());
  EXPECT_EQ(std::get<reservation_event>(sent()->events[0].body).step, reservation_step::hold_lapsed);
  applied();
  EXPECT_TRUE(out.answers.empty());
  EXPECT_TRUE(pipeline.idle());
}

}  // namespace
}  // namespace keyrack
