// Goal: what one node says to another about a hotel arrives as it was said, whole.
#include "tests/cluster/wire/arbitrary_envelopes.hpp"
#include "tests/cluster/wire/wire_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace keyrack::cluster {
namespace {

using namespace keyrack::testing;
using namespace std::chrono_literals;

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

}  // namespace
}  // namespace keyrack::cluster
