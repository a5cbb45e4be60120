// Goal: whatever is wrong with a request, it is refused with the right status and code, every fault of it is named, and
// nothing was applied: nothing even reaches a hotel.
#include "tests/gateway/dispatcher.hpp"
#include "tests/gateway/malformed_requests.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

namespace keyrack::testing {
namespace {

class Malformed : public ::testing::Test {
protected:
  void check(void (*table)(malformed_requests&)) {
    malformed_requests requests;
    table(requests);
    for (const auto& m : requests.all()) {
      const auto got = at.send(m.method, m.target, m.body, m.fields);
      const auto what = m.text().substr(0, 300) + "\n" + got.body;
      ASSERT_EQ(got.status, m.status) << what;
      EXPECT_EQ(got.code(), m.code) << what;
      EXPECT_EQ(got.outcome(), "not_applied") << what;
      EXPECT_EQ(got.errors(), m.errors) << what;
      EXPECT_EQ(text_of(got.json(), "request_id"), "request-1");
    }
    EXPECT_EQ(at.router.sent(), 0) << "a hotel was asked";
    EXPECT_EQ(at.operators.asked, 0) << "the cluster was asked";
  }
  dispatcher at;
};

TEST_F(Malformed, MethodsPathsAndTypes) { check(methods_paths_and_types); }
TEST_F(Malformed, JsonTexts) { check(json_texts); }
TEST_F(Malformed, KeysAndPreconditions) { check(keys_and_preconditions); }
TEST_F(Malformed, QueriesAndCursors) { check(queries_and_cursors); }
TEST_F(Malformed, Hotels) { check(hotels); }
TEST_F(Malformed, RoomTypesAndRooms) { check(room_types_and_rooms); }
TEST_F(Malformed, CalendarChanges) { check(calendar_changes); }
TEST_F(Malformed, Reservations) { check(reservations); }
TEST_F(Malformed, Clusters) { check(clusters); }

TEST_F(Malformed, AreManyAndNoTwoTheSame) {
  std::set<std::string> texts;
  std::set<std::string> codes;
  const auto requests = all_malformed_requests();
  for (const auto& m : requests.all()) {
    EXPECT_TRUE(texts.insert(m.text()).second) << "twice: " << m.text().substr(0, 300);
    EXPECT_GE(m.status, 400);
    codes.insert(m.code);
  }
  RecordProperty("malformed_requests", static_cast<int>(texts.size()));
  std::cout << texts.size() << " malformed requests, " << codes.size() << " codes\n";
  EXPECT_GE(texts.size(), 150);
}

// What looks odd and is nobody's fault is kept to the letter.
TEST_F(Malformed, OddNamesAreNot) {
  const auto hotel = at.make_hotel();
  for (const std::string name : {R"(O\"Neill \"the\" \\ Hall)", "Robert'); DROP TABLE commits;--", "🏨🔑", "日本の旅館",
                                 "\u202eevil", R"(a\/b)", "<script>alert(1)</script>", "%00 %s %n", "é\u0301"}) {
    const auto sent = R"({"name":")" + name + "\"}";
    const auto got = at.send("PATCH", "/v1/hotels/" + hotel, sent);
    ASSERT_EQ(got.status, 200) << sent << got.body;
    EXPECT_EQ(got.json().at("name"), boost::json::parse(sent).at("name"));
  }
}

}  // namespace
}  // namespace keyrack::testing
