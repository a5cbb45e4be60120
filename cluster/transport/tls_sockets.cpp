#include "cluster/transport/tls_sockets.hpp"

#include "config/log.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/openssl/session.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <memory>

namespace keyrack::cluster {

namespace {

namespace network = caf::io::network;

// A session, and whether its handshake is done.
struct handshake {
  caf::openssl::session_ptr session;
  bool done = false;

  // CAF's session does not say; but of a read of nothing it makes a difference.
  bool look(network::native_socket fd) {
    std::size_t none = 0;
    if (!done) last = session->read_some(none, fd, nullptr, 0);
    return done = done || last == network::rw_state::indeterminate;
  }
  network::rw_state last = network::rw_state::success;
};

// How CAF's stream moves bytes: through an OpenSSL session.
class tls_policy {
public:
  tls_policy(std::shared_ptr<handshake> shared, caf::io::scribe* owner) : shared_(std::move(shared)), owner_(owner) {}
  network::rw_state read_some(std::size_t& n, network::native_socket fd, void* buffer, std::size_t size) {
    if (!shared_->done) {
      n = 0;
      if (!shared_->look(fd)) return shared_->last;
      owner_->flush();
    }
    return shared_->session->read_some(n, fd, buffer, size);
  }
  network::rw_state write_some(std::size_t& n, network::native_socket fd, const void* buffer, std::size_t size) {
    // A record at a time, so that progress is seen. (OpenSSL wants the same bytes again when it could not send them: these are.)
    return shared_->session->write_some(n, fd, buffer, std::min(size, std::size_t{16'384}));
  }
  bool must_read_more(network::native_socket fd, std::size_t threshold) {
    return shared_->session->must_read_more(fd, threshold);
  }

private:
  std::shared_ptr<handshake> shared_;
  caf::io::scribe* owner_;
};

class tls_scribe final : public caf::io::scribe {
public:
  tls_scribe(network::default_multiplexer& on, network::native_socket fd, caf::openssl::session_ptr session)
      : scribe(network::conn_hdl_from_socket(fd)),
        handshake_(std::make_shared<handshake>(std::move(session))),
        stream_(on, fd, handshake_, this) {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (std::exchange(launched_, true)) return;
    stream_.start(this);
    handshake_->look(stream_.fd());
  }
  // Nothing is written before the handshake is done: CAF would try again and again until the peer has spoken, and turn a
  // processor for it. What the handshake itself has to say is little, and goes out as its answers are read.
  void flush() override {
    if (handshake_->done) stream_.flush(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  std::string addr() const override { return either(network::remote_addr_of_fd(stream_.fd())); }
  std::uint16_t port() const override { return either(network::remote_port_of_fd(stream_.fd())); }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

private:
  template <typename T>
  static T either(caf::expected<T> found) {
    return found ? std::move(*found) : T{};
  }
  bool launched_ = false;
  std::shared_ptr<handshake> handshake_;
  network::stream_impl<tls_policy> stream_;
};

network::default_multiplexer& loop_of(caf::actor_system& system) {
  return static_cast<network::default_multiplexer&>(system.middleman().backend());
}

// CAF throws for certificates that it cannot load; those were checked at the start, but may have been replaced since.
caf::intrusive_ptr<tls_scribe> encrypt(caf::actor_system& system, network::native_socket fd, bool accepted) {
  try {
    network::nonblocking(fd, true);
    if (auto session = caf::openssl::make_session(system, fd, accepted)) {
      return caf::make_counted<tls_scribe>(loop_of(system), fd, std::move(session));
    }
  } catch (const std::exception& e) {
    log_error("no TLS with another node", {{"detail", e.what()}});
  }
  ::close(fd);
  return nullptr;
}

class tls_doorman final : public network::doorman_impl {
public:
  using network::doorman_impl::doorman_impl;

  bool new_connection() override {
    if (detached()) return false;
    const auto fd = acceptor_.accepted_socket();
    if (fd == network::invalid_native_socket) return true;
    auto made = encrypt(parent()->system(), fd, true);
    if (!made) return true;
    const auto handle = made->hdl();
    parent()->add_scribe(std::move(made));
    return doorman::new_connection(&acceptor_.backend(), handle);
  }
};

}  // namespace

caf::optional<caf::io::connection_handle> add_tls_connection(caf::io::broker& to, int fd) {
  auto made = encrypt(to.system(), fd, false);
  if (!made) return caf::none;
  const auto handle = made->hdl();
  to.add_scribe(std::move(made));
  return handle;
}

void add_tls_acceptor(caf::io::broker& to, int fd) {
  to.add_doorman(caf::make_counted<tls_doorman>(loop_of(to.system()), fd));
}

std::expected<bool, std::string> wants_tls(const transport_settings& settings) {
  const std::array files{std::pair{"transport.certificate", &settings.certificate},
                         std::pair{"transport.key", &settings.key}, std::pair{"transport.ca", &settings.ca}};
  std::string missing;
  std::size_t given = 0;
  for (const auto& [name, path] : files) {
    if (!path->empty()) {
      ++given;
    } else {
      missing += fmt::format("{}{}", missing.empty() ? "" : " and ", name);
    }
  }
  if (given == 0) return false;
  if (given < files.size()) {
    return std::unexpected{fmt::format(
        "TLS between nodes is half configured: {} missing; give certificate, key and CA, or none", missing)};
  }
  for (const auto& [name, path] : files) {
    if (std::string line; !std::getline(std::ifstream{*path}, line)) {
      return std::unexpected{fmt::format("{}: {} cannot be read, or is empty", name, *path)};
    }
  }
  return true;
}

std::expected<void, std::string> check_certificates(caf::actor_system& system, const transport_settings& settings) {
  try {
    if (caf::openssl::session{system}.init()) return {};
    return std::unexpected{std::string{"TLS between nodes: OpenSSL refuses to begin"}};
  } catch (const std::exception& e) {
    return std::unexpected{
        fmt::format("TLS between nodes: {} ({}, {}, {})", e.what(), settings.certificate, settings.key, settings.ca)};
  }
}

}  // namespace keyrack::cluster
