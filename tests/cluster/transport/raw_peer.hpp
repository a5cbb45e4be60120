// A TCP server or client of the test's own: one that is silent, speaks garbage, or greets and then does what no node would.
#pragma once

#include "cluster/proto/transport.pb.h"
#include "cluster/transport/frame_limits.hpp"
#include "cluster/transport/frame_stream.hpp"
#include "cluster/transport/sockets.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

namespace keyrack::cluster {

class raw_connection {
public:
  explicit raw_connection(unique_fd fd) : fd_(std::move(fd)) {}

  /// Sends, as much as the system takes.
  void send(const std::string& bytes) { ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void send(const link::Frame& frame) {
    std::vector<char> bytes;
    const auto body = frame.SerializeAsString();
    append_frame_head(bytes, body.size());
    send(std::string{bytes.begin(), bytes.end()} + body);
  }
  /// The next frame; nothing when the other side has closed.
  std::optional<link::Frame> read() {
    while (whole_.empty()) {
      if (!readable()) return std::nullopt;
      char buffer[65'536];
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n <= 0 || !stream_.take({buffer, static_cast<std::size_t>(n)}, whole_)) return std::nullopt;
    }
    link::Frame frame;
    EXPECT_TRUE(frame.ParseFromString(whole_.front()));
    whole_.erase(whole_.begin());
    return frame;
  }
  /// Until the other side has closed. False: it does not.
  bool wait_closed() {
    while (readable()) {
      char buffer[65'536];
      if (::recv(fd_.get(), buffer, sizeof buffer, 0) <= 0) return true;
    }
    return false;
  }

private:
  bool readable() {
    pollfd p{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, 20'000) == 1;
  }
  unique_fd fd_;
  frame_stream stream_{frame_bytes_limit};
  std::vector<std::string> whole_;
};

/// Listens; the kernel accepts for it until `accept`.
class raw_server {
public:
  raw_server() : fd_(listen_on("127.0.0.1", 0).value()) {}
  std::string address() const { return "127.0.0.1:" + std::to_string(port_of(fd_.get())); }
  raw_connection accept() {
    pollfd p{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&p, 1, 20'000), 1);
    return raw_connection{unique_fd{::accept(fd_.get(), nullptr, nullptr)}};
  }
  /// Accepts, and greets whoever comes as the incarnation that is asked for.
  raw_connection greet() {
    auto made = accept();
    const auto hello = made.read();
    EXPECT_TRUE(hello && hello->has_hello());
    link::Frame welcome;
    welcome.mutable_welcome()->set_version(1);
    welcome.mutable_welcome()->set_from(hello ? hello->hello().to() : 0);
    made.send(welcome);
    return made;
  }

private:
  unique_fd fd_;
};

inline raw_connection raw_connect(const std::string& address) {
  auto fd = begin_connect(resolve(address).value().front()).value();
  pollfd p{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&p, 1, 20'000), 1);
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return raw_connection{std::move(fd)};
}

}  // namespace keyrack::cluster
