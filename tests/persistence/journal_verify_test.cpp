// Goal: a sound journal verifies, and damage of every kind is found by its name. A check that cannot fail proves nothing, so
// each finding is planted here.
#include "persistence/journal_verify.hpp"
#include "persistence/projections/projection_worker.hpp"
#include "tests/persistence/written_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace keyrack::persistence {
namespace {

using namespace keyrack::testing;

/// Two hotels with a past, written by a registered writer, with their people, snapshots and projections.
class verified_journal {
public:
  verified_journal() {
    on.enter(1);
    for (auto* h : {&a, &b}) {
      h->live(150);
      journal.write(*h);
      write_people(*h);
    }
    save_snapshot(replay(a, a.events.size() / 2));
    save_snapshot(b.hotel);
    project();
  }

  journal_report verify(std::optional<hotel_id> only = {}) {
    const auto report = verify_journal(on.database.settings(), only);
    if (!report) throw std::runtime_error(report.error());
    return *report;
  }

  void project() {
    projection_worker w{on.database.settings(), {.batch_commits_max = 1'000}, 7};
    ASSERT_EQ(w.step().what, projection_step::outcome::caught_up);
  }

  static hotel_state replay(const history& h, std::size_t events) {
    hotel_state hotel;
    hotel.id = h.hotel.id;
    for (std::size_t i = 0; i < events; ++i) evolve(hotel, h.events[i]);
    return hotel;
  }

  void save_snapshot(const hotel_state& hotel) {
    static constexpr pg_statement insert{.name = "snapshot", .sql = R"sql(
      INSERT INTO snapshots (hotel_id, seq, writer, at, payload) VALUES ($1, $2, 1, clock_timestamp(), $3)
      ON CONFLICT (hotel_id) DO UPDATE SET seq = excluded.seq, payload = excluded.payload
    )sql"};
    auto c = on.database.connect();
    const auto done =
        c.run(insert, pg_params{}.int8(hotel.id.value).int8(hotel.seq).bytea(encode_snapshot(hotel)), soon());
    if (!done) throw std::runtime_error(done.error().message);
  }

  void write_people(const history& h) {
    for (const auto& e : h.events) {
      const auto* body = std::get_if<reservation_event>(&e.body);
      if (body == nullptr) continue;
      on.watch.run(fmt::format(
          "INSERT INTO guests (guest_high, guest_low, hotel_id, name, email, phone, created_at, updated_at) "
          "VALUES ({}, {}, {}, '', '', '', now(), now()) ON CONFLICT DO NOTHING",
          body->after.guest.high, body->after.guest.low, h.hotel.id.value));
    }
  }

  /// One more event of hotel a, whatever it is.
  void append(event e) {
    e.seq = a.events.back().seq + 1;
    if (auto* body = std::get_if<reservation_event>(&e.body)) body->after.version = e.seq;
    a.events.push_back(e);
    journal.write(a, a.events.size() - 1, a.events.size());
  }
  /// Any event of hotel a now, to be made wrong.
  event next_event() const {
    event e;
    e.at = a.events.back().at + std::chrono::seconds{1};
    e.by = "planted";
    e.body = hotel_updated{.profile = a.hotel.profile, .created_at = a.hotel.created_at};
    return e;
  }
  /// A booking that begins today, of so many rooms of the first type.
  event next_booking(int rooms) const {
    auto e = next_event();
    const auto today = utc_date(e.at);
    reservation r;
    r.number = {a.hotel.last_reservation + 1};
    r.status = reservation_status::confirmed;
    r.created_by = {1, a.events.size()};
    r.guest = first_guest();
    r.stay = {today, today + 1};
    r.items = {{.type = {1}, .rooms = rooms, .guests = 1, .night_prices = {100}}};
    r.priced_in = {{'E', 'U', 'R'}};
    r.created_at = r.updated_at = e.at;
    e.answers = {.key = r.created_by, .digest = 1, .op = operation::hold_rooms};
    e.body = reservation_event{.step = reservation_step::rooms_held, .after = r, .previous = 0};
    return e;
  }
  guest_id first_guest() const { return first_reservation().guest; }
  const reservation& first_reservation() const {
    for (const auto& e : a.events) {
      if (const auto* body = std::get_if<reservation_event>(&e.body)) return body->after;
    }
    throw std::logic_error("a history without reservations");
  }

  journal_database on;
  history_writer journal{on, 1};
  history a{{1}, 11}, b{{2}, 12};
};

TEST(JournalVerify, FindsNothingInASoundJournal) {
  verified_journal v;
  const auto report = v.verify();
  for (const auto& f : report.findings) ADD_FAILURE() << f.what;
  EXPECT_EQ(report.hotels, 2u);
  EXPECT_EQ(report.events, v.a.events.size() + v.b.events.size());
  EXPECT_EQ(report.snapshots, 2u);
  EXPECT_EQ(report.reservations, v.a.hotel.last_reservation + v.b.hotel.last_reservation);
  EXPECT_EQ(report.projected, report.reservations);
  EXPECT_EQ(report.guests, report.reservations);

  EXPECT_EQ(v.verify(hotel_id{2}).events, v.b.events.size());
  EXPECT_FALSE(verify_journal(v.on.database.settings(), hotel_id{99}).has_value()) << "no such hotel";
}

// What may look wrong and is not.
TEST(JournalVerify, KnowsWhatIsAllowed) {
  verified_journal v;
  // The projection may be behind.
  const auto projected = v.a.events.size();
  v.a.live(30);
  v.journal.write(v.a, projected, v.a.events.size());
  v.write_people(v.a);
  // A key may come again when it has been forgotten: it belonged to no reservation, and a month has passed.
  auto again = v.next_event();
  again.at += std::chrono::days{30};
  again.answers = v.a.events.front().answers;
  auto between = v.next_event();  // by this event's time it is forgotten
  between.at += std::chrono::days{29};
  v.append(between);
  v.append(again);
  // A writer may be fenced after its last commit, and another may follow it.
  v.on.enter(2);
  v.on.watch.run("UPDATE writers SET fenced_at = clock_timestamp() WHERE incarnation = 1");
  history_writer next{v.on, 2};
  const auto before = v.b.events.size();
  v.b.live(10);
  next.write(v.b, before, v.b.events.size());
  v.write_people(v.b);
  for (const auto& f : v.verify().findings) ADD_FAILURE() << f.what;
}

struct plant {
  const char* name;
  broken_rule rule;
  std::function<void(verified_journal&)> damage;
};

// Of tests that fail, the name.
void PrintTo(const plant& p, std::ostream* out) { *out << p.name; }

void sql(verified_journal& v, const std::string& text) { v.on.watch.run(text); }

const plant plants[] = {
    {"AGap", broken_rule::gap,
     [](auto& v) {
       sql(v, "DELETE FROM commits WHERE hotel_id = 1 AND first_seq = (SELECT min(first_seq) FROM commits WHERE "
              "hotel_id = 1 AND first_seq > 20)");
     }},
    {"ALostEnd", broken_rule::projection_differs,
     [](auto& v) {
       sql(v, "DELETE FROM commits WHERE hotel_id = 1 AND first_seq = (SELECT max(first_seq) FROM commits WHERE "
              "hotel_id = 1)");
     }},
    {"ALostEndOfASnapshot", broken_rule::snapshot_differs,
     [](auto& v) {
       sql(v, "DELETE FROM projected_hotels");
       sql(v, "DELETE FROM commits WHERE hotel_id = 2 AND first_seq = (SELECT max(first_seq) FROM commits WHERE "
              "hotel_id = 2)");
     }},
    {"ALostJournal", broken_rule::snapshot_differs, [](auto& v) { sql(v, "DELETE FROM commits WHERE hotel_id = 2"); }},
    {"ALostJournalWithoutASnapshot", broken_rule::projection_differs,
     [](auto& v) {
       sql(v, "DELETE FROM snapshots");
       sql(v, "DELETE FROM commits WHERE hotel_id = 2");
     }},
    {"AFork", broken_rule::fork,
     [](auto& v) {
       sql(v, "INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload) SELECT hotel_id, "
              "last_seq, last_seq, "
              "0, 1, at, payload FROM commits WHERE hotel_id = 1 AND last_seq > first_seq ORDER BY first_seq LIMIT 1");
     }},
    {"AnUnreadableCommit", broken_rule::unreadable,
     [](auto& v) {
       sql(v, "UPDATE commits SET payload = substring(payload FROM 1 FOR 20) WHERE hotel_id = 2 AND first_seq = 1");
     }},
    {"TimeThatGoesBack", broken_rule::time_goes_back,
     [](auto& v) {
       auto e = v.next_event();
       e.at -= std::chrono::hours{1};
       v.append(e);
     }},
    {"AnOversoldNight", broken_rule::oversold, [](auto& v) { v.append(v.next_booking(50)); }},
    {"ANightSoldAboveALimitThatWasLowered", broken_rule::oversold,
     [](auto& v) {
       auto booking = v.next_booking(1);
       auto& r = std::get<reservation_event>(booking.body).after;
       r.stay = {r.stay.check_in + 300, r.stay.check_in + 303};
       r.items[0].night_prices = {100, 100, 100};
       auto lowered = v.next_event();
       calendar_change c{.types = {{1}}, .from = r.stay.check_in + 1, .to = r.stay.check_in + 2};
       c.set.rooms_to_sell = {setting<std::int32_t>::kind::set, 0};
       lowered.body = calendar_changed{{c}};
       v.append(lowered);
       v.append(booking);
     }},
    {"ANightSoldOfRoomsOutOfOrder", broken_rule::oversold,
     [](auto& v) {
       auto booking = v.next_booking(1);
       auto& r = std::get<reservation_event>(booking.body).after;
       r.stay = {r.stay.check_in + 300, r.stay.check_in + 303};
       r.items[0].night_prices = {100, 100, 100};
       auto listed = v.next_event();
       rooms_listed rooms;
       for (int i = 0; i < 3; ++i)  // all that there are of the type
         rooms.rooms.push_back(
             {.number = std::to_string(i), .type = {1}, .out_of_order = {{r.stay.check_in + 2, r.stay.check_in + 3}}});
       listed.body = rooms;
       v.append(listed);
       v.append(booking);
     }},
    {"AHoldConfirmedTooLate", broken_rule::illegal_event,
     [](auto& v) {
       auto booking = v.next_booking(1);
       auto& r = std::get<reservation_event>(booking.body).after;
       r.stay = {r.stay.check_in + 300, r.stay.check_in + 301};
       r.status = reservation_status::pending;
       r.hold_expires_at = booking.at + std::chrono::minutes{2};
       v.append(booking);
       auto late = v.next_event();
       late.at = r.hold_expires_at + std::chrono::microseconds{1};
       r.status = reservation_status::confirmed;
       r.updated_at = late.at;
       late.body =
           reservation_event{.step = reservation_step::confirmed, .after = r, .previous = v.a.events.back().seq};
       v.append(late);
     }},
    {"AKeyAnsweredTwice", broken_rule::key_answered_twice,
     [](auto& v) {
       auto first = v.next_event(), second = v.next_event();
       first.answers = second.answers = {.key = {5, 5}, .digest = 1, .op = operation::update_hotel};
       second.at += std::chrono::hours{23};
       v.append(first);
       v.append(second);
     }},
    {"TheKeyOfALivingReservationAnsweredTwice", broken_rule::key_answered_twice,
     [](auto& v) {
       auto booking = v.next_booking(1);
       auto& r = std::get<reservation_event>(booking.body).after;
       r.stay = {r.stay.check_in + 300, r.stay.check_in + 301};
       v.append(booking);
       auto between = v.next_event(), again = v.next_event();
       between.at += std::chrono::days{40};
       again.at += std::chrono::days{41};
       again.answers = booking.answers;
       v.append(between);
       v.append(again);
     }},
    {"AFencedWriter", broken_rule::written_after_fence,
     [](auto& v) {
       sql(v, "UPDATE writers SET fenced_at = clock_timestamp() - interval '1 hour' WHERE incarnation = 1");
     }},
    {"AFencedWriterThatComesBackAtOnce", broken_rule::written_after_fence,
     [](auto& v) {
       v.on.enter(2);
       sql(v, "UPDATE writers SET fenced_at = clock_timestamp() WHERE incarnation = 1");
       auto e = v.next_event();
       e.seq = v.a.events.back().seq + 1;
       v.a.events.push_back(e);
       history_writer{v.on, 2}.write(v.a, v.a.events.size() - 1, v.a.events.size());
       v.append(v.next_event());
     }},
    {"AStranger", broken_rule::written_after_fence,
     [](auto& v) { sql(v, "UPDATE commits SET writer = 77 WHERE hotel_id = 2 AND first_seq = 1"); }},
    {"TwoWritersAtOnce", broken_rule::two_writers,
     [](auto& v) { sql(v, "UPDATE commits SET xid = '9000000000' WHERE hotel_id = 1 AND first_seq = 1"); }},
    {"AnEdgeThatIsNotDrawn", broken_rule::illegal_event,
     [](auto& v) {
       auto booking = v.next_booking(1);
       auto& r = std::get<reservation_event>(booking.body).after;
       r.stay = {r.stay.check_in + 300, r.stay.check_in + 301};
       v.append(booking);
       auto e = v.next_event();
       r.status = reservation_status::completed;
       r.updated_at = e.at;
       e.body = reservation_event{.step = reservation_step::checked_out, .after = r, .previous = v.a.events.back().seq};
       v.append(e);
     }},
    {"AStepThatFollowsAnother", broken_rule::illegal_event,
     [](auto& v) {
       auto booking = v.next_booking(1);
       auto& r = std::get<reservation_event>(booking.body).after;
       r.stay = {r.stay.check_in + 300, r.stay.check_in + 301};
       v.append(booking);
       auto e = v.next_event();
       r.status = reservation_status::cancelled;
       r.updated_at = e.at;
       e.body = reservation_event{.step = reservation_step::cancelled, .after = r, .previous = 1};
       v.append(e);
     }},
    {"ARoomGivenTwice", broken_rule::room_given_twice,
     [](auto& v) {
       for (int guest = 0; guest < 2; ++guest) {
         auto booking = v.next_booking(1);
         auto& r = std::get<reservation_event>(booking.body).after;
         r.number.value += static_cast<std::uint64_t>(guest);
         r.stay = {r.stay.check_in + 300, r.stay.check_in + 301};
         v.append(booking);
         auto e = v.next_event();
         r.status = reservation_status::checked_in;
         r.updated_at = e.at;
         r.room_numbers = {"the same"};
         e.body =
             reservation_event{.step = reservation_step::checked_in, .after = r, .previous = v.a.events.back().seq};
         v.append(e);
       }
     }},
    {"ASnapshotThatDiffers", broken_rule::snapshot_differs,
     [](auto& v) {
       auto hotel = v.b.hotel;
       hotel.profile.name = "Another name";
       v.save_snapshot(hotel);
     }},
    {"ASnapshotOfTheFuture", broken_rule::snapshot_differs,
     [](auto& v) { sql(v, "UPDATE snapshots SET seq = 100000 WHERE hotel_id = 2"); }},
    {"AGuestWithoutARow", broken_rule::guest_missing,
     [](auto& v) {
       const auto g = v.first_guest();
       sql(v, fmt::format("DELETE FROM guests WHERE guest_high = {} AND guest_low = {}", g.high, g.low));
     }},
    {"AProjectedRowThatDiffers", broken_rule::projection_differs,
     [](auto& v) { sql(v, "UPDATE guest_reservations SET body = body || 'x' WHERE hotel_id = 1 AND number = 1"); }},
    {"AProjectedRowOfThePast", broken_rule::projection_differs,
     [](auto& v) {
       sql(v, "UPDATE guest_reservations SET last_seq = last_seq - 1 WHERE hotel_id = 1 AND number = 1");
     }},
    {"AProjectedRowTooFew", broken_rule::projection_differs,
     [](auto& v) {
       sql(v, "DELETE FROM guest_reservations WHERE hotel_id = 2 AND number = (SELECT max(number) FROM "
              "guest_reservations WHERE hotel_id = 2)");
     }},
    {"AProjectedRowTooMany", broken_rule::projection_differs,
     [](auto& v) {
       sql(v, "INSERT INTO guest_reservations SELECT hotel_id, 100000, guest_high, guest_low, check_in, check_out, "
              "status, "
              "last_seq, hold_expires_at, body FROM guest_reservations WHERE hotel_id = 1 AND number = 1");
     }},
    {"AHotelListedWrongly", broken_rule::projection_differs,
     [](auto& v) { sql(v, "UPDATE hotels_list SET removed = true WHERE hotel_id = 1"); }},
};

class PlantedDamage : public ::testing::TestWithParam<plant> {};

TEST_P(PlantedDamage, IsFoundByItsName) {
  verified_journal v;
  GetParam().damage(v);
  const auto report = v.verify();
  EXPECT_THAT(report.findings, ::testing::Contains(::testing::Field(&journal_finding::rule, GetParam().rule)));
  for (const auto& f : report.findings) EXPECT_THAT(f.what, ::testing::StartsWith(std::string{to_text(f.rule)}));
  // Nothing is found in what was not damaged.
  const auto other =
      v.verify(report.findings.empty() || report.findings[0].hotel.value == 1 ? hotel_id{2} : hotel_id{1});
  const bool all_are_his = GetParam().rule == broken_rule::written_after_fence;  // one writer wrote both hotels
  EXPECT_TRUE(all_are_his || other.findings.empty());
}

INSTANTIATE_TEST_SUITE_P(JournalVerify, PlantedDamage, ::testing::ValuesIn(plants),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace keyrack::persistence
