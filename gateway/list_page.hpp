// Lists: limit, cursor, next page. A cursor is opaque to clients: the position behind which a page begins, bound to the list
// and filters that it came from. It is no secret and proves nothing; it only tells apart what would give wrong pages.
#pragma once

#include "gateway/exchange.hpp"
#include "gateway/json_writer.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace keyrack::gateway {

/// `scope` is what the cursor belongs to.
std::string make_cursor(std::string_view scope, std::string_view position);
/// The position; nothing when the text is not a cursor of that scope.
std::optional<std::string> read_cursor(std::string_view scope, std::string_view cursor);

struct list_request {
  int limit = 20;
  std::optional<std::string> position;  ///< as it was given to `finish_list`
};

/// Reads `limit` and `cursor`; on a fault the exchange is failed.
std::optional<list_request> read_list(exchange& x);

/// The cursor's position did not mean anything to the list after all.
void fail_cursor(exchange& x);

/// Writes `"next_cursor":…` (null when there is no next page) and adds the Link field.
void finish_list(exchange& x, json_writer& json, const std::optional<std::string>& next_position);

/// A whole number as a position.
std::optional<std::uint64_t> number_of(std::string_view position);

}  // namespace keyrack::gateway
