// Everything that can go wrong, as RFC 9457 problem+json. Owns the table of codes, statuses and titles: the one list.
#pragma once

#include "actors/domain/errc.hpp"
#include "actors/envelope.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::gateway {

struct reply;
class json_writer;

/// Faults of HTTP itself, which the domain does not know. Continues the list of `errc`.
enum class http_fault : std::uint8_t {
  request_invalid,         ///< 400, framing and fields
  query_invalid,           ///< 400
  not_found,               ///< 404
  method_not_allowed,      ///< 405
  not_acceptable,          ///< 406
  request_timeout,         ///< 408
  body_too_large,          ///< 413
  media_type_unsupported,  ///< 415
  expectation_failed,      ///< 417
  head_too_large,          ///< 431
  internal_error,          ///< 500
};

struct problem_kind {
  std::string_view code;
  unsigned status;
  std::string_view title;
};
const problem_kind& kind_of(errc code);
const problem_kind& kind_of(http_fault fault);
/// All codes that an answer can carry, for the document that describes them.
std::vector<problem_kind> all_problem_kinds();

/// One thing that is wrong with a request. The pointer is a JSON pointer (RFC 6901) into the body, `?name` for a parameter
/// of the query, or the name of a header field.
struct fault {
  std::string pointer;
  std::string_view code;  ///< a literal
  std::string detail;
};

struct problem {
  problem_kind kind;
  std::string detail;
  outcome applied = outcome::not_applied;
  std::span<const fault> faults;
  std::span<const reason> reasons;
};
inline problem problem_of(errc code, std::string detail) {
  return {.kind = kind_of(code), .detail = std::move(detail)};
}
inline problem problem_of(http_fault fault, std::string detail) {
  return {.kind = kind_of(fault), .detail = std::move(detail)};
}

/// One reason as an object, for problems and for availability.
void write_reason(json_writer& json, const reason& r);

/// Turns `to` into the problem. `instance` is the request's path. 429 and 503 get `Retry-After`.
void write_problem(reply& to, const problem& what, std::string_view request_id, std::string_view instance,
                   std::chrono::seconds retry_after);

}  // namespace keyrack::gateway
