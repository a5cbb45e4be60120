// Malformed requests of operators.
#include "tests/gateway/malformed_requests.hpp"

namespace keyrack::testing {

void clusters(malformed_requests& to) {
  const std::string node = "/v1/cluster/nodes/node-1";
  const std::string shard = "/v1/cluster/shards/7";
  const auto weight = [&](std::string body, std::string errors) {
    return malformed{"PUT", node + "/weight", std::move(body), 422, "body_invalid", std::move(errors)};
  };
  const auto moves = [&](std::string body, std::string errors) {
    return malformed{"POST", shard + "/move", std::move(body), 422, "body_invalid", std::move(errors)};
  };
  to.add({
      {"GET", "/v1/cluster/", "", 404, "not_found"},
      {"GET", "/v1/cluster/nodes", "", 404, "not_found"},
      {"GET", "/v1/cluster/shards/7", "", 404, "not_found"},
      {"GET", "/v1/cluster/hotels/7k2m9qx4vd1", "", 404, "hotel_unknown"},
      {"POST", "/v1/cluster/nodes//drain", "", 404, "node_unknown"},
      {"POST", "/v1/cluster/nodes/Node-1/drain", "", 404, "node_unknown"},
      {"POST", "/v1/cluster/nodes/node_1/resume", "", 404, "node_unknown"},
      {"POST", "/v1/cluster/nodes/%6eode-1/drain", "", 404, "node_unknown"},
      {"POST", "/v1/cluster/nodes/" + std::string(64, 'n') + "/drain", "", 404, "node_unknown"},
      {"PUT", "/v1/cluster/shards/1024/pin", R"({"node":"node-1"})", 404, "shard_unknown"},
      {"PUT", "/v1/cluster/shards/-1/pin", R"({"node":"node-1"})", 404, "shard_unknown"},
      {"PUT", "/v1/cluster/shards/seven/pin", R"({"node":"node-1"})", 404, "shard_unknown"},
      {"DELETE", "/v1/cluster/shards/65536/pin", "", 404, "shard_unknown"},
      {"POST", "/v1/cluster/shards/7.0/move", R"({"node":"node-1"})", 404, "shard_unknown"},
      {"POST", "/v1/cluster/shards//move", R"({"node":"node-1"})", 404, "shard_unknown"},
      {"POST", "/v1/cluster", "", 405, "method_not_allowed"},
      {"GET", node + "/drain", "", 405, "method_not_allowed"},
      {"POST", node + "/weight", R"({"weight":1})", 405, "method_not_allowed"},
      {"POST", shard + "/pin", R"({"node":"node-1"})", 405, "method_not_allowed"},
      {"GET", "/v1/cluster/rebalance", "", 405, "method_not_allowed"},
      {"DELETE", "/v1/cluster/moves", "", 405, "method_not_allowed"},
      {"GET", "/v1/cluster", "", 406, "not_acceptable", "", "Accept: text/html\r\n"},
      {"PUT", node + "/weight", R"({"weight":1})", 415, "media_type_unsupported", "", "Content-Type: text/plain\r\n"},
      {"POST", node + "/drain", "{}", 415, "media_type_unsupported", "", "Content-Type: text/plain\r\n"},
      {"PUT", node + "/weight", "", 400, "json_invalid"},
      {"POST", node + "/drain", "{", 400, "json_invalid"},
      {"DELETE", shard + "/pin", "{}", 400, "request_invalid"},
      {"POST", node + "/drain", R"({"force":true})", 422, "body_invalid", "/force:unknown_field"},
      {"POST", "/v1/cluster/rebalance", R"({"dry_run":true})", 422, "body_invalid", "/dry_run:unknown_field"},
      {"POST", "/v1/cluster/rebalance?dry_run=yes", "", 400, "query_invalid", "?dry_run:value"},
      {"POST", "/v1/cluster/rebalance?dry_run=", "", 400, "query_invalid", "?dry_run:empty"},
      {"POST", "/v1/cluster/rebalance?dryrun=true", "", 400, "query_invalid", "?dryrun:unknown_parameter"},
      {"POST", node + "/drain?wait=1", "", 400, "query_invalid", "?wait:unknown_parameter"},
      {"GET", "/v1/cluster/moves?limit=0", "", 400, "query_invalid", "?limit:number"},
      {"GET", "/v1/cluster/moves?cursor=abc", "", 400, "cursor_invalid", "?cursor:cursor"},
      {"POST", node + "/drain", "", 400, "request_invalid", "Idempotency-Key:format", "Idempotency-Key: a b\r\n"},
      {"POST", node + "/resume", "", 412, "version_conflict", "", "If-Match: \"7\"\r\n"},
      weight("{}", "/weight:required"),
      weight(R"({"weight":-1})", "/weight:range"),
      weight(R"({"weight":10001})", "/weight:range"),
      weight(R"({"weight":"100"})", "/weight:type"),
      weight(R"({"weight":1.5,"drained":true})", "/weight:type /drained:unknown_field"),
      moves("{}", "/node:required"),
      moves(R"({"node":""})", "/node:empty"),
      moves(R"({"node":7})", "/node:type"),
      moves(R"({"node":")" + std::string(64, 'n') + "\"}", "/node:too_long"),
      moves(R"({"node":"node-2","force":true})", "/force:unknown_field"),
  });
}

}  // namespace keyrack::testing
