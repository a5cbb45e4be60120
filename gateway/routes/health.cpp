// Whether the node lives, whether it can do its work, and what it counts.
#include "gateway/json_writer.hpp"
#include "gateway/routes/handlers.hpp"

namespace keyrack::gateway::routes {

// That this is answered at all is the answer.
task<> healthz(exchange& x) {
  x.answer.body = R"({"status":"alive"})";
  co_return;
}

task<> readyz(exchange& x) {
  const auto now = x.use.ready();
  if (!now.ready) {
    x.answer.status = 503;
    x.answer.field("Retry-After", static_cast<std::uint64_t>(x.use.settings.retry_after.count()));
  }
  json_writer json{x.answer.body};
  json.begin_object().field("ready", now.ready).field("reasons", now.reasons).end_object();
  co_return;
}

task<> metrics(exchange& x) {
  x.answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  x.answer.body = x.use.metrics_text();
  co_return;
}

}  // namespace keyrack::gateway::routes
