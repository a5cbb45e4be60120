// Goal: bytes that say nothing, too much or what no domain allows are refused with a sentence, and do no harm.
#include "tests/cluster/wire/wire_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace keyrack::cluster {
namespace {

using namespace keyrack::testing;
using ::testing::HasSubstr;

/// Every damaged form of the bytes: cut short at each place, and each byte with each bit turned and replaced by 0 and 255.
template <typename Try>
void damage(const std::string& bytes, Try attempt) {
  for (std::size_t n = 0; n < bytes.size(); ++n) attempt(bytes.substr(0, n));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto copy = bytes;
    for (int bit = 0; bit < 8; ++bit) {
      copy[i] = static_cast<char>(bytes[i] ^ 1 << bit);
      attempt(copy);
    }
    for (const char c : {'\0', '\xff'}) {
      copy[i] = c;
      attempt(copy);
    }
  }
}

TEST(WireRefusals, RefusesDamagedRequestsOrReadsWhatCouldBeSent) {
  std::size_t refused = 0, read = 0;
  for (const auto& [name, sent] : sample_requests()) {
    damage(encoded(sent), [&](const std::string& bytes) {
      const auto arrived = decode_request(bytes, values());
      ++(arrived ? read : refused);
      if (!arrived) {
        EXPECT_FALSE(arrived.error().empty());
        return;
      }
      auto again = envelope_of(arrived->body);
      again.hotel = arrived->hotel, again.request = arrived->request, again.personal = arrived->personal;
      again.request_id = arrived->request_id, again.in_doubt = arrived->in_doubt;
      const auto whole = decode_request(encode_request(again, arrived->remaining, values()), values());
      ASSERT_TRUE(whole.has_value()) << name << ": " << whole.error();
      EXPECT_TRUE(says(*whole, again)) << name;
    });
  }
  EXPECT_GT(refused, read / 4);
  EXPECT_GT(read, 0U);
}

TEST(WireRefusals, RefusesDamagedAnswersOrReadsWhatCouldBeSent) {
  std::size_t refused = 0, read = 0;
  for (const auto& [name, sent] : sample_answers()) {
    damage(encoded(sent), [&](const std::string& bytes) {
      const auto arrived = decode_answer(bytes, values());
      ++(arrived ? read : refused);
      if (!arrived) {
        EXPECT_FALSE(arrived.error().empty());
        return;
      }
      const auto whole = decode_answer(encoded(*arrived), values());
      ASSERT_TRUE(whole.has_value()) << name << ": " << whole.error();
      EXPECT_TRUE(says(*whole, *arrived)) << name;
    });
  }
  EXPECT_GT(refused, read / 4);
  EXPECT_GT(read, 0U);
}

struct refused_request {
  std::string_view like;
  std::string_view why;
  std::function<void(wire::Request&)> change;
};

