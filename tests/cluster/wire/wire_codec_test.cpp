// Goal: what one node says to another about a hotel arrives as it was said, also from a node of another version; and bytes
// that say nothing, too much or something unknown are refused with a sentence, and do no harm.
#include "cluster/protocol.hpp"
#include "cluster/wire_codec.hpp"
#include "persistence/value_codec.hpp"
#include "tests/cluster/wire/arbitrary_envelopes.hpp"
#include "tests/cluster/wire/same.hpp"
#include "tests/cluster/wire/samples.hpp"

#include <cluster/proto/envelope.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>

namespace keyrack::cluster {
namespace {

using namespace keyrack::testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Whoever adds a field to one of these finds here that the wire has to carry it (and `same` whether it does). Of an
// envelope four are each node's own: deadline, reply_to, correlation, forwarded.
static_assert(boost::pfr::tuple_size_v<envelope> == 10 && boost::pfr::tuple_size_v<request> == 5);
static_assert(boost::pfr::tuple_size_v<personal_record> == 6 && boost::pfr::tuple_size_v<answer_envelope> == 4);
static_assert(boost::pfr::tuple_size_v<hold_rooms> == 4 && boost::pfr::tuple_size_v<change_reservation> == 4);
static_assert(boost::pfr::tuple_size_v<extend_hold> == 2 && boost::pfr::tuple_size_v<check_in_guest> == 2);
static_assert(boost::pfr::tuple_size_v<requested_item> == 3 && boost::pfr::tuple_size_v<reservations_query> == 7);
static_assert(boost::pfr::tuple_size_v<availability_query> == 3 && boost::pfr::tuple_size_v<calendar_query> == 3);
static_assert(boost::pfr::tuple_size_v<reason> == 5 && boost::pfr::tuple_size_v<night_view> == 8);
static_assert(boost::pfr::tuple_size_v<done> == 2 && boost::pfr::tuple_size_v<failure> == 3);

const value_codec& values() { return persistence::disk_value_codec(); }
std::string encoded(const envelope& e) { return encode_request(e, 1500ms, values()); }
std::string encoded(const answer_envelope& a) { return encode_answer(a, values()); }

bool says(const received_request& arrived, const envelope& sent) {
  return arrived.hotel == sent.hotel && same(arrived.request, sent.request) && same(arrived.body, sent.body) &&
         same(arrived.personal, sent.personal) && arrived.request_id == sent.request_id &&
         arrived.in_doubt == sent.in_doubt;
}
bool says(const answer_envelope& arrived, const answer_envelope& sent) {
  return arrived.hotel == sent.hotel && arrived.sequence == sent.sequence && same(arrived.body, sent.body) &&
         std::holds_alternative<durable>(arrived.rests_on);
}

TEST(WireCodec, CarriesARequestOfEachKind) {
  EXPECT_EQ(sample_commands().size(), std::variant_size_v<command>);
  EXPECT_EQ(sample_queries().size(), std::variant_size_v<query>);
  for (const auto& [name, sent] : sample_requests()) {
    const auto arrived = decode_request(encoded(sent), values());
    ASSERT_TRUE(arrived.has_value()) << name << ": " << arrived.error();
    EXPECT_TRUE(says(*arrived, sent)) << name;
    EXPECT_EQ(arrived->remaining, 1500ms) << name;
  }
}

TEST(WireCodec, CarriesAnAnswerOfEachKind) {
  EXPECT_EQ(sample_views().size(), std::variant_size_v<view>);
  EXPECT_EQ(sample_answers().size(),
            std::variant_size_v<decltype(answer_envelope::body)> - 1 + std::variant_size_v<view>);
  for (const auto& [name, sent] : sample_answers()) {
    const auto arrived = decode_answer(encoded(sent), values());
    ASSERT_TRUE(arrived.has_value()) << name << ": " << arrived.error();
    EXPECT_TRUE(says(*arrived, sent)) << name;
  }
}

void check_carried(const envelope& sent) {
  const auto arrived = decode_request(encoded(sent), values());
  if (!arrived) RC_LOG() << arrived.error() << "\n";
  RC_ASSERT(arrived.has_value());
  RC_ASSERT(says(*arrived, sent));
}
void check_carried(const answer_envelope& sent) {
  const auto arrived = decode_answer(encoded(sent), values());
  if (!arrived) RC_LOG() << arrived.error() << "\n";
  RC_ASSERT(arrived.has_value());
  RC_ASSERT(says(*arrived, sent));
}

RC_GTEST_PROP(WireCodec, CarriesAnyRequest, ()) {
  for (std::size_t kind = 0; kind < std::variant_size_v<command>; ++kind)
    check_carried(any_envelope(any_command(kind)));
  for (std::size_t kind = 0; kind < std::variant_size_v<query>; ++kind) check_carried(any_envelope(any_query(kind)));
}

RC_GTEST_PROP(WireCodec, CarriesAnyAnswer, ()) {
  check_carried(any_answer(any_done()));
  check_carried(any_answer(any_refusal()));
  check_carried(any_answer(any_failure()));
  for (std::size_t kind = 0; kind < std::variant_size_v<view>; ++kind)
    check_carried(any_answer(std::make_shared<const view>(any_view(kind))));
}

TEST(WireCodec, CarriesEveryCode) {
  for (int i = 0; i <= static_cast<int>(errc::fenced); ++i) {
    const auto sent = answer_of(failure{static_cast<errc>(i), outcome::not_applied, {}});
    const auto arrived = decode_answer(encoded(sent), values());
    ASSERT_TRUE(arrived.has_value()) << arrived.error();
    EXPECT_EQ(std::get<failure>(arrived->body).code, static_cast<errc>(i));
  }
}

// A number of the wire that moves breaks every upgrade that is under way.
TEST(WireCodec, HasNumberedTheCodesLikeThisFromTheFirstDay) {
  EXPECT_EQ(wire::CODE_KEY_REUSED, 1);
  EXPECT_EQ(wire::CODE_SOLD_OUT, 11);
  EXPECT_EQ(wire::CODE_HOTEL_IN_USE, 24);
  EXPECT_EQ(wire::CODE_GUEST_UNKNOWN, 28);
  EXPECT_EQ(wire::CODE_FENCED, 33);
}

TEST(WireCodec, HasWrittenABookingLikeThisFromTheFirstDay) {
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

TEST(WireCodec, CutsTheTimeThatIsLeft) {
  const auto e = sample_requests().front().second;
  EXPECT_EQ(decode_request(encode_request(e, -5ms, values()), values())->remaining, 0ms);
  EXPECT_EQ(decode_request(encode_request(e, 24h, values()), values())->remaining, remaining_max);
}

TEST(WireCodec, CutsASentenceThatIsTooLongBetweenTwoCharacters) {
  std::string detail = "x";
  while (detail.size() < 6'000) detail += "ë";
  const auto arrived =
      decode_answer(encoded(answer_of(failure{errc::overloaded, outcome::not_applied, detail})), values());
  ASSERT_TRUE(arrived.has_value()) << arrived.error();
  EXPECT_EQ(std::get<failure>(arrived->body).detail, detail.substr(0, 3'999));
}

// A hotel refuses such a range as calendar_invalid; it must get there for that.
TEST(WireCodec, CarriesACalendarChangeThatItsHotelWillRefuse) {
  auto backwards = sample_change(), endless = sample_change();
  backwards.to = backwards.from - 1;
  endless.to = endless.from + 10'000;
  const auto sent = envelope_of(command{change_calendar{{backwards, endless}}});
  const auto arrived = decode_request(encoded(sent), values());
  ASSERT_TRUE(arrived.has_value()) << arrived.error();
  EXPECT_TRUE(says(*arrived, sent));
}

TEST(WireCodec, SeesEveryFieldThatDiffers) {
  auto one = std::get<hold_rooms>(sample_commands()[8].second), other = one;
  EXPECT_TRUE(same(one, other));
  other.items[1].guests = 2;
  EXPECT_FALSE(same(one, other));
  EXPECT_FALSE(same(command{one}, command{other}));
}

// --- damage -----------------------------------------------------------------------------------------------------------

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

TEST(WireCodec, RefusesDamagedRequestsOrReadsWhatCouldBeSent) {
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

TEST(WireCodec, RefusesDamagedAnswersOrReadsWhatCouldBeSent) {
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

// --- what is refused --------------------------------------------------------------------------------------------------

wire::Request request_like(std::string_view kind) {
  wire::Request m;
  for (const auto& [name, sent] : sample_requests()) {
    if (name == kind && !m.ParseFromString(encoded(sent))) ADD_FAILURE() << kind;
  }
  return m;
}
wire::Answer answer_like(std::string_view kind) {
  wire::Answer m;
  for (const auto& [name, sent] : sample_answers()) {
    if (name == kind && !m.ParseFromString(encoded(sent))) ADD_FAILURE() << kind;
  }
  return m;
}
wire::Item& first_item(wire::Request& m) { return *m.mutable_hold_rooms()->mutable_items(0); }

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

TEST(WireCodec, RefusesRequestsThatNoDomainAllows) {
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

TEST(WireCodec, RefusesAnswersThatNoDomainAllows) {
  for (const auto& [like, why, change] : refused_answers()) {
    auto m = answer_like(like);
    ASSERT_TRUE(decode_answer(m.SerializeAsString(), values()).has_value()) << like;
    change(m);
    const auto arrived = decode_answer(m.SerializeAsString(), values());
    ASSERT_FALSE(arrived.has_value()) << like << " was not refused: " << why;
    EXPECT_THAT(arrived.error(), HasSubstr(std::string{why})) << like;
  }
}

TEST(WireCodec, RefusesTextThatIsNotUtf8) {
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

TEST(WireCodec, RefusesBytesThatAreNoMessage) {
  EXPECT_EQ(decode_request("\x08", values()).error(), "bytes that are not a request");
  EXPECT_EQ(decode_answer("\x08", values()).error(), "bytes that are not an answer");
}

TEST(WireCodec, RefusesWhatIsLongerThanAnyMessage) {
  const std::string bytes(message_bytes_max + 1, '\0');
  EXPECT_EQ(decode_request(bytes, values()).error(), "a message that is too long");
  EXPECT_EQ(decode_answer(bytes, values()).error(), "a message that is too long");
}

TEST(WireCodec, RefusesNothing) {
  EXPECT_EQ(decode_request("", values()).error(), "a query of a kind that this version does not know: unnamed");
  EXPECT_EQ(decode_answer("", values()).error(), "an answer of a kind that this version does not know: unnamed");
}

// --- another version --------------------------------------------------------------------------------------------------

/// Field 2047, length-delimited, with these bytes: no version has it.
const std::string newer_field{"\xfa\x7f\x05newer", 8};

TEST(WireCodec, PassesOverWhatANewerNodeAdds) {
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

TEST(WireCodec, UnderstandsANodeThatDoesNotNameKindsAndNeedsNoVersion) {
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

TEST(WireCodec, RefusesAnUnknownKindByItsName) {
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
