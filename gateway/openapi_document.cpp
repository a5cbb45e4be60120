// Made from the table of routes, so that neither has what the other has not.
#include "gateway/openapi_document.hpp"

#include "gateway/json_writer.hpp"
#include "gateway/routing.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace keyrack::gateway {
namespace {

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

std::string make_document() {
  std::map<std::string_view, std::vector<const route*>> paths;
  for (const auto& r : route_table()) paths[r.pattern].push_back(&r);
  std::string out;
  json_writer json{out};
  json.begin_object().field("openapi", "3.1.0");
  json.name("info").begin_object().field("title", "Keyrack").field("version", "1").end_object();
  json.name("paths").begin_object();
  for (const auto& [path, operations] : paths) {
    json.name(path).begin_object();
    for (const auto* r : operations) {
      json.name(lower(method_name(r->method))).begin_object().field("operationId", r->operation);
      json.name("responses").begin_object().end_object().end_object();
    }
    json.end_object();
  }
  json.end_object().end_object();
  return out;
}

std::string make_page() {
  std::string out =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Keyrack API</title><h1>Keyrack API</h1><ul>";
  for (const auto& r : route_table()) out += "<li><code>" + route_label(&r) + "</code></li>";
  return out + "</ul></html>";
}

}  // namespace

std::string_view openapi_document() {
  static const auto document = make_document();
  return document;
}

std::string_view docs_page() {
  static const auto page = make_page();
  return page;
}

}  // namespace keyrack::gateway
