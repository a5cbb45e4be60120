// One keep-alive HTTP connection to a node, that connects when it is needed. Owns the socket and its time limit; refuses
// to know what is sent, and never sends anything twice: whether to try again is its caller's to say.
#pragma once

#include "deploy/demo/api_request.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack::demo {

/// Where a node listens.
struct http_address {
  std::string host;
  std::string port;
  std::string text() const;  ///< for the Host header and for people
};

/// Reads `http://HOST[:PORT]`; on a fault, a sentence. There is no TLS here: what is loaded is not secret.
std::expected<http_address, std::string> parse_url(std::string_view url);

struct http_answer {
  unsigned status = 0;
  bool replayed = false;  ///< Idempotent-Replayed
  std::optional<std::chrono::seconds> retry_after;
  std::string body;
};

class http_client {
public:
  /// An exchange that takes longer than `patience` fails.
  http_client(boost::asio::any_io_executor executor, http_address to, std::chrono::seconds patience);

  /// Sends one request and reads its answer. Throws boost::system::system_error when the connection fails, which says
  /// nothing about what the node did; the next call connects anew.
  boost::asio::awaitable<http_answer> exchange(api_request request);

private:
  boost::asio::awaitable<void> connect();

  http_address to_;
  std::chrono::seconds patience_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace keyrack::demo
