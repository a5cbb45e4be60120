// Goal: every resource of the first stage, from its first to its last request.
#include "gateway/digest.hpp"
#include "tests/gateway/dispatcher.hpp"

#include <gtest/gtest.h>

#include <set>

namespace keyrack::testing {
namespace {

class Resources : public ::testing::Test {
protected:
  void SetUp() override { hotel = at.make_hotel(); }
  std::string path(const std::string& rest = "") const { return "/v1/hotels/" + hotel + rest; }
  dispatcher at;
  std::string hotel;
};

TEST_F(Resources, AHotelIsReplacedAsAWhole) {
  at.send("PATCH", path(), R"({"description":"a palace"})");
  const auto replaced = at.send("PUT", path(), hotel_body());
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_FALSE(replaced.json().as_object().contains("description")) << "what is absent takes its default";
  EXPECT_EQ(at.send("PUT", "/v1/hotels/000000000001", hotel_body()).code(), "hotel_unknown") << "PUT never creates";
}

TEST_F(Resources, RoomTypesAreListedInPages) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(at.send("POST", path("/room-types"), room_type_body()).status, 201);
  std::string seen;
  std::string next = path("/room-types?limit=2");
  for (int pages = 0; !next.empty() && pages < 10; ++pages) {
    const auto got = at.send("GET", next);
    ASSERT_EQ(got.status, 200) << got.body;
    const auto listed = got.json();
    for (const auto& type : listed.at("data").as_array()) seen += text_of(type, "id") + " ";
    const auto link = got.field("Link");
    EXPECT_EQ(link.empty(), got.json().at("next_cursor").is_null());
    next = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(seen, "1 2 3 4 5 ");
}

TEST_F(Resources, ARoomTypeIsReplacedRemovedAndNotThereAnyMore) {
  const auto one = path("/room-types/1");
  EXPECT_EQ(text_of(at.send("GET", one).json(), "rooms"), "40");
  EXPECT_EQ(text_of(at.send("PUT", one, room_type_body(7)).json(), "rooms"), "7");
  EXPECT_EQ(at.send("DELETE", one).status, 204);
  EXPECT_EQ(at.send("GET", one).code(), "room_type_unknown");
  EXPECT_EQ(at.send("DELETE", one).status, 404);
}

TEST_F(Resources, RoomsAreListedInTheHoteliersOrder) {
  const auto listed =
      at.send("PUT", path("/rooms"),
              R"({"rooms":[{"number":"201","room_type_id":1},{"number":"101","room_type_id":1,)"
              R"("out_of_order":[{"from":"2027-06-01","to":"2027-06-03"}]},{"number":"102","room_type_id":1}]})");
  ASSERT_EQ(listed.status, 200) << listed.body;
  const auto first = at.send("GET", path("/rooms?limit=2"));
  EXPECT_EQ(text_of(first.json().at("data").at(0), "number"), "201");
  EXPECT_EQ(first.field("ETag"), listed.field("ETag"));
  const auto link = first.field("Link");
  const auto second = at.send("GET", link.substr(1, link.find('>') - 1));
  EXPECT_EQ(text_of(second.json().at("data").at(0), "number"), "102");
  at.send("PUT", path("/rooms"), R"({"rooms":[]})");
  EXPECT_EQ(at.send("GET", link.substr(1, link.find('>') - 1)).code(), "cursor_invalid") << "that place is gone";
}

TEST_F(Resources, TheCalendarShowsWhatWasSetAndSold) {
  const auto changed = at.send(
      "PATCH", path("/calendar"),
      R"({"changes":[{"from":"2027-06-04","to":"2027-06-08","weekdays":["fri","sat"],)"
      R"("set":{"price":{"amount":"260.00","currency":"CHF"},"min_stay":2}},)"
      R"({"room_types":[1],"from":"2027-06-05","to":"2027-06-06","set":{"min_stay":null,"rooms_to_sell":10}}]})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(text_of(changed.json().at("changes").at(1).at("set"), "min_stay"), "null");
  EXPECT_EQ(text_of(changed.json().at("changes").at(0), "room_types"), "[1]") << "spelt out";
  at.book(hotel);
  const auto shown = at.send("GET", path("/calendar?from=2027-06-04&to=2027-06-07"));
  const auto all = shown.json();
  const auto& nights = all.at("room_types").at(0).at("nights").as_array();
  ASSERT_EQ(nights.size(), 3);
  EXPECT_EQ(text_of(nights[0].at("price"), "amount"), "260.00");
  EXPECT_EQ(text_of(nights[0], "min_stay"), "2");
  EXPECT_EQ(text_of(nights[0], "free"), "39");
  EXPECT_EQ(text_of(nights[1], "free"), "9");
  EXPECT_FALSE(nights[1].as_object().contains("min_stay"));
  EXPECT_EQ(text_of(nights[2].at("price"), "amount"), "210.00");
  EXPECT_EQ(at.send("PATCH", path("/calendar"),
                    R"({"changes":[{"from":"2027-06-04","to":"2027-06-08","set":{"closed":true}}]})",
                    "If-Match: " + shown.field("ETag") + "\r\n")
                .status,
            200);
  EXPECT_EQ(at.send("GET", path("/calendar?from=2027-06-04&to=2027-06-04")).code(), "stay_invalid");
  EXPECT_EQ(at.send("GET", path("/calendar?from=2027-06-04&to=2030-06-04")).code(), "stay_too_far");
  EXPECT_EQ(at.send("GET", path("/calendar?from=2027-06-04&to=2027-06-05&room_type=9")).code(), "room_type_unknown");
}

TEST_F(Resources, AvailabilitySaysWhatCanBeHadOrWhyNot) {
  const auto free =
      at.send("GET", path("/availability?check_in=2027-06-04&check_out=2027-06-06&guests=2&rooms=2")).json();
  const auto& type = free.at("room_types").at(0);
  EXPECT_EQ(text_of(type, "bookable"), "true");
  EXPECT_EQ(text_of(type, "free"), "40");
  EXPECT_EQ(text_of(type.at("total"), "amount"), "840.00");
  const auto crowd =
      at.send("GET", path("/availability?check_in=2027-06-04&check_out=2027-06-06&guests=9&rooms=1")).json();
  EXPECT_EQ(text_of(crowd.at("room_types").at(0), "bookable"), "false");
  EXPECT_EQ(text_of(crowd.at("room_types").at(0).at("reasons").at(0), "code"), "too_many_guests");
  EXPECT_EQ(at.send("GET", path("/availability?check_in=2027-04-04&check_out=2027-06-06")).code(), "stay_in_past");
}

TEST_F(Resources, AReservationLivesItsWholeLife) {
  const auto id = at.book(hotel);
  const auto one = "/v1/reservations/" + id;
  EXPECT_EQ(at.send("POST", one + "/extend", R"({"hold_seconds":600})").status, 200);
  const auto changed = at.send(
      "PATCH", one,
      R"({"check_in":"2027-05-01","check_out":"2027-05-03","items":[{"room_type_id":1,"rooms":2,"guests":3}]})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(text_of(changed.json().at("total"), "amount"), "840.00");
  EXPECT_EQ(text_of(at.send("POST", one + "/confirm").json(), "status"), "CONFIRMED");
  const auto in = at.send("POST", one + "/check-in", R"({"room_numbers":["101","102"]})");
  ASSERT_EQ(in.status, 200) << in.body;
  EXPECT_EQ(text_of(in.json(), "room_numbers"), R"(["101","102"])");
  EXPECT_EQ(text_of(at.send("POST", one + "/check-out").json(), "status"), "COMPLETED");
  const auto refused = at.send("POST", one + "/cancel");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "wrong_status");
  EXPECT_EQ(at.send("POST", "/v1/reservations/" + at.book(hotel) + "/no-show").status, 409);
}

TEST_F(Resources, OneItemIsGivenDirectly) {
  const auto body =
      R"({"hotel_id":")" + hotel +
      R"(","check_in":"2027-06-04","check_out":"2027-06-06","room_type_id":1,"rooms":3,"guest":{"name":"A"},"hold":false})";
  const auto booked = at.send("POST", "/v1/reservations", body);
  ASSERT_EQ(booked.status, 201) << booked.body;
  EXPECT_EQ(text_of(booked.json(), "status"), "CONFIRMED");
  EXPECT_EQ(text_of(booked.json().at("items").at(0), "guests"), "3");
  EXPECT_FALSE(booked.json().as_object().contains("hold_expires_at"));
}

