// Goal: what is written into commits.payload can be read again, is the same bytes every time, and nothing else is read.
#include "arbitrary_events.hpp"
#include "persistence/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <persistence/proto/journal.pb.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace keyrack::persistence {
namespace {

using namespace keyrack::testing;
using ::testing::HasSubstr;

std::string encoded(std::vector<event> events) {
  commit c;
  c.hotel = {7};
  c.events = std::move(events);
  return encode_commit(c);
}

event booking() {
  reservation r;
  r.number = {3};
  r.status = reservation_status::pending;
  r.key_is_client_reference = true;
  r.created_by = {1, 2};
  r.guest = {3, 4};
  r.stay = {{20'000}, {20'002}};
  r.items = {{.type = {1}, .rooms = 1, .guests = 2, .night_prices = {41'250, 41'250}}};
  r.priced_in = {{'E', 'U', 'R'}};
  r.created_at = r.updated_at = instant{std::chrono::microseconds{1'700'000'000'000'000}};
  r.hold_expires_at = r.created_at + std::chrono::seconds{120};
  r.version = 9;
  event e;
  e.seq = 9;
  e.at = r.created_at;
  e.by = "guest";
  e.answers = {.key = r.created_by, .digest = 5, .op = operation::hold_rooms};
  e.body = reservation_event{.step = reservation_step::rooms_held, .after = r, .previous = 0};
  return e;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += {digits[c >> 4], digits[c & 15]};
  }
  return text;
}

RC_GTEST_PROP(CommitCodec, ReadsWhatItWrote, ()) {
  const auto events = any_events();
  const auto payload = encoded(events);
  const auto read = decode_commit(payload, events.front().seq, events.back().seq);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == events);
}

RC_GTEST_PROP(CommitCodec, ReadsOnlyBytesThatItWouldWrite, ()) {
  const auto events = any_events();
  auto payload = encoded(events);
  for (int n = any_in(1, 4); n > 0; --n) {
    const auto at = any_in<std::size_t>(0, payload.size() - 1);
    switch (any_in(0, 2)) {
    case 0: payload[at] = *rc::gen::arbitrary<char>(); break;
    case 1: payload.erase(at, any_in<std::size_t>(1, 3)); break;
    default: payload.insert(at, 1, *rc::gen::arbitrary<char>());
    }
    if (payload.empty()) return;
  }
  const auto read = decode_commit(payload, events.front().seq, events.back().seq);
  if (read) RC_ASSERT(encoded(*read) == payload);
}

// Years of journals have these bytes: a change that moves them is a new format.
TEST(CommitCodec, HasWrittenABookingLikeThisFromTheFirstDay) {
  EXPECT_EQ(hex(encoded({booking()})),
            "0801129601088080f9c0c1c48203120567756573741a1d090100000000000000110200000000000000190500000000000000"
            "2008626512630803180121010000000000000029020000000000000031030000000000000039040000000000000040c0b802"
            "48c4b802520e0801100118022206a2c202a2c2026203455552688080f9c0c1c48203708080f9c0c1c4820378809c95fac1c4"
            "8203800109");
}

struct refused_bytes {
  const char* what;
  std::string payload;
  std::uint64_t first = 9;
  std::uint64_t last = 9;
};

/// An element of `Commit.events` with `inner` appended to it.
std::string event_with(std::string inner) {
  auto body = encoded({booking()}).substr(2);
  const auto prefix = body.size() > 130 ? 3u : 2u;  // tag and length
  auto message = body.substr(prefix) + inner;
  std::string length;
  for (auto n = message.size();; n >>= 7) {
    length += static_cast<char>(n < 128 ? n : (n & 127) | 128);
    if (n < 128) break;
  }
  return std::string{"\x08\x01\x12", 3} + length + message;
}

event changed(void (*change)(event&)) {
  auto e = booking();
  change(e);
  return e;
}
event changed(void (*change)(reservation&)) {
  auto e = booking();
  change(std::get<reservation_event>(e.body).after);
  return e;
}

std::vector<refused_bytes> refusals() {
  const auto good = encoded({booking()});
  const auto two = [](std::uint64_t seq, std::chrono::microseconds apart) {
    auto first = booking(), second = booking();
    second.seq = first.seq + seq;
    second.at = first.at + apart;
    std::get<reservation_event>(second.body).after.version = second.seq;
    return encoded({first, second});
  };
  const auto with = [](auto change) { return encoded({changed(+change)}); };
  return {
      {"nothing", ""},
      {"a format of the future", "\x08\x02" + good.substr(2)},
      {"no format", good.substr(2)},
      {"fewer events than numbers", good, 9, 10},
      {"more events than numbers", two(1, {})},
      {"numbers the wrong way round", good, 9, 8},
      {"a number of zero", good, 0, 0},
      {"numbers without end", good, 1, ~std::uint64_t{0}},
      {"a number that is not the reservation's version", good, 10, 10},
      {"time that goes back", two(1, std::chrono::microseconds{-1}), 9, 10},
      {"a field after the events", good + std::string{"\x18\x01"}},
      {"an unknown field of an event", event_with("\x68\x01")},
      {"a field twice", event_with("\x12\x05guest")},
      {"an event cut short", good.substr(0, good.size() - 1)},
      {"an operation of the future", with([](event& e) { e.answers->op = static_cast<operation>(17); })},
      {"a step of the future",
       with([](event& e) { std::get<reservation_event>(e.body).step = static_cast<reservation_step>(9); })},
      {"a first step with one before it", with([](event& e) { std::get<reservation_event>(e.body).previous = 3; })},
      {"an instant before 1970", with([](event& e) { e.at = instant{std::chrono::microseconds{-1}}; })},
      {"an author without end", with([](event& e) { e.by.assign(100'000, 'x'); })},
      {"a status of the future", with([](reservation& r) { r.status = static_cast<reservation_status>(7); })},
      {"a reservation without number", with([](reservation& r) { r.number = {}; })},
      {"a stay of no nights", with([](reservation& r) { r.stay.check_out = r.stay.check_in; })},
      {"a stay the wrong way round", with([](reservation& r) { std::swap(r.stay.check_in, r.stay.check_out); })},
      {"a stay of 91 nights", with([](reservation& r) { r.stay.check_out = r.stay.check_in + 91; })},
      {"a date before 1970", with([](reservation& r) { r.stay.check_in = {-1}; })},
      {"a date after 9999", with([](reservation& r) { r.stay = {{2'932'896}, {2'932'898}}; })},
      {"a price too few", with([](reservation& r) { r.items[0].night_prices.pop_back(); })},
      {"a price below nothing", with([](reservation& r) { r.items[0].night_prices[0] = -1; })},
      {"a price above all bounds",
       with([](reservation& r) { r.items[0].night_prices[0] = limits::price_minor_max + 1; })},
      {"no items", with([](reservation& r) { r.items.clear(); })},
      {"eleven items", with([](reservation& r) {
         while (r.items.size() < 11) r.items.push_back(r.items[0]);
       })},
      {"an item without rooms", with([](reservation& r) { r.items[0].rooms = 0; })},
      {"rooms below nothing", with([](reservation& r) { r.items[0].rooms = -1; })},
      {"a room type without number", with([](reservation& r) { r.items[0].type = {}; })},
      {"more room numbers than rooms", with([](reservation& r) { r.room_numbers = {"1", "2"}; })},
      {"a currency of small letters", with([](reservation& r) { r.priced_in = {{'e', 'u', 'r'}}; })},
  };
}

TEST(CommitCodec, RefusesWhatItDoesNotUnderstand) {
  for (const auto& r : refusals()) {
    const auto read = decode_commit(r.payload, r.first, r.last);
    EXPECT_FALSE(read.has_value()) << r.what;
    EXPECT_FALSE(!read && read.error().empty()) << r.what;
  }
}

TEST(CommitCodec, SaysWhichEventIsWrongAndWhy) {
  const auto read = decode_commit(encoded({changed([](reservation& r) { r.items.clear(); })}), 9, 9);
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error(), HasSubstr("event 9: no or too many items"));
}

/// Every message in `m`, itself first.
void collect(google::protobuf::Message& m, std::vector<google::protobuf::Message*>& all) {
  all.push_back(&m);
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  m.GetReflection()->ListFields(m, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const auto& r = *m.GetReflection();
    if (!field->is_repeated()) collect(*r.MutableMessage(&m, field), all);
    for (int i = 0; field->is_repeated() && i < r.FieldSize(m, field); ++i)
      collect(*r.MutableRepeatedMessage(&m, field, i), all);
  }
}

// Goal: a field of the future is found wherever in a commit it stands.
RC_GTEST_PROP(CommitCodec, RefusesUnknownFieldsAtEveryLevel, ()) {
  const auto events = any_events();
  pb::Commit message;
  RC_ASSERT(message.ParseFromString(encoded(events)));
  RC_ASSERT(decode_commit(message.SerializeAsString(), events.front().seq, events.back().seq).has_value());
  std::vector<google::protobuf::Message*> all;
  collect(message, all);
  for (auto* m : all) {
    auto* unknown = m->GetReflection()->MutableUnknownFields(m);
    unknown->AddVarint(60, 1);
    RC_ASSERT(!decode_commit(message.SerializeAsString(), events.front().seq, events.back().seq).has_value());
    unknown->Clear();
  }
}

RC_GTEST_PROP(ReservationBody, ReadsWhatItWrote, ()) {
  const auto r = any_reservation(any_in<std::uint64_t>(1, 1'000'000));
  const auto read = decode_reservation(encode_reservation(r));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == r);
}

RC_GTEST_PROP(ProfileBody, ReadsWhatItWrote, ()) {
  const auto p = any_hotel_profile();
  const auto read = decode_profile(encode_profile(p));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == p);
}

}  // namespace
}  // namespace keyrack::persistence
