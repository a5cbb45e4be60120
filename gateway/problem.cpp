#include "gateway/problem.hpp"

#include "gateway/json_writer.hpp"
#include "gateway/reply.hpp"

#include <array>
#include <utility>

namespace keyrack::gateway {
namespace {

// In the order of `errc`.
constexpr std::array errc_kinds{
    problem_kind{"key_reused", 422, "The request key was used for another request"},
    problem_kind{"hotel_unknown", 404, "There is no such hotel"},
    problem_kind{"room_type_unknown", 404, "The hotel has no such room type"},
    problem_kind{"reservation_unknown", 404, "There is no such reservation"},
    problem_kind{"wrong_status", 409, "The reservation's status does not allow it"},
    problem_kind{"version_conflict", 412, "The resource has changed since it was read"},
    problem_kind{"stay_invalid", 422, "The stay is not a stay"},
    problem_kind{"stay_in_past", 422, "The stay begins in the past"},
    problem_kind{"stay_too_far", 422, "The stay is beyond the calendar"},
    problem_kind{"too_many_guests", 422, "The rooms do not sleep so many guests"},
    problem_kind{"sold_out", 409, "Not enough rooms are free"},
    problem_kind{"closed", 409, "A night of the stay is closed"},
    problem_kind{"closed_to_arrival", 409, "No stay begins on that night"},
    problem_kind{"closed_to_departure", 409, "No stay ends on that date"},
    problem_kind{"min_stay", 409, "The stay is too short"},
    problem_kind{"max_stay", 409, "The stay is too long"},
    problem_kind{"hold_lapsed", 410, "The hold has lapsed"},
    problem_kind{"no_room_ready", 409, "No room of the type is ready"},
    problem_kind{"room_type_in_use", 409, "Reservations need the room type"},
    problem_kind{"currency_mismatch", 422, "The price is not in the hotel's currency"},
    problem_kind{"calendar_invalid", 422, "The calendar change cannot be applied"},
    problem_kind{"limit_reached", 409, "A bound of the hotel is reached"},
    problem_kind{"room_taken", 409, "The room is taken"},
    problem_kind{"hotel_in_use", 409, "The hotel has coming reservations"},
    problem_kind{"json_invalid", 400, "The body is not JSON"},
    problem_kind{"cursor_invalid", 400, "The cursor is not one of this list"},
    problem_kind{"body_invalid", 422, "The body is not what this request takes"},
    problem_kind{"guest_unknown", 422, "There is no such guest"},
    problem_kind{"overloaded", 503, "Too much is asked at once"},
    problem_kind{"unavailable", 503, "The hotel cannot be reached now"},
    problem_kind{"deadline_exceeded", 504, "No answer came in time"},
    problem_kind{"node_unknown", 422, "There is no node of that name"},
    problem_kind{"shard_unknown", 404, "There is no such shard"},
    problem_kind{"last_node", 409, "No node would be left for the shards"},
    problem_kind{"node_unfit", 409, "The node takes no shards now"},
    problem_kind{"already_there", 409, "The shard is there already"},
    problem_kind{"shard_pinned", 409, "The shard is pinned to another node"},
    problem_kind{"move_open", 409, "A move of the shard is open"},
    problem_kind{"rebalance_running", 409, "A rebalance is running"},
    problem_kind{"unavailable", 503, "The hotel cannot be reached now"},  // moving
    problem_kind{"unavailable", 503, "The hotel cannot be reached now"},  // fenced
};
static_assert(errc_kinds.size() == static_cast<std::size_t>(errc::fenced) + 1);

// In the order of `http_fault`.
constexpr std::array http_kinds{
    problem_kind{"request_invalid", 400, "The request cannot be understood"},
    problem_kind{"query_invalid", 400, "The query string is not what this request takes"},
    problem_kind{"not_found", 404, "There is nothing at this path"},
    problem_kind{"method_not_allowed", 405, "The path does not have this method"},
    problem_kind{"not_acceptable", 406, "The answer cannot be had in an acceptable form"},
    problem_kind{"request_timeout", 408, "The request did not arrive in time"},
    problem_kind{"body_too_large", 413, "The body is too large"},
    problem_kind{"media_type_unsupported", 415, "The body's type is not one that this request takes"},
    problem_kind{"expectation_failed", 417, "The expectation cannot be met"},
    problem_kind{"head_too_large", 431, "The head of the request is too large"},
    problem_kind{"internal_error", 500, "Something went wrong here"},
};
static_assert(http_kinds.size() == static_cast<std::size_t>(http_fault::internal_error) + 1);

void write_faults(json_writer& json, std::span<const fault> faults) {
  json.name("errors").begin_array();
  for (const auto& f : faults) {
    json.begin_object().field("pointer", f.pointer).field("code", f.code).field("detail", f.detail).end_object();
  }
  json.end_array();
}

void write_reasons(json_writer& json, std::span<const reason> reasons) {
  json.name("reasons").begin_array();
  for (const auto& r : reasons) write_reason(json, r);
  json.end_array();
}

}  // namespace

const problem_kind& kind_of(errc code) { return errc_kinds.at(static_cast<std::size_t>(code)); }
const problem_kind& kind_of(http_fault fault) { return http_kinds.at(static_cast<std::size_t>(fault)); }

std::vector<problem_kind> all_problem_kinds() {
  std::vector<problem_kind> all(errc_kinds.begin(), errc_kinds.begin() + static_cast<int>(errc::moving));
  all.insert(all.end(), http_kinds.begin(), http_kinds.end());
  return all;
}

void write_reason(json_writer& json, const reason& r) {
  json.begin_object().field("code", kind_of(r.code).code);
  if (r.night) json.field("date", *r.night);
  if (r.type) json.field("room_type_id", r.type->value);
  if (r.free) json.field("free", *r.free);
  if (r.bound) json.field("bound", *r.bound);
  json.end_object();
}

void write_problem(reply& to, const problem& what, std::string_view request_id, std::string_view instance,
                   std::chrono::seconds retry_after) {
  to.status = what.kind.status;
  to.content_type = "application/problem+json";
  to.cache_control = "no-store";
  to.no_body = false;
  to.body.clear();
  json_writer json{to.body};
  json.begin_object();
  json.field("type", "urn:keyrack:problem:" + std::string{what.kind.code});
  json.field("title", what.kind.title).field("status", what.kind.status);
  if (!what.detail.empty()) json.field("detail", what.detail);
  if (!instance.empty()) json.field("instance", instance);
  json.field("code", what.kind.code);
  json.field("outcome", what.applied == outcome::unknown ? "unknown" : "not_applied");
  json.field("request_id", request_id);
  if (!what.faults.empty()) write_faults(json, what.faults);
  if (!what.reasons.empty()) write_reasons(json, what.reasons);
  json.end_object();
  if (to.status == 429 || to.status == 503) to.field("Retry-After", static_cast<std::uint64_t>(retry_after.count()));
}

}  // namespace keyrack::gateway