TEST_F(Resources, ANewGuestGoesWithTheBookingAndNeverIntoTheAnswer) {
  at.router.hold();
  std::string sent;
  at.router.answer_with([&](const envelope& e) {
    EXPECT_EQ(e.personal.size(), 1);
    EXPECT_EQ(e.personal.front().name, "Ada Lovelace");
    EXPECT_EQ(e.personal.front().notes, "late");
    EXPECT_TRUE(e.personal.front().new_guest);
    EXPECT_EQ(e.personal.front().guest, gateway::guest_of(e.hotel, e.request.key));
    EXPECT_EQ(std::get<hold_rooms>(std::get<command>(e.body)).guest, e.personal.front().guest);
    return answer_envelope{
        .hotel = e.hotel, .sequence = 1, .rests_on = durable{}, .body = refusal{.code = errc::closed}};
  });
  at.router.release();
  EXPECT_EQ(at.send("POST", "/v1/reservations", reservation_body(hotel, R"(,"notes":"late")")).code(), "closed");
}

TEST_F(Resources, AKnownGuestIsLookedUpOnceAndAnUnknownOneRefused) {
  const guest_id ada{1, 2};
  at.records.guests[ada] = {.id = ada, .name = "Ada"};
  const auto body = [&](guest_id id) {
    return R"({"hotel_id":")" + hotel +
           R"(","check_in":"2027-06-04","check_out":"2027-06-06","room_type_id":1,"guest_id":")" + to_text(id) + "\"}";
  };
  EXPECT_EQ(at.send("POST", "/v1/reservations", body(ada)).status, 201);
  EXPECT_EQ(at.send("POST", "/v1/reservations", body(ada)).status, 201);
  EXPECT_EQ(at.records.asked, 1);
  const auto unknown = at.send("POST", "/v1/reservations", body({9, 9}));
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(unknown.code(), "guest_unknown");
  at.records.failing = failure{.code = errc::unavailable, .outcome = outcome::not_applied, .detail = "away"};
  EXPECT_EQ(at.send("POST", "/v1/reservations", body({9, 9})).status, 503);
  EXPECT_EQ(at.send("POST", "/v1/reservations", body(ada)).status, 201) << "known already";
}

