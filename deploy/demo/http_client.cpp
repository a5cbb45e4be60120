#include "deploy/demo/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace keyrack::demo {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;

/// A loader that meets a larger answer is not talking to Keyrack.
constexpr std::size_t answer_bytes_max = 16 << 20;

std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(seconds);
}

http::request<http::string_body> message_of(const api_request& request, const std::string& host) {
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, host);
  message.set(http::field::user_agent, "keyrack-demo");
  message.set(http::field::accept, "application/json");
  if (!request.key.empty()) message.set("Idempotency-Key", request.key);
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

http_answer answer_of(http::response<http::string_body>&& message) {
  http_answer answer;
  answer.status = message.result_int();
  answer.replayed = message["Idempotent-Replayed"] == "true";
  answer.retry_after = seconds_of(message[http::field::retry_after]);
  answer.body = std::move(message).body();
  return answer;
}

}  // namespace

std::string http_address::text() const {
  return fmt::format("{}:{}", host.find(':') == std::string::npos ? host : fmt::format("[{}]", host), port);
}

std::expected<http_address, std::string> parse_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const auto fault = [url] { return std::unexpected(fmt::format("not of the form http://HOST[:PORT]: {}", url)); };
  if (!url.starts_with(scheme)) return fault();
  auto rest = url.substr(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string_view host = rest;
  std::string_view port = "80";
  // The colon of the port comes after the bracket of an IPv6 address.
  const auto bracket = rest.starts_with('[') ? rest.find(']') : 0;
  if (bracket == std::string_view::npos) return fault();
  if (const auto colon = rest.find(':', bracket); colon != std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool digits =
      !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || !digits || host.find_first_of("/?#@ ") != std::string_view::npos) return fault();
  return http_address{std::string(host), std::string(port)};
}

http_client::http_client(asio::any_io_executor executor, http_address to, std::chrono::seconds patience)
    : to_(std::move(to)), patience_(patience), stream_(std::move(executor)) {}

asio::awaitable<void> http_client::connect() {
  asio::ip::tcp::resolver resolver(stream_.get_executor());
  const auto found = co_await resolver.async_resolve(to_.host, to_.port, use_awaitable);
  stream_.expires_after(patience_);
  co_await stream_.async_connect(found, use_awaitable);
  stream_.socket().set_option(asio::ip::tcp::no_delay(true));
}

asio::awaitable<http_answer> http_client::exchange(api_request request) {
  const auto message = message_of(request, to_.text());
  try {
    if (!stream_.socket().is_open()) co_await connect();
    stream_.expires_after(patience_);
    co_await http::async_write(stream_, message, use_awaitable);
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    co_await http::async_read(stream_, buffer_, parser, use_awaitable);
    auto answer = parser.release();
    if (!answer.keep_alive()) stream_.close();
    co_return answer_of(std::move(answer));
  } catch (const boost::system::system_error&) {
    stream_.close();
    buffer_.clear();
    throw;
  }
}

}  // namespace keyrack::demo
