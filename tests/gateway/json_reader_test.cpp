// Goal: a body is read within bounds, all that is wrong with it is found at once, and its canonical form and the text of a
// field do not depend on how it was written.
#include "gateway/json_array.hpp"
#include "gateway/json_reader.hpp"
#include "gateway/json_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace keyrack::gateway {
namespace {

bool parses(std::string_view text, int depth = 32) { return json_document::parse(text, depth).has_value(); }

std::string canonical(std::string_view text, std::string_view without = "") {
  const auto read = json_document::parse(text, 32);
  EXPECT_TRUE(read.has_value()) << text;
  std::string out;
  append_canonical(out, read->root(), without);
  return out;
}

TEST(JsonDocument, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"",      " ",   "{",      "}",   "{\"a\":1,}", "[1,]",  "{a:1}",          "{'a':1}",     "nul",      "01",
        "1.",    ".5",  "1e",     "+1",  "--1",        "\"a",   "\"\\x\"",        "\"\\ud800\"", "\"\x80\"", "\"a\nb\"",
        "{} {}", "{}x", "/**/{}", "NaN", "Infinity",   "1e999", "\xef\xbb\xbf{}", "[1 2]",       "{\"a\" 1}"}) {
    EXPECT_FALSE(parses(text)) << text;
  }
}

TEST(JsonDocument, RefusesAFieldThatStandsTwiceAtAnyDepth) {
  EXPECT_FALSE(parses(R"({"a":1,"a":1})"));
  EXPECT_FALSE(parses(R"({"b":[{"a":1,"\u0061":2}]})"));
  EXPECT_TRUE(parses(R"({"a":{"a":1},"b":{"a":1}})"));
}

