// Goal: the conventions of the API hold wherever they apply: keys, versions, problems, lists, patches.
#include "tests/gateway/dispatcher.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace keyrack::testing {
namespace {

class Conventions : public ::testing::Test {
protected:
  dispatcher at;
};

TEST_F(Conventions, ARepeatedRequestGetsTheSameBytesWhateverHappenedSince) {
  const auto hotel = at.make_hotel();
  const auto key = "Idempotency-Key: my-booking\r\n";
  const auto first = at.send("POST", "/v1/reservations", reservation_body(hotel), key);
  ASSERT_EQ(first.status, 201);
  at.send("POST", "/v1/reservations/" + text_of(first.json(), "id") + "/cancel");
  const auto again = at.send("POST", "/v1/reservations", reservation_body(hotel), key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.field("ETag"), first.field("ETag"));
  EXPECT_EQ(again.field("Location"), first.field("Location"));
  EXPECT_EQ(again.field("Idempotency-Key"), "my-booking");
  EXPECT_EQ(first.field("Idempotent-Replayed"), "");
  EXPECT_EQ(again.field("Idempotent-Replayed"), "true");
}

TEST_F(Conventions, WhiteSpaceOrderPersonsAndNotesDoNotMakeAnotherRequest) {
  const auto hotel = at.make_hotel();
  const auto key = "Idempotency-Key: k\r\n";
  ASSERT_EQ(at.send("POST", "/v1/reservations", reservation_body(hotel), key).status, 201);
  const auto other =
      R"({ "guest": {"name":"Somebody Else"}, "notes":"late", "items":[{"guests":2,"room_type_id":1,"rooms":1}],)"
      R"("check_out":"2027-06-06","check_in":"2027-06-04","hotel_id":")" +
      hotel + "\"}";
  EXPECT_EQ(at.send("POST", "/v1/reservations", other, key).field("Idempotent-Replayed"), "true");
}

TEST_F(Conventions, AnotherContentPathOrAbsentFieldUnderAUsedKeyIsRefused) {
  const auto hotel = at.make_hotel();
  const auto key = "Idempotency-Key: k\r\n";
  const auto first = at.send("POST", "/v1/reservations", reservation_body(hotel), key);
  const auto one = "/v1/reservations/" + text_of(first.json(), "id");
  EXPECT_EQ(at.send("POST", "/v1/reservations", reservation_body(hotel, ",\"hold\":true"), key).code(), "key_reused")
      << "absent is not the same as default";
  EXPECT_EQ(at.send("POST", one + "/confirm", "", key).code(), "key_reused");
  const auto confirm = "Idempotency-Key: c\r\n";
  ASSERT_EQ(at.send("POST", one + "/confirm", "", confirm).status, 200);
  EXPECT_EQ(at.send("POST", one + "/confirm", "{}", confirm).field("Idempotent-Replayed"), "true");
  EXPECT_EQ(at.send("POST", "/v1/reservations/" + at.book(hotel) + "/confirm", "", confirm).code(), "key_reused");
}

TEST_F(Conventions, ReservationIdIsTheKeyAndTheClientsReference) {
  const auto hotel = at.make_hotel();
  const std::string uuid = "2f6c0a4e-0000-4000-8000-00000000000a";
  const auto named =
      at.send("POST", "/v1/reservations", reservation_body(hotel, ",\"reservation_id\":\"" + uuid + "\""));
  ASSERT_EQ(named.status, 201) << named.body;
  EXPECT_EQ(named.field("Idempotency-Key"), uuid);
  EXPECT_EQ(text_of(named.json(), "client_reference"), uuid);
  const auto by_header =
      at.send("POST", "/v1/reservations", reservation_body(hotel), "Idempotency-Key: " + uuid + "\r\n");
  EXPECT_EQ(by_header.body, named.body);
  const auto both = at.send("POST", "/v1/reservations", reservation_body(hotel, ",\"reservation_id\":\"" + uuid + "\""),
                            "Idempotency-Key: 2F6C0A4E-0000-4000-8000-00000000000A\r\n");
  EXPECT_EQ(both.body, named.body);
}

TEST_F(Conventions, WhoSendsNoKeyGetsOneThatWorks) {
  const auto hotel = at.make_hotel();
  const auto first = at.send("POST", "/v1/reservations", reservation_body(hotel));
  const auto key = first.field("Idempotency-Key");
  ASSERT_EQ(key.size(), 36);
  EXPECT_EQ(at.send("POST", "/v1/reservations", reservation_body(hotel), "Idempotency-Key: " + key + "\r\n").body,
            first.body);
  EXPECT_FALSE(first.json().as_object().contains("client_reference"));
}

