// A server on a port of its own over fakes, and a client that reads answers as they are on the wire.
#pragma once

#include "config/metrics.hpp"
#include "gateway/server.hpp"
#include "tests/gateway/bodies.hpp"
#include "tests/gateway/fake_operations.hpp"
#include "tests/gateway/fakes.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace keyrack::testing {

struct live_answer {
  int status = 0;
  std::string head;
  std::string body;
  /// Empty when absent.
  std::string field(std::string_view name) const;
  boost::json::value json() const;
};

/// One connection. Every wait ends after ten seconds, with a status of 0.
class live_client {
public:
  explicit live_client(std::uint16_t port);
  live_client(live_client&& other) noexcept;
  ~live_client();

  live_answer send(std::string_view method, std::string_view target, std::string_view body = "",
                   std::string_view fields = "");
  /// Bytes as they are.
  void write(std::string_view bytes);
  /// The next answer. `head_only`: it has no body whatever its length says.
  live_answer read(bool head_only = false);
  /// Whether the other side has closed, waiting for it.
  bool closed();
  /// Whether nothing has come within `time`.
  bool silent_for(std::chrono::milliseconds time);

private:
  bool fill();
  int socket_ = -1;
  std::string buffer_;
};

class live_server {
public:
  explicit live_server(gateway_settings settings = {});
  ~live_server();
  live_client connect() const { return live_client{server.port()}; }
  /// Creates a hotel with one room type of `rooms` rooms; gives its id.
  std::string make_hotel(int rooms = 40) const;

  fake_router router;
  fake_lease lease;
  fixed_clock clock;
  fake_records records;
  fake_operations operators;
  keyrack::metrics counted{"test"};
  readiness ready{.ready = true};
  gateway::server server;
};

}  // namespace keyrack::testing