TEST_F(Resources, ExpandingAddsThePersonAndTheNotesAndNoTag) {
  const auto id = at.book(hotel);
  const auto guest = parse_guest_id(text_of(at.send("GET", "/v1/reservations/" + id).json(), "guest_id")).value();
  at.records.guests[guest] = {.id = guest, .name = "Ada Lovelace", .email = "ada@example.org", .version = 3};
  at.records.notes[parse_reservation_id(id).value()] = "late arrival";
  const auto got = at.send("GET", "/v1/reservations/" + id + "?expand=guest,notes");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(text_of(got.json().at("guest"), "email"), "ada@example.org");
  EXPECT_EQ(text_of(got.json(), "notes"), "late arrival");
  EXPECT_EQ(got.field("ETag"), "") << "the person changes without the reservation's version";
  at.records.guests.clear();
  EXPECT_EQ(at.send("GET", "/v1/reservations/" + id + "?expand=guest").code(), "guest_unknown");
}

TEST_F(Resources, AReservationThatLeftMemoryComesFromTheRecords) {
  const auto id = at.book(hotel);
  const auto key = parse_reservation_id(id).value();
  at.router.answer_with([&](const envelope& e) {
    return answer_envelope{.hotel = e.hotel,
                           .sequence = 5,
                           .rests_on = durable{},
                           .body = std::make_shared<const view>(reservation_departed{key.number})};
  });
  EXPECT_EQ(at.send("GET", "/v1/reservations/" + id).code(), "reservation_unknown");
  at.records.departed[key] = reservation{.number = key.number,
                                         .status = reservation_status::completed,
                                         .priced_in = parse_currency("CHF").value(),
                                         .version = 4};
  const auto got = at.send("GET", "/v1/reservations/" + id);
  EXPECT_EQ(text_of(got.json(), "status"), "COMPLETED");
  EXPECT_EQ(got.field("ETag"), "\"4\"");
}

TEST_F(Resources, HistoryIsReadNewestFirstAndInPages) {
  const auto id = at.book(hotel);
  const auto key = parse_reservation_id(id).value();
  event held{
      .seq = 3,
      .by = "anonymous",
      .body = reservation_event{
          .after = {.number = key.number, .priced_in = parse_currency("CHF").value(), .version = 3}, .previous = 2}};
  at.records.histories[key] = {held};
  const auto got = at.send("GET", "/v1/reservations/" + id + "/history?limit=1");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(text_of(got.json().at("data").at(0), "event"), "rooms_held");
  EXPECT_FALSE(got.json().at("next_cursor").is_null());
  const auto link = got.field("Link");
  EXPECT_EQ(at.send("GET", link.substr(1, link.find('>') - 1)).status, 200);
}

