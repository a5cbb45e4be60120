// TLS for the port actor's sockets, by CAF's OpenSSL module: the same broker, other bytes on the wire. Knows no link.
#pragma once

#include "config/settings.hpp"

#include <caf/io/broker.hpp>

#include <expected>
#include <string>

namespace keyrack::cluster {

/// Gives the broker a connection that was dialed, and begins the TLS handshake. Nothing: it could not; the socket is closed.
caf::optional<caf::io::connection_handle> add_tls_connection(caf::io::broker& to, int fd);

/// Gives the broker a socket that listens; what it accepts is encrypted.
void add_tls_acceptor(caf::io::broker& to, int fd);

/// Whether certificate, key and CA can be used together: CAF would find out with the first connection, and end the process.
std::expected<void, std::string> check_certificates(caf::actor_system& system, const transport_settings& settings);

/// All three, or none. An error is a sentence for an operator.
std::expected<bool, std::string> wants_tls(const transport_settings& settings);

}  // namespace keyrack::cluster