TEST_F(Conventions, ARefusalIsNotRemembered) {
  const auto hotel = at.make_hotel(1);
  const auto taken = at.book(hotel);
  const auto key = "Idempotency-Key: patient\r\n";
  const auto refused = at.send("POST", "/v1/reservations", reservation_body(hotel), key);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "sold_out");
  EXPECT_EQ(text_of(refused.json().at("reasons").at(0), "free"), "0");
  EXPECT_EQ(text_of(refused.json().at("reasons").at(0), "date"), "2027-06-04");
  at.send("POST", "/v1/reservations/" + taken + "/cancel");
  EXPECT_EQ(at.send("POST", "/v1/reservations", reservation_body(hotel), key).status, 201);
}

TEST_F(Conventions, VersionsGuardChangesAndSaveReads) {
  const auto hotel = at.make_hotel();
  const auto path = "/v1/hotels/" + hotel;
  const auto read = at.send("GET", path);
  const auto tag = read.field("ETag");
  EXPECT_EQ(tag, "\"" + text_of(read.json(), "version") + "\"");
  const auto same = at.send("GET", path, "", "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.field("ETag"), tag);
  const auto changed = at.send("PATCH", path, R"({"stars":5})", "If-Match: " + tag + "\r\n");
  ASSERT_EQ(changed.status, 200) << changed.body;
  const auto stale = at.send("PATCH", path, R"({"stars":3})", "If-Match: " + tag + "\r\n");
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.code(), "version_conflict");
  EXPECT_EQ(at.send("PATCH", path, R"({"stars":3})", "If-Match: W/" + changed.field("ETag") + "\r\n").status, 412);
  EXPECT_EQ(at.send("PATCH", path, R"({"stars":3})", "If-Match: *\r\n").status, 200);
  EXPECT_EQ(at.send("GET", path, "", "If-None-Match: " + tag + "\r\n").status, 200);
}

// From its deadline on a hold reads as expired, with the version that it had when it was pending, until the event comes.
TEST_F(Conventions, AHoldThatHasLapsedAheadOfItsEventHasNoTag) {
  const auto hotel = at.make_hotel();
  const auto path = "/v1/reservations/" + at.book(hotel, R"(,"hold":true)");
  const auto pending = at.send("GET", path);
  const auto if_none_match = "If-None-Match: " + pending.field("ETag") + "\r\n";
  ASSERT_EQ(at.send("GET", path, "", if_none_match).status, 304);
  reservation lapsed{.priced_in = parse_currency("CHF").value()};
  lapsed.status = reservation_status::expired;
  lapsed.version = std::stoull(text_of(pending.json(), "version"));
  lapsed.updated_at = test_now();
  lapsed.hold_expires_at = test_now() + std::chrono::seconds{120};
  const auto show = [&] {
    at.router.answer_with([&](const envelope& e) {
      return answer_envelope{.hotel = e.hotel,
                             .sequence = 9,
                             .rests_on = leased{},
                             .body = std::make_shared<const view>(reservation_view{lapsed})};
    });
    return at.send("GET", path, "", if_none_match);
  };
  const auto ahead = show();
  EXPECT_EQ(ahead.status, 200) << "it is not what the client has";
  EXPECT_EQ(text_of(ahead.json(), "status"), "EXPIRED");
  EXPECT_EQ(ahead.field("ETag"), "") << "one strong tag is never of two representations";
  lapsed.updated_at = lapsed.hold_expires_at + std::chrono::milliseconds{3};
  lapsed.version += 1;
  const auto recorded = show();
  EXPECT_EQ(recorded.status, 200);
  EXPECT_EQ(recorded.field("ETag"), "\"" + std::to_string(lapsed.version) + "\"");
}

TEST_F(Conventions, EveryAnswerOfAHotelSaysItsSequence) {
  const auto hotel = at.make_hotel(1);
  EXPECT_EQ(at.send("GET", "/v1/hotels/" + hotel).field("Keyrack-Sequence"), "2");
  at.book(hotel);
  EXPECT_EQ(at.send("POST", "/v1/reservations", reservation_body(hotel)).field("Keyrack-Sequence"), "3")
      << "refusals too";
}

