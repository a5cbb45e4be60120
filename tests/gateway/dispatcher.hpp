// Requests through parsing, routing and routes, without a socket: over the same fakes as the live tests.
#pragma once

#include "gateway/exchange.hpp"
#include "gateway/routing.hpp"
#include "tests/gateway/bodies.hpp"
#include "tests/gateway/fake_operations.hpp"
#include "tests/gateway/fakes.hpp"

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace keyrack::testing {

struct dispatched {
  unsigned status = 0;
  std::string fields;
  std::string body;
  bool answered = false;
  /// Of the answer's own fields; empty when absent.
  std::string field(std::string_view name) const;
  boost::json::value json() const;
  /// `code` of a problem, or empty.
  std::string code() const;
  std::string outcome() const;
  /// The pointers of `errors`, in their order, separated by spaces.
  std::string pointers() const;
  /// `pointer:code` of each error.
  std::string errors() const;
};

class dispatcher {
public:
  explicit dispatcher(gateway_settings with = {}, gateway::bridge_bounds bounds = {});
  ~dispatcher();

  /// `fields` are whole lines. A body gets `Content-Type: application/json` unless `fields` says otherwise.
  dispatched send(std::string_view method, std::string_view target, std::string_view body = "",
                  std::string_view fields = "");

  /// Creates a hotel with one room type; gives its id.
  std::string make_hotel(int rooms = 40);
  /// Books one room from 2027-06-04 to 2027-06-06; gives the reservation's id.
  std::string book(std::string_view hotel, std::string_view more = "");

  gateway_settings settings;
  fake_router router;
  fake_lease lease;
  fixed_clock clock;
  fake_records records;
  fake_operations operators;
  readiness ready{.ready = true};

private:
  bool woken_ = false;
  std::vector<std::coroutine_handle<>> later_;
  std::shared_ptr<gateway::bridge> bridge_;
  gateway::known_guests guests_{16};
  gateway::services services_;
};

}  // namespace keyrack::testing
