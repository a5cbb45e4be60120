// Goal: the document and the routes are the same API: neither has an operation, a parameter or a body that the other has not.
// The comparison is itself held to find each kind of difference.
#include "gateway/openapi_document.hpp"
#include "gateway/routing.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <utility>

namespace keyrack::gateway {
namespace {

namespace json = boost::json;
using names = std::set<std::string>;

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

names words(std::string_view text) {
  names out;
  while (!text.empty()) {
    const auto end = text.find(' ');
    out.emplace(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

names in_braces(std::string_view pattern) {
  names out;
  for (auto at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    out.emplace(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  }
  return out;
}

std::string listed(const names& all) {
  std::string out;
  for (const auto& name : all) out += name + " ";
  return out;
}

/// What a `$ref` points to; anything else is itself.
const json::value& resolved(const json::value& document, const json::value& what) {
  const auto* reference = what.is_object() ? what.as_object().if_contains("$ref") : nullptr;
  if (reference == nullptr) return what;
  return document.at_pointer(std::string{reference->as_string()}.substr(1));
}

names parameters_in(const json::value& document, const json::value& operation, std::string_view where) {
  names out;
  const auto* all = operation.as_object().if_contains("parameters");
  if (all == nullptr) return out;
  for (const auto& p : all->as_array()) {
    const auto& parameter = resolved(document, p);
    if (parameter.at("in").as_string() == json::string_view{where.data(), where.size()}) {
      out.emplace(parameter.at("name").as_string().c_str());
    }
  }
  return out;
}

std::string bodies_of(const json::value& operation) {
  const auto* body = operation.as_object().if_contains("requestBody");
  if (body == nullptr) return "none";
  names types;
  for (const auto& content : body->at("content").as_object()) types.emplace(std::string{content.key()});
  const auto* required = body->as_object().if_contains("required");
  return listed(types) + (required != nullptr && required->as_bool() ? "required" : "optional");
}

std::string bodies_of(body_kind kind) {
  switch (kind) {
  case body_kind::none: return "none";
  case body_kind::json: return "application/json required";
  case body_kind::json_if_any: return "application/json optional";
  case body_kind::merge_patch: return "application/json application/merge-patch+json required";
  }
  return {};
}

/// Operations as lines that say all that is compared.
names of_document(const json::value& document) {
  names out;
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      const auto& operation = method.value();
      out.insert(std::string{method.key()} + " " + std::string{path.key()} + " is " +
                 operation.at("operationId").as_string().c_str() +
                 ", path: " + listed(parameters_in(document, operation, "path")) +
                 ", query: " + listed(parameters_in(document, operation, "query")) + ", body: " + bodies_of(operation) +
                 (parameters_in(document, operation, "header").contains("Idempotency-Key") ? ", with a key" : ""));
    }
  }
  return out;
}

names of_routes() {
  names out;
  for (const auto& r : route_table()) {
    out.insert(lower(method_name(r.method)) + " " + std::string{r.pattern} + " is " + std::string{r.operation} +
               ", path: " + listed(in_braces(r.pattern)) + ", query: " + listed(words(r.parameters)) +
               ", body: " + bodies_of(r.takes) + (r.method == http_method::get ? "" : ", with a key"));
  }
  return out;
}

std::vector<std::string> differences(const json::value& document) {
  std::vector<std::string> out;
  std::ranges::set_symmetric_difference(of_document(document), of_routes(), std::back_inserter(out));
  return out;
}

json::value document() { return json::parse({openapi_document().data(), openapi_document().size()}); }

TEST(OpenApi, SaysWhatTheRoutesAre) {
  for (const auto& difference : differences(document())) ADD_FAILURE() << "on one side only: " << difference;
  EXPECT_EQ(of_routes().size(), route_table().size());
}

TEST(OpenApi, DifferencesOfEveryKindAreFound) {
  const auto changed = [](auto change) {
    auto other = document();
    change(other.at("paths").as_object());
    return differences(other).size();
  };
  const auto& hotels = "/v1/hotels";
  EXPECT_EQ(changed([](json::object& paths) { paths.erase("/readyz"); }), 1);
  EXPECT_EQ(changed([&](json::object& paths) { paths.at(hotels).as_object().erase("post"); }), 1);
  EXPECT_EQ(changed([&](json::object& paths) {
              json::value copy = paths.at(hotels);  // on its own: the insertion moves what it was taken from
              paths["/v1/nothing"] = std::move(copy);
            }),
            2);
  EXPECT_EQ(changed([&](json::object& paths) { paths.at(hotels).at("get").at("operationId") = "hotels"; }), 2);
  EXPECT_EQ(changed([&](json::object& paths) { paths.at(hotels).at("get").at("parameters").as_array().pop_back(); }),
            2);
  EXPECT_EQ(changed([&](json::object& paths) { paths.at(hotels).at("post").as_object().erase("requestBody"); }), 2);
  EXPECT_EQ(changed([&](json::object& paths) { paths.at(hotels).at("post").at("requestBody").at("required") = false; }),
            2);
  EXPECT_EQ(changed([&](json::object& paths) { paths.at(hotels).at("post").as_object().erase("parameters"); }), 2);
}

// Each operation shows what is sent and what comes back.
TEST(OpenApi, EveryOperationHasExamplesOfItsRequestAndItsAnswers) {
  const auto all = document();
  int examples = 0;
  for (const auto& path : all.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      const auto& operation = method.value().as_object();
      if (const auto* body = operation.if_contains("requestBody")) {
        for (const auto& content : body->at("content").as_object()) {
          EXPECT_TRUE(content.value().as_object().contains("example")) << path.key() << " " << method.key();
          ++examples;
        }
      }
      for (const auto& answer : operation.at("responses").as_object()) {
        const auto* content = resolved(all, answer.value()).as_object().if_contains("content");
        if (content == nullptr) continue;
        for (const auto& kind : content->as_object()) {
          EXPECT_TRUE(kind.value().as_object().contains("example"))
              << path.key() << " " << method.key() << answer.key();
          ++examples;
        }
      }
    }
  }
  EXPECT_GT(examples, 38);
}

TEST(OpenApi, ThePageLoadsNothingFromElsewhere) {
  const std::string page{docs_page()};
  ASSERT_NE(page.find("<title>Keyrack API</title>"), std::string::npos);
  for (const auto* elsewhere : {"http:", "https:", "src=", "@import", "url(", "//cdn", "<link"}) {
    EXPECT_EQ(page.find(elsewhere), std::string::npos) << elsewhere;
  }
  EXPECT_NE(page.find("fetch(\"/openapi.json\")"), std::string::npos);
}

}  // namespace
}  // namespace keyrack::gateway