const std::vector<refused_request>& refused_requests() {
  static const std::vector<refused_request> all = {
      {"hold_rooms", "needs version 2 of the format, this is 1", [](auto& m) { m.set_needs(2); }},
      {"hold_rooms", "a command and a query at once", [](auto& m) { m.mutable_hotel_query(); }},
      {"hold_rooms", "a command without a key", [](auto& m) { m.clear_stamp(); }},
      {"hotel_query", "a query with one", [](auto& m) { m.mutable_stamp(); }},
      {"confirm_reservation", "personal records", [](auto& m) { m.add_personal(); }},
      {"hold_rooms", "personal records", [](auto& m) { m.add_personal(); }},
      {"hold_rooms", "too far away", [](auto& m) { m.set_remaining_ms(600'001); }},
      {"hold_rooms", "more than 60 bits", [](auto& m) { m.set_hotel(std::uint64_t{1} << 60); }},
      {"hold_rooms", "too long", [](auto& m) { m.set_request_id(std::string(201, 'x')); }},
      {"hold_rooms", "too long", [](auto& m) { m.mutable_stamp()->set_by(std::string(2'001, 'x')); }},
      {"hold_rooms", "too long", [](auto& m) { m.mutable_personal(0)->set_name(std::string(201, 'x')); }},
      {"hold_rooms", "too long", [](auto& m) { m.mutable_personal(0)->set_email(std::string(255, 'x')); }},
      {"hold_rooms", "too long", [](auto& m) { m.mutable_personal(0)->set_phone(std::string(255, 'x')); }},
      {"hold_rooms", "too long", [](auto& m) { m.mutable_personal(0)->set_notes(std::string(2'001, 'x')); }},
      {"hold_rooms", "NUL", [](auto& m) { m.mutable_personal(0)->set_notes(std::string("a\0b", 3)); }},
      {"hold_rooms", "120 bits", [](auto& m) { m.mutable_personal(0)->set_guest_high(~std::uint64_t{0}); }},
      {"hold_rooms", "120 bits", [](auto& m) { m.mutable_hold_rooms()->set_guest_low(~std::uint64_t{0}); }},
      {"hold_rooms", "date", [](auto& m) { m.mutable_hold_rooms()->set_check_in(-1); }},
      {"hold_rooms", "date", [](auto& m) { m.mutable_hold_rooms()->set_check_out(2'932'897); }},
      {"hold_rooms", "items", [](auto& m) { m.mutable_hold_rooms()->clear_items(); }},
      {"hold_rooms", "items",
       [](auto& m) {
         while (m.hold_rooms().items_size() < 11) *m.mutable_hold_rooms()->add_items() = m.hold_rooms().items(0);
       }},
      {"hold_rooms", "count", [](auto& m) { first_item(m).set_rooms(0); }},
      {"hold_rooms", "count", [](auto& m) { first_item(m).set_rooms(100'001); }},
      {"hold_rooms", "count", [](auto& m) { first_item(m).set_guests(0); }},
      {"hold_rooms", "count", [](auto& m) { first_item(m).set_guests(5'000'001); }},
      {"hold_rooms", "room type's id", [](auto& m) { first_item(m).set_type(65'536); }},
      {"change_reservation", "items", [](auto& m) { m.mutable_change_reservation()->mutable_items()->clear_items(); }},
      {"extend_hold", "extension", [](auto& m) { m.mutable_extend_hold()->set_by_seconds(4); }},
      {"extend_hold", "extension", [](auto& m) { m.mutable_extend_hold()->set_by_seconds(901); }},
      {"check_in_guest", "too long", [](auto& m) { m.mutable_check_in_guest()->set_rooms(0, std::string(21, '1')); }},
      {"check_in_guest", "too many",
       [](auto& m) {
         for (int i = 0; i < limits::rooms_listed_max; ++i) m.mutable_check_in_guest()->add_rooms("1");
       }},
      {"list_rooms", "listed twice", [](auto& m) { m.mutable_list_rooms()->add_rooms(m.list_rooms().rooms(0)); }},
      {"list_rooms", "too many rooms",
       [](auto& m) {
         for (int i = 0; i < limits::rooms_listed_max; ++i) m.mutable_list_rooms()->add_rooms("");
       }},
      {"list_rooms", "not a room", [](auto& m) { m.mutable_list_rooms()->add_rooms("\x08"); }},
      {"change_calendar", "too many calendar changes",
       [](auto& m) {
         for (int i = 0; i < limits::calendar_changes_max; ++i) m.mutable_change_calendar()->add_changes("");
       }},
      {"change_calendar", "not a calendar change", [](auto& m) { m.mutable_change_calendar()->add_changes("\xff"); }},
      {"create_hotel", "not a hotel's profile", [](auto& m) { m.mutable_create_hotel()->set_profile("\xff"); }},
      {"create_hotel", "a hold of no time",
       [](auto& m) {
         auto p = sample_hotel();
         p.hold_seconds = 0;
         m.mutable_create_hotel()->set_profile(values().encode(p));
       }},
      {"update_room_type", "a room for nobody",
       [](auto& m) {
         auto p = sample_type();
         p.max_guests = 0;
         m.mutable_update_room_type()->set_profile(values().encode(p));
       }},
      {"availability_query", "count", [](auto& m) { m.mutable_availability_query()->set_rooms(0); }},
      {"availability_query", "count", [](auto& m) { m.mutable_availability_query()->set_guests(0); }},
      {"reservations_query", "count", [](auto& m) { m.mutable_reservations_query()->set_limit(0); }},
      {"reservations_query", "status", [](auto& m) { m.mutable_reservations_query()->set_status(7); }},
      {"reservations_query", "halves", [](auto& m) { m.mutable_reservations_query()->mutable_guests()->add_low(1); }},
      {"calendar_query", "date", [](auto& m) { m.mutable_calendar_query()->set_from(-1); }},
  };
  return all;
}

TEST(WireRefusals, RefusesRequestsThatNoDomainAllows) {
  for (const auto& [like, why, change] : refused_requests()) {
    auto m = request_like(like);
    ASSERT_TRUE(decode_request(m.SerializeAsString(), values()).has_value()) << like;
    change(m);
    const auto arrived = decode_request(m.SerializeAsString(), values());
    ASSERT_FALSE(arrived.has_value()) << like << " was not refused: " << why;
    EXPECT_THAT(arrived.error(), HasSubstr(std::string{why})) << like;
  }
}

struct refused_answer {
  std::string_view like;
  std::string_view why;
  std::function<void(wire::Answer&)> change;
};

const std::vector<refused_answer>& refused_answers() {
  static const std::vector<refused_answer> all = {
      {"done", "needs version 2 of the format, this is 1", [](auto& m) { m.set_needs(2); }},
      {"done", "two answers at once", [](auto& m) { m.mutable_hotel_view(); }},
      {"done", "more than 60 bits", [](auto& m) { m.set_hotel(std::uint64_t{1} << 60); }},
      {"done", "commit", [](auto& m) { m.mutable_done()->set_event(""); }},
      {"done", "number", [](auto& m) { m.mutable_done()->set_seq(10); }},
      {"done", "sequence numbers", [](auto& m) { m.mutable_done()->set_seq(0); }},
      {"refusal", "which this version does not know",
       [](auto& m) { m.mutable_refusal()->set_code(static_cast<wire::Code>(wire::Code_MAX + 1)); }},
      {"refusal", "code 0, which", [](auto& m) { m.mutable_refusal()->clear_code(); }},
      {"refusal", "code -1, which",
       [](auto& m) { m.mutable_refusal()->mutable_reasons(0)->set_code(static_cast<wire::Code>(-1)); }},
      {"refusal", "date", [](auto& m) { m.mutable_refusal()->mutable_reasons(0)->set_night(-1); }},
      {"refusal", "room type", [](auto& m) { m.mutable_refusal()->mutable_reasons(0)->set_type(65'536); }},
      {"refusal", "too long", [](auto& m) { m.mutable_refusal()->set_detail(std::string(4'001, 'x')); }},
      {"refusal", "too many reasons",
       [](auto& m) {
         while (m.refusal().reasons_size() <= 10'000) m.mutable_refusal()->add_reasons()->set_code(wire::CODE_CLOSED);
       }},
      {"failure", "code 999, which", [](auto& m) { m.mutable_failure()->set_code(static_cast<wire::Code>(999)); }},
      {"failure", "too long", [](auto& m) { m.mutable_failure()->set_detail(std::string(4'001, 'x')); }},
      {"hotel_view", "instant", [](auto& m) { m.mutable_hotel_view()->set_created_at(-1); }},
      {"room_types_view", "too many room types",
       [](auto& m) {
         while (m.room_types_view().types_size() <= limits::room_types_per_hotel_max)
           *m.mutable_room_types_view()->add_types() = m.room_types_view().types(0);
       }},
      {"rooms_view", "too many rooms",
       [](auto& m) {
         for (int i = 0; i < limits::rooms_listed_max; ++i) m.mutable_rooms_view()->add_rooms("");
       }},
      {"calendar_view", "currency", [](auto& m) { m.mutable_calendar_view()->set_priced_in("eur"); }},
      {"calendar_view", "equally long", [](auto& m) { m.mutable_calendar_view()->mutable_types(0)->add_price(1); }},
      {"calendar_view", "equally long",
       [](auto& m) { m.mutable_calendar_view()->mutable_types(0)->mutable_rule_closed()->RemoveLast(); }},
      {"calendar_view", "too long", [](auto& m) { m.mutable_calendar_view()->mutable_types(1)->set_nights(732); }},
      {"calendar_view", "too long", [](auto& m) { m.mutable_calendar_view()->mutable_types(1)->set_nights(-1); }},
      {"calendar_view", "price", [](auto& m) { m.mutable_calendar_view()->mutable_types(0)->set_price(0, -1); }},
      {"calendar_view", "price", [](auto& m) { m.mutable_calendar_view()->mutable_types(0)->set_rule_price(0, -2); }},
      {"calendar_view", "count", [](auto& m) { m.mutable_calendar_view()->mutable_types(0)->set_rule_rooms(0, -2); }},
      {"calendar_view", "stay",
       [](auto& m) { m.mutable_calendar_view()->mutable_types(0)->set_rule_max_stay(0, 256); }},
      {"availability_view", "too many prices",
       [](auto& m) {
         for (int i = 0; i < limits::stay_nights_max; ++i)
           m.mutable_availability_view()->mutable_types(0)->add_night_prices(1);
       }},
      {"reservation_view", "not a reservation", [](auto& m) { m.mutable_reservation_view()->set_reservation("\xff"); }},
  };
  return all;
}

TEST(WireRefusals, RefusesAnswersThatNoDomainAllows) {
  for (const auto& [like, why, change] : refused_answers()) {
    auto m = answer_like(like);
    ASSERT_TRUE(decode_answer(m.SerializeAsString(), values()).has_value()) << like;
    change(m);
    const auto arrived = decode_answer(m.SerializeAsString(), values());
    ASSERT_FALSE(arrived.has_value()) << like << " was not refused: " << why;
    EXPECT_THAT(arrived.error(), HasSubstr(std::string{why})) << like;
  }
}

TEST(WireRefusals, RefusesTextThatIsNotUtf8) {
  const auto sent_as = [](std::string notes) {
    auto e = sample_requests()[8].second;
    e.personal[0].notes = std::move(notes);
    return decode_request(encoded(e), values());
  };
  for (const auto* good : {"\x7f", "\u0080\u07ff\u0800\ud7ff\ue000\uffff", "\U00010000\U0010ffff"})
    EXPECT_TRUE(sent_as(good).has_value()) << good;
  for (const auto* bad : {"\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xef\xbf",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    const auto arrived = sent_as(bad);
    ASSERT_FALSE(arrived.has_value()) << bad;
    EXPECT_THAT(arrived.error(), HasSubstr("UTF-8"));
  }
}

TEST(WireRefusals, RefusesBytesThatAreNoMessage) {
  EXPECT_EQ(decode_request("\x08", values()).error(), "bytes that are not a request");
  EXPECT_EQ(decode_answer("\x08", values()).error(), "bytes that are not an answer");
}

TEST(WireRefusals, RefusesWhatIsLongerThanAnyMessage) {
  const std::string bytes(message_bytes_max + 1, '\0');
  EXPECT_EQ(decode_request(bytes, values()).error(), "a message that is too long");
  EXPECT_EQ(decode_answer(bytes, values()).error(), "a message that is too long");
}

TEST(WireRefusals, RefusesNothing) {
  EXPECT_EQ(decode_request("", values()).error(), "a query of a kind that this version does not know: unnamed");
  EXPECT_EQ(decode_answer("", values()).error(), "an answer of a kind that this version does not know: unnamed");
}

}  // namespace
}  // namespace keyrack::cluster
