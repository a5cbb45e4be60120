// From a method and a path to a route. Owns the shape of the table and the matching; the routes themselves are in
// routes/table.cpp, and what they do in one file per resource.
#pragma once

#include "gateway/exchange.hpp"

#include <span>
#include <string>
#include <string_view>

namespace keyrack::gateway {

/// What a route takes as its body.
enum class body_kind : std::uint8_t { none, json, json_if_any, merge_patch };

struct route {
  http_method method;
  std::string_view pattern;    ///< `/v1/hotels/{hotel}`; ids in braces are read before the handler runs
  std::string_view operation;  ///< its name for ever: it is part of digests. The operationId of the document, too
  route_handler handle;
  body_kind takes = body_kind::none;
  std::string_view parameters = "";     ///< of the query, separated by spaces
  std::size_t body_bytes_max = 65'536;  ///< the setting bounds it further
  bool public_page = false;             ///< answers with something else than our JSON: no content negotiation
  bool probe = false;                   ///< asked all the time by machines: counted, and not logged
};

/// All routes. The one list: dispatch, the OpenAPI document and its test go by it.
std::span<const route> route_table();

/// `GET /v1/hotels/{hotel}`, or `none`: the label of metrics.
std::string route_label(const route* of);

/// The ids in `pattern`'s braces are these: hotel, room_type, reservation, guest, node, shard.
struct route_match {
  const route* found = nullptr;  ///< HEAD finds the route of GET
  std::string allow;             ///< when the path has other methods only: they, for the Allow field
  errc malformed{};              ///< which id of the path is not one, when `bad_id`
  bool bad_id = false;
};
route_match match_route(http_method method, std::string_view path, path_ids& ids);

/// The bound on the body of the route that the head asks for; small when there is none.
std::size_t body_bytes_max_of(const request_head& head);

/// Checks what can be checked before a handler runs, and runs it. Never throws.
task<> dispatch(exchange& x);

}  // namespace keyrack::gateway