TEST(JsonDocument, BoundsDepthAndSize) {
  const auto nested = [](int n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(parses(nested(32)));
  EXPECT_FALSE(parses(nested(33)));
  EXPECT_FALSE(parses(nested(1'000)));
  EXPECT_FALSE(parses(std::string(100'000, '[')));
  std::string many = "[0";
  for (int i = 0; i < 2'000'000; ++i) many += ",0";
  EXPECT_FALSE(parses(many + "]"));
}

TEST(JsonDocument, SeveralLiveBesideEachOther) {
  const auto first = json_document::parse(R"({"a":"one"})", 32);
  const auto second = json_document::parse(R"({"a":"two"})", 32);
  std::string out;
  append_json(out, first->root());
  append_json(out, second->root());
  EXPECT_EQ(out, R"({"a":"one"}{"a":"two"})");
}

// A place on the map must not creep when its hotel is patched: what is written is read as the same number.
TEST(JsonDocument, ReadsTheNumberThatIsNearest) {
  for (const auto& [text, meant] : {std::pair{"18446744184467440173709551615", 18446744184467440173709551615.0},
                                    {"47.16617263157893", 47.16617263157893},
                                    {"8.9e-5", 8.9e-5},
                                    {"1.7976931348623157E+308", 1.7976931348623157E+308},
                                    {"4.9e-324", 4.9e-324}}) {
    const auto read = json_document::parse(text, 32);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(read->root().to_number<double>(), meant) << text;
  }
}

TEST(JsonCanonical, DependsOnContentAndNotOnOrderOrWhiteSpace) {
  EXPECT_EQ(canonical(R"({"a":1,"b":[true,null,"x"]})"),
            canonical(" { \"b\" : [ true , null , \"\\u0078\" ] , \"a\" : 1 } "));
  EXPECT_NE(canonical(R"({"a":1})"), canonical(R"({"a":2})"));
  EXPECT_NE(canonical(R"({"a":1})"), canonical(R"({"a":"1"})"));
  EXPECT_NE(canonical(R"({"a":1})"), canonical(R"({})")) << "absent is not the same as default";
  EXPECT_NE(canonical(R"({"a":null})"), canonical(R"({})"));
  EXPECT_NE(canonical(R"([1,2])"), canonical(R"([2,1])"));
  EXPECT_NE(canonical(R"(["ab","c"])"), canonical(R"(["a","bc"])"));
  EXPECT_NE(canonical(R"([[1],2])"), canonical(R"([[1,2]])"));
}

TEST(JsonCanonical, LeavesOutNamedFieldsOfTheOutermostObjectOnly) {
  const auto without = "guest notes";
  EXPECT_EQ(canonical(R"({"a":1,"guest":{"name":"Ada"},"notes":"x"})", without), canonical(R"({"a":1})"));
  EXPECT_NE(canonical(R"({"a":{"guest":1}})", without), canonical(R"({"a":{}})"));
  EXPECT_NE(canonical(R"({"note":1})", without), canonical(R"({})"));
  EXPECT_NE(canonical(R"({"guest_id":1})", without), canonical(R"({})"));
}

TEST(JsonRawField, IsTheTextAsItWasSent) {
  EXPECT_EQ(raw_field(R"({"a":"}","attributes": {"x" : 1.50, "y":[ 1e2 ]} ,"b":1})", "attributes"),
            R"({"x" : 1.50, "y":[ 1e2 ]})");
  EXPECT_EQ(raw_field(R"({"x":"attributes","attributes":"a\"}b"})", "attributes"), R"("a\"}b")");
  EXPECT_EQ(raw_field(R"({"x":{"attributes":1}})", "attributes"), "");
  EXPECT_EQ(raw_field(R"([{"attributes":1}])", "attributes"), "");
  EXPECT_EQ(raw_field(R"({"attributes":[]})", "attributes"), "[]");
}

class Reader : public ::testing::Test {
protected:
  template <typename Read>
  std::string faults_of(std::string_view text, Read read) {
    const auto body = json_document::parse(text, 32);
    EXPECT_TRUE(body.has_value()) << text;
    const json_place root;
    fault_list faults;
    object_reader in{body->root(), root, faults};
    read(in, faults);
    in.finish();
    std::string out;
    for (const auto& f : faults.all()) out += f.pointer + ":" + std::string{f.code} + " ";
    return out;
  }
};

TEST_F(Reader, CollectsEveryFaultWithItsPointer) {
  const auto found =
      faults_of(R"({"name":7,"count":99,"day":"2027-02-30","extra":1,"a/b~c":2})", [](object_reader& in, fault_list&) {
        in.text("name", need::required, {});
        in.number("count", need::required, {1, 10});
        in.day("day", need::required);
        in.flag("open", false);
        in.text("missing", need::required, {});
      });
  EXPECT_EQ(found, "/name:type /count:range /day:date /missing:required /extra:unknown_field /a~1b~0c:unknown_field ");
}

TEST_F(Reader, FindsFaultsInsideArraysAndObjects) {
  const auto found =
      faults_of(R"({"items":[{"n":1},{"n":"x"},5,{"n":1,"m":2}]})", [](object_reader& in, fault_list& faults) {
        in.array("items", need::required, 1, 10, [&](const boost::json::value& value, const json_place& place) {
          object_reader item{value, place, faults};
          item.number("n", need::required, {0, 9});
          item.finish();
        });
      });
  EXPECT_EQ(found, "/items/1/n:type /items/2:type /items/3/m:unknown_field ");
}

TEST_F(Reader, ReadsMoneyOnlyAsAnExactDecimalOfItsCurrency) {
  const auto fault = [&](const std::string& price) {
    return faults_of(R"({"price":)" + price + "}",
                     [](object_reader& in, fault_list&) { in.price("price", need::required); });
  };
  EXPECT_EQ(fault(R"({"amount":"412.50","currency":"EUR"})"), "");
  EXPECT_EQ(fault(R"({"amount":"412","currency":"JPY"})"), "");
  EXPECT_EQ(fault(R"({"amount":412.5,"currency":"EUR"})"), "/price/amount:type ");
  for (const std::string amount :
       {"1e9", "-0.001", "-1", "+1", "1.234", ".5", "5.", "", " 1", "1 ", "0x1", "1,00", "99999999999999999999"}) {
    EXPECT_EQ(fault(R"({"amount":")" + amount + R"(","currency":"EUR"})"), "/price/amount:amount ") << amount;
  }
  EXPECT_EQ(fault(R"({"amount":"1.0","currency":"JPY"})"), "/price/amount:amount ");
  EXPECT_EQ(fault(R"({"amount":"1.00","currency":"XXQ"})"), "/price/currency:currency ");
  EXPECT_EQ(fault(R"({"amount":"1.00","currency":"eur"})"), "/price/currency:currency ");
  EXPECT_EQ(fault(R"({"currency":"EUR"})"), "/price/amount:required ");
  EXPECT_EQ(fault(R"("1.00 EUR")"), "/price:type ");
}

TEST_F(Reader, BoundsTextsAndRefusesControlCharacters) {
  const auto fault = [&](const std::string& text, text_rule rule = {.bytes_max = 8}) {
    return faults_of(R"({"t":")" + text + "\"}",
                     [rule](object_reader& in, fault_list&) { in.text("t", need::required, rule); });
  };
  EXPECT_EQ(fault("quote\\\""), "");
  EXPECT_EQ(fault("😀😀"), "");
  EXPECT_EQ(fault(""), "/t:empty ");
  EXPECT_EQ(fault("", {.bytes_max = 8, .may_be_empty = true}), "");
  EXPECT_EQ(fault("123456789"), "/t:too_long ");
  EXPECT_EQ(fault("a\\u0000b"), "/t:characters ");
  EXPECT_EQ(fault("a\\nb"), "/t:characters ");
  EXPECT_EQ(fault("a\\nb", {.bytes_max = 8, .lines = true}), "");
  EXPECT_EQ(fault("a\\u0007", {.bytes_max = 8, .lines = true}), "/t:characters ");
}

TEST_F(Reader, NamesAtMostAHundredFaultsAndShortensTheirPointers) {
  std::string body = "{";
  for (int i = 0; i < 1'000; ++i) body += (i > 0 ? ",\"" : "\"") + std::to_string(i) + std::string(300, 'x') + "\":1";
  const auto parsed = json_document::parse(body + "}", 32);
  const json_place root;
  fault_list faults;
  object_reader{parsed->root(), root, faults}.finish();
  EXPECT_EQ(faults.all().size(), 100);
  EXPECT_LE(faults.all().front().pointer.size(), 200);
}

TEST(JsonWriter, EscapesWhatMustBeAndNothingElse) {
  std::string out;
  json_writer json{out};
  json.begin_object().field("t", std::string{"a\"b\\c\n\t\x01\x7f é😀"}).field("n", -5).field("b", true);
  json.name("d").value(date{20'939}).name("f").value(47.3717).name("e").begin_array().end_array().end_object();
  EXPECT_EQ(out, "{\"t\":\"a\\\"b\\\\c\\n\\t\\u0001\\u007f "
                 "é😀\",\"n\":-5,\"b\":true,\"d\":\"2027-05-01\",\"f\":47.3717,\"e\":[]}");
}

}  // namespace
}  // namespace keyrack::gateway
