#include "gateway/cors.hpp"

#include <algorithm>

namespace keyrack::gateway {
namespace {

bool is_allowed(std::string_view origin, const gateway_settings& settings) {
  return !origin.empty() && std::ranges::any_of(settings.cors_origins, [origin](const std::string& allowed) {
    return allowed == "*" || allowed == origin;
  });
}

}  // namespace

void add_cors(reply& answer, const request_head& head, const gateway_settings& settings) {
  if (settings.cors_origins.empty()) return;
  answer.field("Vary", "Origin");
  const auto origin = head[http_field::origin];
  if (!is_allowed(origin, settings)) return;
  answer.field("Access-Control-Allow-Origin", origin);
  answer.field("Access-Control-Expose-Headers",
               "ETag, Location, Link, Request-Id, Idempotency-Key, Idempotent-Replayed, Keyrack-Sequence, Retry-After");
}

void answer_options(reply& answer, const request_head& head, const gateway_settings& settings,
                    std::string_view methods) {
  answer.status = 204;
  answer.no_body = true;
  answer.field("Allow", methods);
  if (!head.has(http_field::access_control_request_method) || !is_allowed(head[http_field::origin], settings)) return;
  answer.field("Access-Control-Allow-Methods", methods);
  answer.field("Access-Control-Allow-Headers",
               "Content-Type, Idempotency-Key, If-Match, If-None-Match, Request-Id, traceparent");
  answer.field("Access-Control-Max-Age", "600");
}

}  // namespace keyrack::gateway
