#include "cluster/transport/sockets.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

namespace keyrack::cluster {

namespace {

std::string text_of(int error) { return std::generic_category().message(error); }

std::expected<std::vector<socket_address>, std::string> look_up(const std::string& host, const std::string& port,
                                                                int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &first); error != 0) {
    return std::unexpected{fmt::format("the host {} is not known: {}", host, gai_strerror(error))};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{first, &freeaddrinfo};
  std::vector<socket_address> all;
  for (const auto* each = first; each != nullptr; each = each->ai_next) {
    all.push_back({each->ai_family, {reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen}});
  }
  return all;
}

const sockaddr* raw(const socket_address& of) { return reinterpret_cast<const sockaddr*>(of.bytes.data()); }
socklen_t raw_size(const socket_address& of) { return static_cast<socklen_t>(of.bytes.size()); }

}  // namespace

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

std::expected<std::vector<socket_address>, std::string> resolve(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return std::unexpected{fmt::format("{} is not host:port", address)};
  std::string_view host{address.data(), colon};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return look_up(std::string{host}, address.substr(colon + 1), 0);
}

std::expected<unique_fd, std::string> listen_on(const std::string& host, int port) {
  const auto found = look_up(host, fmt::to_string(port), AI_PASSIVE);
  if (!found) return std::unexpected{fmt::format("transport.host: {}", found.error())};
  const auto& where = found->front();
  unique_fd fd{::socket(where.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), raw(where), raw_size(where)) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    return std::unexpected{fmt::format("cannot listen for other nodes on {}:{}: {}", host, port, text_of(errno))};
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  char port[NI_MAXSERV] = "0";
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) == 0) {
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&bound), size, nullptr, 0, port, sizeof port, NI_NUMERICSERV);
  }
  return static_cast<std::uint16_t>(std::stoi(port));
}

std::expected<unique_fd, int> begin_connect(const socket_address& to) {
  unique_fd fd{::socket(to.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return std::unexpected{errno};
  if (::connect(fd.get(), raw(to), raw_size(to)) != 0 && errno != EINPROGRESS) return std::unexpected{errno};
  return fd;
}

int connect_result(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  if (error != 0) return error;
  // On one machine, a port that nobody listens on may be given to the very socket that connects to it, which then talks
  // to itself, and keeps the port from who should listen there.
  sockaddr_storage mine{};
  sockaddr_storage its{};
  socklen_t mine_size = sizeof mine;
  socklen_t its_size = sizeof its;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&mine), &mine_size) != 0 ||
      ::getpeername(fd, reinterpret_cast<sockaddr*>(&its), &its_size) != 0) {
    return errno;
  }
  return mine_size == its_size && std::memcmp(&mine, &its, mine_size) == 0 ? ECONNREFUSED : 0;
}

}  // namespace keyrack::cluster
