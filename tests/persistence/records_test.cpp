// Goal: the tables beside the journal answer exactly, each question once and in time; and a person can be erased without
// the journal noticing.
#include "persistence/journal_verify.hpp"
#include "persistence/projections/projection_worker.hpp"
#include "persistence/records.hpp"
#include "tests/persistence/written_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace keyrack::persistence {
namespace {

using namespace keyrack::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

steady_instant in(std::chrono::nanoseconds time) { return steady_now() + time; }
steady_instant later() { return in(std::chrono::seconds{20}); }

/// Asks and waits for the one answer.
template <typename T, typename Ask>
record_result<T> answer_of(Ask ask) {
  auto told = std::make_shared<std::promise<record_result<T>>>();
  auto answer = told->get_future();
  ask([told](record_result<T> r) { told->set_value(std::move(r)); });
  if (answer.wait_for(std::chrono::seconds{30}) != std::future_status::ready) throw std::runtime_error("no answer");
  return answer.get();
}
template <typename T>
errc code_of(const record_result<T>& r) {
  return std::holds_alternative<failure>(r) ? std::get<failure>(r).code : errc{};
}

class Records : public ::testing::Test {
protected:
  void add_guest(guest_id id, std::uint64_t hotel, const std::string& name) {
    on.watch.run(
        fmt::format("INSERT INTO guests (guest_high, guest_low, hotel_id, name, email, phone, created_at, updated_at) "
                    "VALUES ({}, {}, {}, '{}', 'a@b', '+31', now(), now())",
                    id.high, id.low, hotel, name));
  }
  void project() {
    projection_worker w{on.database.settings(), {}, 8};
    for (auto step = w.step(); step.what != projection_step::outcome::caught_up; step = w.step())
      ASSERT_EQ(step.what, projection_step::outcome::behind) << step.why;
  }
  auto find_guest(guest_id id) {
    return answer_of<guest_record>([&](auto then) { asked.find_guest(id, later(), then); });
  }
  auto change_guest(guest_id id, guest_change change, std::optional<std::uint64_t> if_match = {}) {
    return answer_of<guest_record>([&](auto then) { asked.change_guest(id, change, if_match, later(), then); });
  }
  auto erase_guest(guest_id id, std::optional<std::uint64_t> if_match = {}) {
    return answer_of<guest_record>([&](auto then) { asked.erase_guest(id, if_match, later(), then); });
  }
  auto history_of(reservation_id id, std::uint64_t last_seq, int limit = 100) {
    return answer_of<std::vector<event>>([&](auto then) { asked.read_history(id, last_seq, limit, later(), then); });
  }
  auto departed(reservation_id id) {
    return answer_of<reservation>([&](auto then) { asked.find_departed(id, later(), then); });
  }
  auto list(guest_id id, std::optional<bool> upcoming, date today, int limit,
            std::optional<std::pair<date, reservation_id>> after = {}) {
    return std::get<page<reservation_row>>(answer_of<page<reservation_row>>(
        [&](auto then) { asked.list_reservations_of_guest(id, upcoming, today, after, limit, later(), then); }));
  }

