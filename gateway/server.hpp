// The HTTP server of a node: one thread, one io_context, many sessions. Owns its thread, its listening socket and its
// bounds; refuses to know what is asked (routes) and where hotels live (router).
#pragma once

#include "actors/operations.hpp"
#include "actors/ports.hpp"
#include "config/metrics.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace keyrack::gateway {

/// What the server stands on. All of it outlives the server.
struct server_needs {
  keyrack::router& router;
  read_lease& lease;
  cluster_clock& clock;
  keyrack::records& records;
  keyrack::operations& operators;
  gateway_metrics& metrics;
  std::function<readiness()> ready;           ///< asked on the gateway's thread: must not block
  std::function<std::string()> metrics_text;  ///< what /metrics answers; asked on the gateway's thread
};

class server {
public:
  /// Throws std::invalid_argument, with a sentence for the operator, when a setting cannot be used.
  server(const gateway_settings& settings, server_needs needs);
  ~server();

  /// Listens, and serves from now on. Throws std::runtime_error with one clear sentence when it cannot.
  void start();
  /// The port that it listens on, also where the setting was 0.
  std::uint16_t port() const;

  /// Serves as before, and tells every connection with its next answer to go elsewhere. Any thread but the server's.
  void begin_leaving();

  /// Not ready from now on: nobody is accepted, what is under way is finished, connections are closed. Waits until all
  /// are, at most for `patience`; true when they were. Any thread but the server's.
  bool drain(std::chrono::milliseconds patience);

  /// Ends everything at once; what waits for a hotel is answered `unknown` where the socket still takes it. Idempotent.
  void stop();

private:
  class core;
  std::unique_ptr<core> core_;
};

}  // namespace keyrack::gateway
