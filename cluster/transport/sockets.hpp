// The few calls to the system's sockets: listen, connect without waiting. Knows nothing of threads, links or CAF.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace keyrack::cluster {

/// A file descriptor that is closed with its owner.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// A socket's address, as the system wants it.
struct socket_address {
  int family = 0;
  std::string bytes;
};

/// The addresses behind `host:port` or `[IPv6]:port`, of a connection. Asks the resolver: may block for seconds. An error says why.
std::expected<std::vector<socket_address>, std::string> resolve(const std::string& address);

/// Listens on a host's address. Port 0: any free one. An error is a sentence for an operator.
std::expected<unique_fd, std::string> listen_on(const std::string& host, int port);

/// The port that a socket is bound to.
std::uint16_t port_of(int fd);

/// Begins to connect, without waiting: writable when it is done. An error is the system's number.
std::expected<unique_fd, int> begin_connect(const socket_address& to);

/// How a connect ended that is done: 0, or the system's error number.
int connect_result(int fd);

}  // namespace keyrack::cluster
