// Goal: the small parts that conventions rest on: keys and ids, entity tags, negotiation, cursors, query strings, proxies.
#include "gateway/digest.hpp"
#include "gateway/entity_tag.hpp"
#include "gateway/known_guests.hpp"
#include "gateway/list_page.hpp"
#include "gateway/negotiation.hpp"
#include "gateway/query_string.hpp"
#include "gateway/trusted_proxies.hpp"

#include <gtest/gtest.h>

#include <set>

namespace keyrack::gateway {
namespace {

TEST(Keys, AreTheUuidItselfOrAHashOfTheText) {
  const auto uuid = key_of_text("2f6c0a4e-0000-4000-8000-00000000000A");
  EXPECT_EQ(uuid, (request_key{0x2f6c0a4e00004000, 0x800000000000000a}));
  EXPECT_EQ(key_of_text("2F6C0A4E-0000-4000-8000-00000000000a"), uuid);
  // SHA-256("abc"), FIPS 180-2, appendix B.1.
  EXPECT_EQ(key_of_text("abc"), (request_key{0xba7816bf8f01cfea, 0x414140de5dae2223}));
}

// These recipes are for ever: ids made with them are in journals and in clients' hands.
TEST(Keys, MakeTheSameHotelAndGuestForEver) {
  const request_key key{1, 2};
  EXPECT_EQ(hotel_of(key).value >> 60, 0);
  EXPECT_EQ(to_text(hotel_of(key)), to_text(hotel_of(key)));
  EXPECT_NE(hotel_of(key), hotel_of({2, 1}));
  EXPECT_NE(guest_of({1}, key), guest_of({2}, key));
  EXPECT_NE(guest_of({1}, key), guest_of({1}, {2, 1}));
  EXPECT_EQ(guest_of({1}, key).high >> 60, 0);
  EXPECT_EQ(guest_of({1}, key).low >> 60, 0);
}

TEST(Keys, DrawnByTheServerAreUuidsAndDiffer) {
  std::set<request_key> seen;
  for (int i = 0; i < 2'000; ++i) {
    const auto key = random_key();
    EXPECT_EQ(to_uuid_text(key)[14], '4');
    EXPECT_NE(std::string_view{"89ab"}.find(to_uuid_text(key)[19]), std::string_view::npos);
    seen.insert(key);
  }
  EXPECT_EQ(seen.size(), 2'000);
}

using version = std::optional<std::optional<std::uint64_t>>;

TEST(EntityTag, IfMatchIsOneStrongTag) {
  EXPECT_EQ(read_if_match_field("\"17\""), version{std::optional<std::uint64_t>{17}});
  EXPECT_EQ(read_if_match_field("\"17-gzip\""), version{std::optional<std::uint64_t>{17}});
  EXPECT_EQ(read_if_match_field("*"), version{std::optional<std::uint64_t>{}});
  EXPECT_EQ(read_if_match_field("W/\"17\""), version{std::optional<std::uint64_t>{0}})
      << "a weak tag never matches strongly";
  EXPECT_EQ(read_if_match_field("\"abc\""), version{std::optional<std::uint64_t>{0}});
  EXPECT_EQ(read_if_match_field("\"017\""), version{std::optional<std::uint64_t>{0}}) << "no spelling of ours";
  for (const auto* bad : {"", "17", "\"17", "17\"", "\"1\", \"2\"", "\"1\" x", "w/\"1\""}) {
    EXPECT_EQ(read_if_match_field(bad), version{}) << bad;
  }
}

TEST(EntityTag, IfNoneMatchIsAListComparedWeakly) {
  EXPECT_TRUE(matches_version("\"17\"", 17));
  EXPECT_TRUE(matches_version("W/\"17\"", 17));
  EXPECT_TRUE(matches_version("\"1\", \"17-gzip\"", 17));
  EXPECT_TRUE(matches_version("*", 17));
  EXPECT_FALSE(matches_version("\"16\", \"18\"", 17));
  EXPECT_FALSE(matches_version("17", 17));
  EXPECT_FALSE(matches_version("\"017\"", 17));
  EXPECT_FALSE(matches_version("", 17));
}

TEST(Negotiation, TakesJsonWhereTheMostSpecificRangeAdmitsIt) {
  for (const auto* good : {"*/*", "application/json", "application/*", "text/html, application/json;q=0.5",
                           "text/html,*/*;q=0.1", "Application/JSON", "application/json; charset=utf-8"}) {
    EXPECT_TRUE(accepts_json(good, true)) << good;
  }
  for (const auto* bad :
       {"text/html", "", "application/json;q=0", "*/*, application/json;q=0.0", "application/xml", "image/*"}) {
    EXPECT_FALSE(accepts_json(bad, true)) << bad;
  }
  EXPECT_TRUE(accepts_json("", false));
}

TEST(Negotiation, CompressesOnlyForThoseWhoAsk) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, gzip;q=0.5"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0, *"));
  EXPECT_FALSE(accepts_gzip("br"));
}

TEST(Negotiation, KnowsJsonByItsMediaType) {
  EXPECT_TRUE(is_json("application/json"));
  EXPECT_TRUE(is_json("APPLICATION/JSON ; charset=UTF-8"));
  EXPECT_FALSE(is_json("application/json5"));
  EXPECT_FALSE(is_json("text/json"));
  EXPECT_TRUE(is_merge_patch("application/merge-patch+json"));
  EXPECT_FALSE(is_json("application/merge-patch+json"));
}

