// One HTTP/1.1 connection of the generator: sends one request, reads one answer. It refuses to know when to send what.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::bench {

/// What a look at the socket found.
enum class progress { waiting, answered, broken };

/// A non-blocking connection to a port of 127.0.0.1. One request at a time. Closes its socket.
class connection {
public:
  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { close(); }

  /// Begins to connect; false when the kernel refuses at once. What is sent meanwhile waits.
  bool open(std::uint16_t port) {
    close();
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return false;
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return result == 0 || errno == EINPROGRESS;
  }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    out_ = {};
    in_size_ = 0;
  }

  /// Sends a request; what the socket does not take now goes out with the next `advance`. REQUIRES: none is under way.
  void send(std::string_view request) {
    out_ = request;
    flush();
  }

  /// Sends what is left and reads what is there. After `answered`, `status` says how the request ended.
  progress advance() {
    flush();
    while (true) {
      if (in_.size() - in_size_ < read_size) in_.resize(in_size_ + read_size);
      const auto room = in_.size() - in_size_;
      const auto got = ::recv(socket_, in_.data() + in_size_, room, 0);
      if (got == 0) return progress::broken;
      if (got < 0) return errno == EAGAIN || errno == ENOTCONN ? progress::waiting : progress::broken;
      in_size_ += static_cast<std::size_t>(got);
      const auto found = parse();
      // Edge-triggered: a short read has emptied the socket, and only then may we wait for the next edge.
      if (found != progress::waiting || static_cast<std::size_t>(got) < room) return found;
    }
  }

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] int status() const { return status_; }

private:
  static constexpr std::size_t read_size = 64 * 1024;

  void flush() {
    if (out_.empty()) return;
    const auto sent = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent > 0) out_.remove_prefix(static_cast<std::size_t>(sent));
  }

  // A complete answer is one with a Content-Length; without one (chunked) the connection counts as broken.
  progress parse() {
    const std::string_view text{in_.data(), in_size_};
    const auto head_end = text.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return progress::waiting;
    const auto length = content_length(text.substr(0, head_end + 2));
    if (length < 0 || text.size() < 12) return progress::broken;
    if (text.size() < head_end + 4 + static_cast<std::size_t>(length)) return progress::waiting;
    std::from_chars(text.data() + 9, text.data() + 12, status_);
    in_size_ = 0;
    return progress::answered;
  }

  static long content_length(std::string_view head) {
    constexpr std::string_view name = "content-length:";
    for (auto at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
      const auto line = head.substr(at + 2);
      std::size_t i = 0;
      while (i < name.size() && i < line.size() && (line[i] | 0x20) == (name[i] | 0x20)) ++i;
      if (i < name.size()) continue;
      while (i < line.size() && line[i] == ' ') ++i;
      long length = -1;
      std::from_chars(line.data() + i, line.data() + line.size(), length);
      return length;
    }
    return -1;
  }

  int socket_ = -1;
  int status_ = 0;
  std::string_view out_;
  std::vector<char> in_;
  std::size_t in_size_ = 0;
};

}  // namespace keyrack::bench
