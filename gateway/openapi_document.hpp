// What /openapi.json and /docs answer.
#pragma once

#include <string_view>

namespace keyrack::gateway {

/// OpenAPI 3.1, JSON.
std::string_view openapi_document();
/// HTML that reads /openapi.json and needs nothing from elsewhere.
std::string_view docs_page();

}  // namespace keyrack::gateway
