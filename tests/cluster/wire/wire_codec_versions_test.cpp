// Goal: nodes of two versions understand each other: no number and no byte of the wire moves, what is new is passed over, and
// what cannot be understood is refused by its name.
#include "cluster/protocol.hpp"
#include "tests/cluster/wire/wire_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace keyrack::cluster {
namespace {

using namespace keyrack::testing;

// A number of the wire that moves breaks every upgrade that is under way.
TEST(WireVersions, HasNumberedTheCodesLikeThisFromTheFirstDay) {
  EXPECT_EQ(wire::CODE_KEY_REUSED, 1);
  EXPECT_EQ(wire::CODE_SOLD_OUT, 11);
  EXPECT_EQ(wire::CODE_HOTEL_IN_USE, 24);
  EXPECT_EQ(wire::CODE_GUEST_UNKNOWN, 28);
  EXPECT_EQ(wire::CODE_FENCED, 33);
}

TEST(WireVersions, HasWrittenABookingLikeThisFromTheFirstDay) {
  wire::Request m;
  const auto bytes = encoded(envelope_of(std::get<command>(sample_requests()[8].second.body)));
  ASSERT_TRUE(m.ParseFromString(bytes));
  EXPECT_EQ(
      m.ShortDebugString(),
      R"(kind: "hold_rooms" hotel: 81985529216486895 remaining_ms: 1500 request_id: "3f2a1c-4" in_doubt: true )"
      R"(stamp { key_high: 21 key_low: 22 digest: 23 by: "anonymous" if_match: 24 key_is_client_reference: true } )"
      R"(personal { guest_high: 11 guest_low: 12 new_guest: true name: "Zo\303\253" email: "z@example.org" )"
      R"(phone: "+41 1" notes: "late" } )"
      R"(hold_rooms { check_in: 21000 check_out: 21002 items { type: 1 rooms: 2 guests: 3 } )"
      R"(items { type: 2 rooms: 1 guests: 1 } guest_high: 11 guest_low: 12 hold: true })");
  EXPECT_EQ(bytes.size(), 183U);
}

/// Field 2047, length-delimited, with these bytes: no version has it.
const std::string newer_field{"\xfa\x7f\x05newer", 8};

TEST(WireVersions, PassesOverWhatANewerNodeAdds) {
  for (const auto& [name, sent] : sample_requests()) {
    const auto arrived = decode_request(newer_field + encoded(sent) + newer_field, values());
    ASSERT_TRUE(arrived.has_value()) << name << ": " << arrived.error();
    EXPECT_TRUE(says(*arrived, sent)) << name;
  }
  for (const auto& [name, sent] : sample_answers()) {
    const auto arrived = decode_answer(newer_field + encoded(sent) + newer_field, values());
    ASSERT_TRUE(arrived.has_value()) << name << ": " << arrived.error();
    EXPECT_TRUE(says(*arrived, sent)) << name;
  }
  auto booking = request_like("hold_rooms");
  first_item(booking).GetReflection()->MutableUnknownFields(&first_item(booking))->AddVarint(99, 1);
  EXPECT_TRUE(decode_request(booking.SerializeAsString(), values()).has_value());
}

TEST(WireVersions, UnderstandsANodeThatDoesNotNameKindsAndNeedsNoVersion) {
  auto booking = request_like("hold_rooms");
  booking.clear_kind();
  booking.set_needs(wire_version);
  EXPECT_TRUE(decode_request(booking.SerializeAsString(), values()).has_value());
}

/// A request or answer with `kind` in whose place this version knows nothing.
template <typename Message>
std::string of_unknown_kind(Message m, std::string_view oneof, std::string kind) {
  m.GetReflection()->ClearOneof(&m, Message::descriptor()->FindOneofByName(std::string{oneof}));
  m.set_kind(std::move(kind));
  return m.SerializeAsString() + newer_field;
}

TEST(WireVersions, RefusesAnUnknownKindByItsName) {
  EXPECT_EQ(
      decode_request(of_unknown_kind(request_like("confirm_reservation"), "command", "split_reservation"), values())
          .error(),
      "a command of a kind that this version does not know: split_reservation");
  EXPECT_EQ(decode_request(of_unknown_kind(request_like("hotel_query"), "query", "waitlist_query"), values()).error(),
            "a query of a kind that this version does not know: waitlist_query");
  EXPECT_EQ(decode_answer(of_unknown_kind(answer_like("hotel_view"), "view", "waitlist_view"), values()).error(),
            "an answer of a kind that this version does not know: waitlist_view");
  EXPECT_EQ(decode_answer(of_unknown_kind(answer_like("done"), "result", "\x1b[2J" + std::string(100, 'x')), values())
                .error(),
            "an answer of a kind that this version does not know: ????" + std::string(60, 'x'));
}

}  // namespace
}  // namespace keyrack::cluster