TEST_F(Resources, AHoteliersListsFilterAndPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(at.book(hotel));
  at.send("POST", "/v1/reservations/" + ids[0] + "/confirm");
  std::string seen;
  std::string next = path("/reservations?status=PENDING&arriving=2027-06-04&limit=3");
  while (!next.empty()) {
    const auto got = at.send("GET", next);
    ASSERT_EQ(got.status, 200) << got.body;
    const auto listed = got.json();
    for (const auto& r : listed.at("data").as_array()) seen += text_of(r, "id") + " ";
    const auto link = got.field("Link");
    next = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(seen, ids[4] + " " + ids[3] + " " + ids[2] + " " + ids[1] + " ");
  EXPECT_EQ(at.send("GET", path("/reservations?departing=2027-06-07")).json().at("data").as_array().size(), 0);
  EXPECT_EQ(at.send("GET", path("/reservations?in_house=2027-06-05")).json().at("data").as_array().size(), 5);
  EXPECT_EQ(at.send("GET", path("/reservations?guest_name=ada")).json().at("data").as_array().size(), 0)
      << "nobody of that name";
}

TEST_F(Resources, AGuestsReservationsAndTheListOfHotelsSayHowCompleteTheyAre) {
  at.records.reservations = {.rows = {{parse_hotel_id(hotel).value(),
                                       {.number = {1}, .priced_in = parse_currency("CHF").value(), .version = 3}}},
                             .more = true,
                             .complete_up_to = test_now()};
  const auto guest = to_text(guest_id{1, 2});
  const auto mine = at.send("GET", "/v1/reservations?guest_id=" + guest + "&when=upcoming");
  ASSERT_EQ(mine.status, 200) << mine.body;
  EXPECT_EQ(text_of(mine.json(), "complete_up_to"), "2027-05-01T12:00:00.000Z");
  EXPECT_NE(mine.field("Link").find("guest_id=" + guest), std::string::npos);
  const auto link = mine.field("Link");
  EXPECT_EQ(at.send("GET", link.substr(1, link.find('>') - 1)).status, 200);
  at.records.hotels = {.rows = {{.hotel = parse_hotel_id(hotel).value(), .profile = {.name = "A"}, .version = 1}},
                       .more = false,
                       .complete_up_to = test_now()};
  const auto hotels = at.send("GET", "/v1/hotels");
  EXPECT_EQ(text_of(hotels.json().at("data").at(0), "id"), hotel);
  EXPECT_TRUE(hotels.json().at("next_cursor").is_null());
  at.records.failing = failure{.code = errc::unavailable};
  EXPECT_EQ(at.send("GET", "/v1/hotels").status, 503);
}

TEST_F(Resources, AGuestIsReadCorrectedExportedAndErased) {
  const guest_id id{1, 2};
  at.records.guests[id] = {.id = id, .name = "Ada", .email = "ada@example.org", .version = 1};
  const auto one = "/v1/guests/" + to_text(id);
  const auto read = at.send("GET", one);
  EXPECT_EQ(read.field("ETag"), "\"1\"");
  const auto changed = at.send("PATCH", one, R"({"name":"Ada King","email":null})", "If-Match: \"1\"\r\n");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(text_of(changed.json(), "name"), "Ada King");
  EXPECT_FALSE(changed.json().as_object().contains("email"));
  EXPECT_EQ(at.send("PATCH", one, R"({"name":"X"})", "If-Match: \"1\"\r\n").status, 412);
  at.records.reservations = {.rows = {{{1}, {.number = {1}, .priced_in = parse_currency("CHF").value()}}},
                             .more = false};
  at.records.notes[{{1}, {1}}] = "vegan";
  EXPECT_EQ(text_of(at.send("GET", one + "/export").json().at("data").at(0), "notes"), "vegan");
  EXPECT_EQ(at.send("DELETE", one).status, 204);
  EXPECT_EQ(text_of(at.send("GET", one).json(), "erased"), "true");
  const auto unknown = at.send("GET", "/v1/guests/" + to_text(guest_id{7, 7}));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.code(), "guest_unknown");
  EXPECT_EQ(at.send("DELETE", "/v1/guests/" + to_text(guest_id{7, 7})).status, 404);
}

TEST_F(Resources, HealthAndReadinessTellTheTruth) {
  EXPECT_EQ(at.send("GET", "/healthz").status, 200);
  EXPECT_EQ(at.send("GET", "/readyz").status, 200);
  at.ready = {false, {"the database is away"}};
  const auto not_ready = at.send("GET", "/readyz");
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_EQ(text_of(not_ready.json(), "reasons"), R"(["the database is away"])");
  EXPECT_EQ(at.send("GET", "/healthz").status, 200);
  EXPECT_EQ(at.send("GET", "/metrics", "", "Accept: text/plain\r\n").body, "keyrack_up 1\n");
}

TEST_F(Resources, EveryRouteHasItsOwnNameAndIsFoundByItsOwnPattern) {
  std::set<std::string_view> operations;
  for (const auto& r : gateway::route_table()) {
    EXPECT_TRUE(operations.insert(r.operation).second) << r.operation;
    gateway::path_ids ids;
    EXPECT_EQ(gateway::match_route(r.method, r.pattern, ids).found, &r) << r.pattern;
  }
}

}  // namespace
}  // namespace keyrack::testing