  journal_database on;
  history_writer journal{on};
  metrics counted;
  pg_records asked{on.database.settings(), {.threads = 2, .queue_max = 4}, counted.records, 7};
};

TEST_F(Records, FindAndChangeAGuestByItsVersion) {
  const guest_id id{1, 2};
  EXPECT_EQ(code_of(find_guest(id)), errc::guest_unknown);
  add_guest(id, 1, "Anna");
  EXPECT_EQ(std::get<guest_record>(find_guest(id)).name, "Anna");

  const auto changed = std::get<guest_record>(change_guest(id, {.name = "Änne O'Hara", .email = {}, .phone = {}}, 1));
  EXPECT_EQ(changed.name, "Änne O'Hara");
  EXPECT_EQ(changed.email, "a@b");
  EXPECT_EQ(changed.version, 2u);
  EXPECT_EQ(code_of(change_guest(id, {.name = "Late", .email = {}, .phone = {}}, 1)), errc::version_conflict);
  EXPECT_EQ(code_of(change_guest({9, 9}, {})), errc::guest_unknown);
}

// Goal: promise of the design's personal data: the journal holds no person, so it stays valid without one.
TEST_F(Records, EraseAPersonAndLeaveTheJournalValid) {
  history h{{1}, 3};
  h.live(80);
  on.enter(1);
  journal.write(h);
  guest_id person{};
  for (const auto& e : h.events) {
    const auto* body = std::get_if<reservation_event>(&e.body);
    if (body == nullptr || body->step != reservation_step::rooms_held) continue;
    person = body->after.guest;
    add_guest(person, 1, "Somebody");
    on.watch.run(fmt::format("INSERT INTO reservation_notes VALUES (1, {}, {}, {}, 'late arrival')",
                             body->after.number.value, person.high, person.low));
  }
  project();
  const auto notes_of_person = fmt::format(
      "SELECT count(*) FROM reservation_notes WHERE guest_high = {} AND guest_low = {}", person.high, person.low);
  ASSERT_EQ(on.watch.run(notes_of_person), "1");

  EXPECT_EQ(code_of(erase_guest(person, 7)), errc::version_conflict);
  const auto erased = std::get<guest_record>(erase_guest(person, 1));
  EXPECT_TRUE(erased.erased);
  EXPECT_EQ(erased.name + erased.email + erased.phone, "");
  EXPECT_EQ(on.watch.run(notes_of_person), "0");
  const auto again = std::get<guest_record>(erase_guest(person, 1));
  EXPECT_EQ(again.version, erased.version);
  EXPECT_EQ(again.updated_at, erased.updated_at);
  EXPECT_EQ(code_of(change_guest(person, {.name = "Back", .email = {}, .phone = {}})), errc::guest_unknown);
  EXPECT_EQ(on.watch.run("SELECT count(*) FROM guests WHERE name <> ''"), std::to_string(h.hotel.last_reservation - 1))
      << "nobody else";

  const auto report = verify_journal(on.database.settings(), {});
  ASSERT_TRUE(report.has_value()) << report.error();
  for (const auto& f : report->findings) ADD_FAILURE() << f.what;
  EXPECT_GT(report->guests, 0u);
}

TEST_F(Records, FindGuestsByAPartOfTheirNameAtTheHotel) {
  add_guest({1, 1}, 5, "Anna Kowalska");
  add_guest({2, 2}, 5, "Jan 100% Kowalski");
  add_guest({3, 3}, 6, "Kowalski elsewhere");
  const auto named = [&](const std::string& part) {
    return std::get<std::vector<guest_id>>(
        answer_of<std::vector<guest_id>>([&](auto then) { asked.find_guests_by_name({5}, part, later(), then); }));
  };
  EXPECT_THAT(named("kowalsk"), ::testing::UnorderedElementsAre(guest_id{1, 1}, guest_id{2, 2}));
  EXPECT_THAT(named("100%"), ElementsAre(guest_id{2, 2}));
  EXPECT_THAT(named("%"), ElementsAre(guest_id{2, 2})) << "it is no pattern";
  EXPECT_THAT(named("nobody"), IsEmpty());
}

TEST_F(Records, ListAGuestsReservationsPageByPage) {
  const guest_id guest{4, 4};
  history a{{1}, 1}, b{{2}, 2};
  const auto today = a.now().today;
  for (auto* h : {&a, &b}) {
    for (int day : {2, 0, 5}) {
      const hold_rooms hold{
          .stay = {today + day, today + day + 2}, .items = {{.type = {2}}}, .guest = guest, .hold = false};
      ASSERT_TRUE(h->apply(hold));
    }
    journal.write(*h);
  }
  project();
  const auto text = [&](const page<reservation_row>& p) {
    std::string all;
    for (const auto& r : p.rows) all += fmt::format("{}:{} ", r.hotel.value, r.value.stay.check_in - today);
    return all + (p.more ? "more" : "end");
  };
  EXPECT_EQ(text(list(guest, {}, today, 10)), "1:0 2:0 1:2 2:2 1:5 2:5 end");
  const auto first = list(guest, true, today, 4);
  EXPECT_EQ(text(first), "1:0 2:0 1:2 2:2 more");
  const auto& last = first.rows.back();
  EXPECT_EQ(text(list(guest, true, today, 4,
                      std::pair{last.value.stay.check_in, reservation_id{last.hotel, last.value.number}})),
            "1:5 2:5 end");
  // Four days on: the stays that ended are past, those that end that day or later are not.
  EXPECT_EQ(text(list(guest, true, today + 4, 10)), "1:2 2:2 1:5 2:5 end");
  const auto past = list(guest, false, today + 5, 3);
  EXPECT_EQ(text(past), "1:2 2:2 1:0 more");
  EXPECT_EQ(text(list(guest, false, today + 5, 3,
                      std::pair{past.rows[2].value.stay.check_in,
                                reservation_id{past.rows[2].hotel, past.rows[2].value.number}})),
            "2:0 end");
  EXPECT_EQ(text(list({9, 9}, {}, today, 10)), "end");
}

TEST_F(Records, SayHowFarTheirListsAreComplete) {
  const auto before = list({9, 9}, {}, {}, 10).complete_up_to;
  history h{{1}, 1};
  journal.write(h);
  const auto behind = list({9, 9}, {}, {}, 10).complete_up_to;
  const auto written = on.watch.run("SELECT (extract(epoch FROM min(at)) * 1000000)::bigint FROM commits");
  EXPECT_GT(behind, before);
  EXPECT_EQ(std::to_string(behind.time_since_epoch().count()), written)
      << "up to the first commit that is not projected";
  project();
  EXPECT_GT(list({9, 9}, {}, {}, 10).complete_up_to, behind);
}

TEST_F(Records, ListHotelsPageByPageWithoutRemovedOnes) {
  for (std::uint64_t id = 1; id <= 4; ++id) {
    history h{{id}, id};
    ASSERT_TRUE(id != 2 || h.apply(remove_hotel{}));
    journal.write(h);
  }
  project();
  const auto hotels = [&](std::optional<hotel_id> after, int limit) {
    return std::get<page<hotel_row>>(
        answer_of<page<hotel_row>>([&](auto then) { asked.list_hotels(after, limit, later(), then); }));
  };
  const auto first = hotels({}, 2);
  ASSERT_EQ(first.rows.size(), 2u);
  EXPECT_EQ(first.rows[1].hotel, hotel_id{3});
  EXPECT_EQ(first.rows[1].profile.city, "Utrecht");
  EXPECT_TRUE(first.more);
  const auto rest = hotels(hotel_id{3}, 2);
  ASSERT_EQ(rest.rows.size(), 1u);
  EXPECT_FALSE(rest.more);
}

// From the projection; from the journal when that is behind, or has nothing.
TEST_F(Records, FindAReservationThatHasLeftMemory) {
  history h{{1}, 1};
  const auto today = h.now().today;
  ASSERT_TRUE(h.apply(hold_rooms{.stay = {today, today + 1}, .items = {{.type = {2}}}, .guest = {1, 1}}));
  const auto held = h.events.size();
  ASSERT_TRUE(h.apply(cancel_reservation{{1}}));
  const auto cancelled = std::get<reservation_event>(h.events.back().body).after;
  const reservation_id id{{1}, {1}};

  journal.write(h, 0, held);
  project();  // knows it as pending
  journal.write(h, held, h.events.size());
  EXPECT_EQ(std::get<reservation>(departed(id)), cancelled) << "from the journal: the projection is behind";
  project();
  EXPECT_EQ(std::get<reservation>(departed(id)), cancelled);
  on.watch.run("DELETE FROM guest_reservations");
  EXPECT_EQ(std::get<reservation>(departed(id)), cancelled) << "from the journal alone";
  EXPECT_EQ(code_of(departed({{1}, {2}})), errc::reservation_unknown);
}

TEST_F(Records, ReadAReservationsHistoryBackwards) {
  history h{{1}, 9};
  h.live(200);
  journal.write(h);
  std::map<std::uint64_t, std::vector<event>> by_number;
  for (const auto& e : h.events) {
    if (const auto* body = std::get_if<reservation_event>(&e.body))
      by_number[body->after.number.value].insert(by_number[body->after.number.value].begin(), e);
  }
  std::size_t longest = 0;
  for (const auto& [number, events] : by_number) {
    const reservation_id id{{1}, {number}};
    EXPECT_EQ(std::get<std::vector<event>>(history_of(id, events.front().seq)), events);
    if (events.size() > 1) {
      EXPECT_EQ(std::get<std::vector<event>>(history_of(id, events.front().seq, 1)).size(), 1u);
    }
    longest = std::max(longest, events.size());
  }
  EXPECT_GT(longest, 2u);
  EXPECT_EQ(code_of(history_of({{1}, {1}}, 1)), errc::reservation_unknown) << "event 1 is about the hotel";
  EXPECT_EQ(code_of(history_of({{1}, {1}}, 1'000'000)), errc::reservation_unknown);
}

// Goal: bounded and in time. Two connections are busy with a locked row; four questions wait; the seventh is too many.
TEST_F(Records, RefuseOverTheBoundAndAnswerByTheDeadline) {
  const guest_id id{1, 1};
  add_guest(id, 1, "Anna");
  raw_session locker{on.database.settings(), "locker"};
  locker.run("BEGIN");
  locker.run("SELECT * FROM guests FOR UPDATE");

  std::vector<std::future<record_result<guest_record>>> answers;
  const auto change = [&](steady_instant deadline) {
    auto told = std::make_shared<std::promise<record_result<guest_record>>>();
    answers.push_back(told->get_future());
    asked.change_guest(id, {.name = "Bert", .email = {}, .phone = {}}, {}, deadline,
                       [told](auto r) { told->set_value(std::move(r)); });
  };
  for (int i = 0; i < 2; ++i) change(later());
  ASSERT_TRUE(eventually([&] { return counted.records.busy.value() == 2; }));
  for (int i = 0; i < 4; ++i) change(in(std::chrono::milliseconds{50}));
  change(later());
  EXPECT_EQ(code_of(answers[6].get()), errc::overloaded);
  for (int i = 2; i < 6; ++i) {
    const auto late = answers[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(code_of(late), errc::deadline_exceeded);
    EXPECT_EQ(std::get<failure>(late).outcome, outcome::not_applied) << "it was never asked";
  }
  locker.run("COMMIT");
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(std::holds_alternative<guest_record>(answers[static_cast<std::size_t>(i)].get()));
}

TEST_F(Records, SayUnknownWhenAChangesAnswerWasLost) {
  const guest_id id{1, 1};
  add_guest(id, 1, "Anna");
  raw_session locker{on.database.settings(), "locker"};
  locker.run("BEGIN");
  locker.run("SELECT * FROM guests FOR UPDATE");
  auto told = std::make_shared<std::promise<record_result<guest_record>>>();
  asked.change_guest(id, {.name = "Bert", .email = {}, .phone = {}}, {}, in(std::chrono::milliseconds{300}),
                     [told](auto r) { told->set_value(std::move(r)); });
  const auto answer = told->get_future().get();
  EXPECT_EQ(code_of(answer), errc::deadline_exceeded);
  EXPECT_EQ(std::get<failure>(answer).outcome, outcome::unknown);
}

TEST_F(Records, ComeBackWhenTheirConnectionsAreLost) {
  add_guest({1, 1}, 1, "Anna");
  ASSERT_TRUE(std::holds_alternative<guest_record>(find_guest({1, 1})));
  on.end_backends("keyrack/7/records");
  EXPECT_TRUE(std::holds_alternative<guest_record>(find_guest({1, 1}))) << "asked again over a new connection";
}

TEST(RecordsWithoutADatabase, AreUnavailable) {
  metrics counted;
  database_settings nowhere;
  nowhere.url = secret{"host=/nonexistent dbname=nothing"};
  pg_records asked{nowhere, {}, counted.records, 7};
  const auto answer = answer_of<guest_record>([&](auto then) { asked.find_guest({1, 1}, later(), then); });
  EXPECT_EQ(code_of(answer), errc::unavailable);
  EXPECT_EQ(std::get<failure>(answer).outcome, outcome::not_applied);
}

}  // namespace
}  // namespace keyrack::persistence
