// The description of the API: the parts in gateway/openapi, put together once. Written by hand, so that it says what a table
// of routes cannot; tests hold it to the routes, to a linter's rules, and to what a node really answers.
#pragma once

#include <span>
#include <string_view>

namespace keyrack::gateway {

/// A file of gateway/openapi, compiled in.
struct openapi_part {
  std::string_view name;
  std::string_view text;
};
std::span<const openapi_part> openapi_parts();

/// OpenAPI 3.1, as JSON.
std::string_view openapi_document();

/// A page that shows the document. It carries its own style and script, and loads nothing but the document itself.
std::string_view docs_page();

}  // namespace keyrack::gateway