TEST_F(Conventions, AnswersRepeatWhatWasSentAndWhatWasMade) {
  const auto made =
      at.send("POST", "/v1/hotels", hotel_body(R"(,"amenities":["wifi"],"attributes":{ "a" : 1.50 , "b":[ ] })"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_NE(made.body.find(R"("attributes":{ "a" : 1.50 , "b":[ ] })"), std::string::npos)
      << "kept as given: " << made.body;
  EXPECT_EQ(text_of(made.json(), "hold_seconds"), "120");
  EXPECT_EQ(text_of(made.json(), "created_at"), "2027-05-01T12:00:00.000Z");
  EXPECT_EQ(at.send("GET", made.field("Location")).body, made.body);
}

TEST_F(Conventions, AMergePatchChangesWhatItNamesClearsNullsAndKeepsTheRest) {
  const auto made =
      at.send("POST", "/v1/hotels", hotel_body(R"(,"description":"old","attributes":{"keep": 1.0,"drop":2})"));
  const auto path = made.field("Location");
  const auto renamed = at.send("PATCH", path, R"({"name":"Astoria Palace","description":null,"stars":null})",
                               "Content-Type: application/merge-patch+json\r\n");
  ASSERT_EQ(renamed.status, 200) << renamed.body;
  EXPECT_EQ(text_of(renamed.json(), "name"), "Astoria Palace");
  EXPECT_FALSE(renamed.json().as_object().contains("stars"));
  EXPECT_FALSE(renamed.json().as_object().contains("description"));
  EXPECT_NE(renamed.body.find(R"("attributes":{"keep": 1.0,"drop":2})"), std::string::npos)
      << "untouched to the letter";
  const auto merged =
      at.send("PATCH", path, R"({"attributes":{"drop":null,"new":{"x":[1,2.5]}},"location":{"lat":47.4}})");
  EXPECT_NE(merged.body.find(R"("attributes":{"keep":1,"new":{"x":[1,2.5]}})"), std::string::npos) << merged.body;
  EXPECT_EQ(text_of(merged.json().at("location"), "lon"), "8.5389E0");
  const auto gone = at.send("PATCH", path, R"({"attributes":null})");
  EXPECT_FALSE(gone.json().as_object().contains("attributes"));
}

TEST_F(Conventions, AMergePatchIsCheckedLikeAReplacement) {
  const auto path = "/v1/hotels/" + at.make_hotel();
  EXPECT_EQ(
      at.send("PATCH", path, R"({"name":null,"stars":9,"colour":1,"size":null,"location":{"lat":null}})").errors(),
      "/name:required /location/lat:required /stars:range /colour:unknown_field /size:unknown_field");
  EXPECT_EQ(at.send("PATCH", path, "[1]").errors(), ":type");
  EXPECT_EQ(at.send("PATCH", path + "/room-types/1", R"({"rooms":-1,"price":{"amount":"1e9"}})").errors(),
            "/rooms:range /price/amount:amount");
  EXPECT_EQ(at.send("PATCH", path + "/room-types/9", R"({"rooms":5})").code(), "room_type_unknown");
  EXPECT_EQ(at.send("PATCH", "/v1/hotels/000000000001", R"({"stars":5})").code(), "hotel_unknown");
  EXPECT_EQ(at.send("PATCH", path + "/room-types/1", R"({"price":{"amount":"9.00","currency":"EUR"}})").code(),
            "currency_mismatch");
}

TEST_F(Conventions, ARepeatedPatchGetsItsAnswerEvenOfWhatIsGone) {
  const auto path = "/v1/hotels/" + at.make_hotel();
  const auto key = "Idempotency-Key: p\r\n";
  const auto first = at.send("PATCH", path + "/room-types/1", R"({"rooms":7})", key);
  ASSERT_EQ(first.status, 200) << first.body;
  ASSERT_EQ(at.send("DELETE", path + "/room-types/1").status, 204);
  EXPECT_EQ(at.send("PATCH", path + "/room-types/1", R"({"rooms":7})", key).body, first.body);
  const auto hotel = at.send("PATCH", path, R"({"stars":5})", "Idempotency-Key: q\r\n");
  ASSERT_EQ(at.send("DELETE", path).status, 204);
  EXPECT_EQ(at.send("GET", path).code(), "hotel_unknown");
  EXPECT_EQ(at.send("PATCH", path, R"({"stars":5})", "Idempotency-Key: q\r\n").body, hotel.body);
}

TEST_F(Conventions, APatchThatLostARaceIsMadeAgain) {
  const auto path = "/v1/hotels/" + at.make_hotel();
  int conflicts = 2;
  at.router.before_answer([&](const envelope& e) -> std::optional<answer_envelope> {
    if (!e.is_command() || conflicts-- <= 0) return std::nullopt;
    return answer_envelope{
        .hotel = e.hotel, .sequence = 9, .rests_on = durable{}, .body = refusal{.code = errc::version_conflict}};
  });
  EXPECT_EQ(at.send("PATCH", path, R"({"stars":5})").status, 200);
  conflicts = 1;
  EXPECT_EQ(at.send("PATCH", path, R"({"stars":4})", "If-Match: \"3\"\r\n").status, 412)
      << "the client named its version";
  conflicts = 100;
  EXPECT_EQ(at.send("PATCH", path, R"({"stars":4})").status, 412) << "not for ever";
}

TEST_F(Conventions, FailuresOnTheWaySayWhetherTheyApplied) {
  const auto hotel = at.make_hotel();
  const auto fails = [&](errc code, outcome o) {
    at.router.answer_with([=](const envelope& e) {
      return answer_envelope{
          .hotel = e.hotel, .sequence = 0, .rests_on = durable{}, .body = failure{code, o, "because"}};
    });
    return at.send("POST", "/v1/reservations", reservation_body(hotel));
  };
  const auto overloaded = fails(errc::overloaded, outcome::not_applied);
  EXPECT_EQ(overloaded.status, 503);
  EXPECT_EQ(overloaded.field("Retry-After"), "1");
  EXPECT_EQ(overloaded.outcome(), "not_applied");
  EXPECT_EQ(fails(errc::unavailable, outcome::not_applied).status, 503);
  EXPECT_EQ(fails(errc::unavailable, outcome::unknown).outcome(), "unknown");
  const auto late = fails(errc::deadline_exceeded, outcome::unknown);
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(late.outcome(), "unknown");
  EXPECT_EQ(late.field("Idempotency-Key").size(), 36) << "to ask again with";
  const auto fenced = fails(errc::fenced, outcome::not_applied);
  EXPECT_EQ(fenced.status, 503);
  EXPECT_EQ(fenced.code(), "unavailable") << "that is between nodes";
}

TEST_F(Conventions, OverTheNodesBoundNothingIsSent) {
  dispatcher none{{}, {.in_flight_max = 0, .per_hotel_max = 10}};
  const auto of_node = none.send("GET", "/v1/hotels/7k2m9qx4vd1h");
  EXPECT_EQ(of_node.status, 503);
  EXPECT_EQ(of_node.code(), "overloaded");
  EXPECT_EQ(of_node.field("Retry-After"), "1");
}

TEST_F(Conventions, OptionsSaysWhatAPathHas) {
  const auto got = at.send("OPTIONS", "/v1/hotels");
  EXPECT_EQ(got.status, 204);
  EXPECT_EQ(got.field("Allow"), "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(at.send("OPTIONS", "/nowhere").status, 404);
  EXPECT_EQ(at.send("PUT", "/v1/hotels", "{}").field("Allow"), "POST, GET, HEAD, OPTIONS");
}

TEST_F(Conventions, CrossOriginQuestionsAreAnsweredWhereASettingAllowsThem) {
  gateway_settings open;
  open.cors_origins = {"https://site.example"};
  dispatcher with{open};
  const auto ask = [&](const std::string& origin) {
    return with.send("OPTIONS", "/v1/hotels", "", "Origin: " + origin + "\r\nAccess-Control-Request-Method: POST\r\n");
  };
  EXPECT_EQ(ask("https://site.example").field("Access-Control-Allow-Methods"), "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(ask("https://evil.example").field("Access-Control-Allow-Methods"), "");
}

TEST_F(Conventions, EveryCodeHasItsOwnNameAndAStatusOfAnError) {
  std::set<std::string_view> names;
  for (const auto& kind : gateway::all_problem_kinds()) {
    EXPECT_GE(kind.status, 400);
    EXPECT_TRUE(names.insert(kind.code).second) << kind.code;
    EXPECT_FALSE(kind.title.empty());
  }
  for (auto code = errc{}; code < errc::moving; code = static_cast<errc>(static_cast<int>(code) + 1)) {
    EXPECT_EQ(gateway::kind_of(code).code, to_text(code));
  }
}

}  // namespace
}  // namespace keyrack::testing
