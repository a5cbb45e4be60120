// One connection: reads requests, has them answered, writes the answers in order. Owns its socket, its buffer and the time
// bounds of what it waits for; knows HTTP, and no resource.
//
//   idle ──first byte──► head ──► body ──► answering ──► writing ──► idle …  or lingering ──► closed
// Each state but `answering` has a time bound of its own, checked by the host's sweep: no timer per request.
#pragma once

#include "config/metrics.hpp"
#include "gateway/exchange.hpp"
#include "gateway/routing.hpp"
#include "gateway/trusted_proxies.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <list>
#include <string>
#include <string_view>

namespace keyrack::gateway {

using tcp_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using session_time = std::chrono::steady_clock;

class session;

/// What all sessions of a server share.
struct session_host {
  services shared;
  const gateway_settings& settings;
  gateway_metrics& metrics;
  trusted_proxies proxies;
  bool leaving = false;  ///< soon draining: answers tell their connections to go elsewhere
  bool draining = false;
  std::string common_fields;      ///< lines that every answer has: the date and the safe ones
  std::size_t body_bytes = 0;     ///< of bodies that are being received
  std::list<session*> idle;       ///< longest idle first
  std::string request_id_prefix;  ///< of this start
  std::uint64_t request_ids = 0;

  counter_table<64, 32> requests{metrics.requests};
  std::vector<histogram*> request_seconds;  ///< by route
};

class session {
public:
  session(session_host& host, tcp_socket socket, boost::asio::ip::tcp::endpoint peer);
  session(const session&) = delete;
  ~session();

  /// Until the connection ends.
  task<> serve();

  /// Ends what has taken too long. Called by the sweep.
  void check(session_time::time_point now);
  /// Takes no further request; ends at once when none is under way.
  void close_when_idle();
  /// Ends at once.
  void abort();

private:
  enum class state : std::uint8_t { idle, head, body, answering, writing, lingering };
  enum class got : std::uint8_t { request, nothing };

  class receiving;
  class readable;
  class sending;
  class yielding;

  task<> converse();
  task<got> receive_request();
  task<got> receive_body();
  task<bool> receive_some_body();
  task<got> receive_chunked();
  task<> answer_request();
  task<> settle(exchange& x);
  task<> refuse(problem what, std::string_view reason);
  task<> write_answer(const reply& answer, std::string_view request_id);
  bool more_is_coming() const;
  task<> linger();

  /// From now on in that state, for so long; without an end when `bound` is 0.
  void enter(state next, std::chrono::milliseconds bound);
  std::string_view buffered() const;
  void keep_head();
  void end_request();
  std::string make_request_id() const;
  void append_head(const reply& answer, std::string_view request_id);
  void account(const exchange& x, std::chrono::nanoseconds took) const;
  std::string client_address() const;

  session_host& host_;
  tcp_socket socket_;
  const boost::asio::ip::tcp::endpoint peer_;
  boost::beast::flat_buffer buffer_;
  std::list<session*> place_;                 // one node, moved into host_.idle while idle, and back
  std::list<session*>::iterator place_node_;  // that node, wherever it is

  state state_ = state::idle;
  session_time::time_point until_ = session_time::time_point::max();
  bool timed_out_ = false;
  bool closing_ = false;
  bool keep_alive_ = true;

  request_head head_;
  std::string head_text_;  // the head, when the buffer had to move
  std::string chunked_;    // the body, when it came in chunks
  std::string_view body_;
  std::size_t consumed_ = 0;    // of the buffer, by the request that is being answered
  std::size_t body_bytes_ = 0;  // counted in host_.body_bytes
  unsigned without_pause_ = 0;  // requests answered since this coroutine last waited for the socket
  std::string out_;
};

}  // namespace keyrack::gateway
