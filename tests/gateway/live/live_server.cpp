#include "tests/gateway/live/live_server.hpp"

#include <arpa/inet.h>
#include <boost/json/parse.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace keyrack::testing {
namespace {

constexpr auto patience = std::chrono::seconds{10};

gateway_settings on_a_free_port(gateway_settings settings) {
  settings.port = 0;
  return settings;
}

}  // namespace

std::string live_answer::field(std::string_view name) const {
  const auto line = "\r\n" + std::string{name} + ": ";
  const auto at = head.find(line);
  if (at == std::string::npos) return {};
  const auto from = at + line.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

boost::json::value live_answer::json() const { return boost::json::parse(body); }

live_client::live_client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::abort();
}

live_client::live_client(live_client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), buffer_(std::move(other.buffer_)) {}

live_client::~live_client() {
  if (socket_ >= 0) ::close(socket_);
}

void live_client::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool live_client::fill() {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds{patience}.count())) != 1) return false;
  std::array<char, 65'536> bytes;
  const auto n = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (n <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(n));
  return true;
}

live_answer live_client::read(bool head_only) {
  live_answer out;
  auto end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return out;
  }
  out.head = buffer_.substr(0, end + 2);
  out.status = std::atoi(out.head.substr(9, 3).c_str());
  buffer_.erase(0, end + 4);
  const auto length = head_only ? 0 : static_cast<std::size_t>(std::atoll(out.field("Content-Length").c_str()));
  while (buffer_.size() < length) {
    if (!fill()) return {};
  }
  out.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return out;
}

live_answer live_client::send(std::string_view method, std::string_view target, std::string_view body,
                              std::string_view fields) {
  std::string request{method};
  request.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(fields);
  if (!body.empty()) {
    if (fields.find("Content-Type") == std::string_view::npos) request += "Content-Type: application/json\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request.append("\r\n").append(body);
  write(request);
  return read(method == "HEAD");
}

bool live_client::closed() {
  while (fill()) {}
  char byte = 0;
  return ::recv(socket_, &byte, 1, MSG_DONTWAIT) <= 0;
}

bool live_client::silent_for(std::chrono::milliseconds time) {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) == 0;
}

live_server::live_server(gateway_settings settings)
    : server(on_a_free_port(std::move(settings)), {.router = router,
                                                   .lease = lease,
                                                   .clock = clock,
                                                   .records = records,
                                                   .operators = operators,
                                                   .metrics = counted.gateway,
                                                   .ready = [this] { return ready; },
                                                   .metrics_text = [this] { return metrics_text(counted); }}) {
  server.start();
}

live_server::~live_server() { server.stop(); }

std::string live_server::make_hotel(int rooms) const {
  auto client = connect();
  const auto id = text_of(client.send("POST", "/v1/hotels", hotel_body()).json(), "id");
  if (client.send("POST", "/v1/hotels/" + id + "/room-types", room_type_body(rooms)).status != 201) std::abort();
  return id;
}

}  // namespace keyrack::testing
