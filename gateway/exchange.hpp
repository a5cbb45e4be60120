// One request and its answer, as the routes see them. Owns the way from a command or query to its answer's envelope, and
// from whatever went wrong to a problem; refuses to know sockets and the fields of resources.
#pragma once

#include "actors/operations.hpp"
#include "actors/ports.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"
#include "gateway/bridge.hpp"
#include "gateway/json_reader.hpp"
#include "gateway/known_guests.hpp"
#include "gateway/query_string.hpp"
#include "gateway/reply.hpp"
#include "gateway/request_head.hpp"
#include "gateway/task.hpp"

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack::gateway {

/// What all exchanges of a server share.
struct services {
  const gateway_settings& settings;
  bridge& hotels;
  read_lease& lease;
  cluster_clock& clock;
  keyrack::records& records;
  keyrack::operations& operators;
  known_guests& guests;
  std::function<readiness()> ready;
  std::function<std::string()> metrics_text;
  /// Goes on with a coroutine after whatever else waits for the gateway's thread.
  std::function<void(std::coroutine_handle<>)> later;
};

struct route;

/// What the path names. Which of them are set is the route's pattern's to say.
struct path_ids {
  hotel_id hotel;
  room_type_id room_type;
  reservation_id reservation;
  guest_id guest;
  std::string node;
  std::int16_t shard = 0;
};

class exchange {
public:
  exchange(services& shared, const request_head& request, std::string_view request_body, std::string id,
           steady_instant until)
      : use(shared), head(request), body(request_body), request_id(std::move(id)), deadline(until) {}

  services& use;
  const request_head& head;
  const std::string_view body;
  const std::string request_id;
  const steady_instant deadline;
  const route* matched = nullptr;
  path_ids path;
  std::optional<query_parameters> query;
  reply answer;

  // What is known of the request for metrics and logs.
  hotel_id hotel{};
  std::uint64_t sequence = 0;
  std::string_view code;      ///< of the problem, a literal
  bool command_sent = false;  ///< from then on it may have applied, whatever becomes of the answer

  void fail(const problem& what);
  void fail(errc code_of, std::string detail = {}) { fail(problem_of(code_of, std::move(detail))); }
  void fail(http_fault of, std::string detail) { fail(problem_of(of, std::move(detail))); }
  /// The body is understood but wrong.
  void fail(const fault_list& faults);
  /// The query is wrong, if it is: true when the exchange has ended so.
  bool query_failed();

  /// Reads the body as JSON; on a fault the exchange is failed and the result empty.
  std::optional<json_document> json();

  /// Begins a command: its key, digest, preconditions. The digest is over the route, the ids of the path and, without the
  /// fields named in `without`, the body's JSON. `named` is the key that the body names, if it does. On a fault the exchange
  /// is failed and the result empty.
  std::optional<request> begin_command(const boost::json::value* of_body, std::string_view without = "",
                                       std::optional<request_key> named = std::nullopt);

  envelope make_envelope(hotel_id to, request by, command what) const;
  envelope make_envelope(hotel_id to, keyrack::query what) const;

  /// Sends it and brings its answer.
  bridge::asking send(envelope e) {
    command_sent = command_sent || e.is_command();
    return use.hotels.ask(std::move(e), hotel_bound_);
  }

  /// Asks `records`: `co_await x.look_up<T>([&](auto until, auto then) { x.use.records.find_…(…, until, then); })`.
  template <typename T, typename Start>
  task<record_result<T>> look_up(Start start);

  /// Takes over what every answer says: sequence, basis, replayed. Fails the exchange on a refusal or failure; true when
  /// there is something to render.
  bool accept(const answer_envelope& from);
  /// Fails the exchange on a failure of the records; else the record.
  template <typename T>
  T* accept(record_result<T>& from);
  void fail(const failure& why);

  /// Says the version (ETag). True when the client has it already (If-None-Match): then it is a 304, with nothing to render.
  bool not_modified(std::uint64_t version);

private:
  std::optional<request_key> read_key(std::optional<request_key> named);
  bool read_if_match(std::optional<std::uint64_t>& version);
  bool hotel_bound_ = false;
};

template <typename T, typename Start>
task<record_result<T>> exchange::look_up(Start start) {
  const auto until = deadline;
  auto found = co_await use.hotels.look_up<record_result<T>>(
      until, [start, until](std::function<void(record_result<T>)> then) { start(until, std::move(then)); });
  if (found) co_return std::move(*found);
  co_return failure{.code = errc::deadline_exceeded,
                    .outcome = outcome::not_applied,
                    .detail = "The records did not answer in time."};
}

template <typename T>
T* exchange::accept(record_result<T>& from) {
  if (auto* found = std::get_if<T>(&from)) return found;
  fail(std::get<failure>(from));
  return nullptr;
}

/// A handler of one route. It fills the exchange's answer.
using route_handler = task<> (*)(exchange&);

}  // namespace keyrack::gateway
