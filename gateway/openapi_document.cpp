// The parts are JSON objects: their insides are joined as text, so that the document reads as it was written.
#include "gateway/openapi_document.hpp"

#include "actors/domain/assert.hpp"

#include <string>

namespace keyrack::gateway {
namespace {

/// What stands between the outermost braces.
std::string_view inside(std::string_view object) {
  const auto from = object.find('{');
  const auto end = object.rfind('}');
  KEYRACK_ASSERT(from != std::string_view::npos && end > from);
  return object.substr(from + 1, end - from - 1);
}

/// One object of all parts whose names begin so.
std::string joined(std::string_view prefix) {
  std::string out;
  for (const auto& part : openapi_parts()) {
    if (!part.name.starts_with(prefix) || !part.name.ends_with(".json")) continue;
    out += out.empty() ? "{" : ",";
    out += inside(part.text);
  }
  KEYRACK_ASSERT(!out.empty());
  return out + "}";
}

std::string make_document() {
  auto out = "{" + std::string{inside(joined("document"))};
  out += R"(, "paths": )" + joined("paths_") + R"(, "components": {)";
  out += R"("schemas": )" + joined("schemas_");
  for (const std::string section : {"parameters", "headers", "responses"}) {
    out += ", \"" + section + "\": " + joined(section);
  }
  return out + "}}\n";
}

}  // namespace

std::string_view openapi_document() {
  static const auto document = make_document();
  return document;
}

std::string_view docs_page() {
  for (const auto& part : openapi_parts()) {
    if (part.name == "docs.html") return part.text;
  }
  return {};
}

}  // namespace keyrack::gateway