TEST(Cursor, ComesBackOnlyInItsOwnScope) {
  for (const std::string position : {"", "a", "ab", "abc", "2027-06-04 7k2m9qx4vd1h-0003f8", "Zürich 😀"}) {
    const auto cursor = make_cursor("list x", position);
    EXPECT_EQ(cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_EQ(read_cursor("list x", cursor), position);
    EXPECT_FALSE(read_cursor("list y", cursor));
  }
}

TEST(Cursor, RefusesEveryOtherText) {
  const auto cursor = make_cursor("list", "position");
  EXPECT_FALSE(read_cursor("list", ""));
  EXPECT_FALSE(read_cursor("list", "A"));
  EXPECT_FALSE(read_cursor("list", "!!!!"));
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    auto other = cursor;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(read_cursor("list", other)) << i;
    EXPECT_FALSE(read_cursor("list", cursor.substr(0, i))) << i;
  }
  EXPECT_FALSE(read_cursor("list", cursor + "A"));
}

std::string faults_of(const query_parameters& q) {
  std::string out;
  for (const auto& f : q.faults()) out += f.pointer + ":" + std::string{f.code} + " ";
  return out;
}

TEST(Query, TakesOnlyNamedParametersOnceAndWellFormed) {
  EXPECT_EQ(faults_of({"a=1&b=2", "a b"}), "");
  EXPECT_EQ(faults_of({"", "a"}), "");
  EXPECT_EQ(faults_of({"a=1&c=2", "a b"}), "?c:unknown_parameter ");
  EXPECT_EQ(faults_of({"A=1", "a"}), "?A:unknown_parameter ");
  EXPECT_EQ(faults_of({"a=1&a=1", "a"}), "?a:repeated ");
  EXPECT_EQ(faults_of({"a=", "a"}), "?a:empty ");
  EXPECT_EQ(faults_of({"a", "a"}), "?a:empty ");
  EXPECT_EQ(faults_of({"a=%4", "a"}), "?a:malformed ");
  EXPECT_EQ(faults_of({"a=%zz", "a"}), "?a:malformed ");
  EXPECT_EQ(faults_of({"a=%00", "a"}), "?a:malformed ");
  EXPECT_EQ(faults_of({"&", "a"}), "?:unknown_parameter ");
  EXPECT_EQ(faults_of({"a=1&&a=2", "a"}), "?:unknown_parameter ?a:repeated ");
}

TEST(Query, DecodesAndBounds) {
  query_parameters q{"name=J%C3%BCrg+M&n=12&day=2027-06-04", "name n day"};
  EXPECT_EQ(q.text("name"), "Jürg M");
  EXPECT_EQ(q.number("n", 1, 100), 12);
  EXPECT_EQ(q.day("day"), parse_date("2027-06-04"));
  EXPECT_EQ(q.number("absent", 1, 100), std::nullopt);
  EXPECT_EQ(faults_of(q), "");
  for (const auto* bad : {"0", "101", "1.5", "+1", "x", "99999999999999999999"}) {
    query_parameters wrong{std::string{"n="} + bad, "n"};
    EXPECT_EQ(wrong.number("n", 1, 100), std::nullopt);
    EXPECT_EQ(faults_of(wrong), "?n:number ") << bad;
  }
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "x" + std::to_string(i) + "=1&";
  EXPECT_LE(query_parameters(many, "a").faults().size(), 40);
}

TEST(Query, NamesWhatIsMissingOnce) {
  query_parameters q{"a=", "a b"};
  q.need("a");
  q.need("b");
  EXPECT_EQ(faults_of(q), "?a:empty ?b:required ");
}

boost::asio::ip::address address(const char* text) { return boost::asio::ip::make_address(text); }

TEST(TrustedProxies, SpeakForTheirClientsAndNobodyElseDoes) {
  const auto proxies = trusted_proxies::parse({"10.0.0.0/8", "fd00::/8", "192.0.2.1"}).value();
  EXPECT_EQ(proxies.client(address("203.0.113.9"), "1.2.3.4", ""), "203.0.113.9");
  EXPECT_EQ(proxies.client(address("10.1.2.3"), "1.2.3.4", ""), "1.2.3.4");
  EXPECT_EQ(proxies.client(address("10.1.2.3"), "6.6.6.6, 1.2.3.4, 192.0.2.1", ""), "1.2.3.4")
      << "what stands before is the client's own word";
  EXPECT_EQ(proxies.client(address("fd00::1"), "", "for=6.6.6.6, for=\"[2001:db8::7]:4711\";by=10.0.0.1"),
            "2001:db8::7");
  EXPECT_EQ(proxies.client(address("10.1.2.3"), "nonsense", ""), "10.1.2.3");
  EXPECT_EQ(proxies.client(address("192.0.2.2"), "1.2.3.4", ""), "192.0.2.2");
}

TEST(TrustedProxies, RefuseWhatIsNoNetwork) {
  for (const std::string bad : {"x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::/129", "10.0.0/8", ""}) {
    EXPECT_FALSE(trusted_proxies::parse({bad}).has_value()) << bad;
  }
}

TEST(KnownGuests, KeepsTheLatestAndForgetsTheRest) {
  known_guests guests{10};
  for (std::uint64_t i = 0; i < 100; ++i) guests.add({0, i});
  for (std::uint64_t i = 90; i < 100; ++i) EXPECT_TRUE(guests.contains({0, i})) << i;
  EXPECT_FALSE(guests.contains({0, 1}));
}

}  // namespace
}  // namespace keyrack::gateway
