// The description of the API, for programs and for people.
#include "gateway/openapi_document.hpp"
#include "gateway/routes/handlers.hpp"

namespace keyrack::gateway::routes {

task<> openapi(exchange& x) {
  x.answer.cache_control = "public, max-age=300";
  x.answer.body = openapi_document();
  co_return;
}

task<> docs(exchange& x) {
  x.answer.cache_control = "public, max-age=300";
  x.answer.content_type = "text/html; charset=utf-8";
  // The page carries its own style and script, and loads nothing.
  x.answer.field("Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'");
  x.answer.body = docs_page();
  co_return;
}

}  // namespace keyrack::gateway::routes
