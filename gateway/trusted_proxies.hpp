// Who may say on whose behalf it asks. Owns networks and the reading of X-Forwarded-For and Forwarded (RFC 7239). Pure.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::gateway {

class trusted_proxies {
public:
  /// Addresses (`10.0.0.7`) and networks (`10.0.0.0/8`, `fd00::/8`). The error is a sentence that names the bad one.
  static std::expected<trusted_proxies, std::string> parse(const std::vector<std::string>& networks);

  bool trust(const boost::asio::ip::address& who) const;

  /// The client's address: the peer's own, unless the peer is trusted: then the last one of the list that is not a trusted
  /// proxy itself. `x_forwarded_for` is believed before `forwarded`.
  std::string client(const boost::asio::ip::address& peer, std::string_view x_forwarded_for,
                     std::string_view forwarded) const;

private:
  struct network {
    boost::asio::ip::address_v6::bytes_type bytes{};
    unsigned bits = 128;
  };
  std::vector<network> networks_;
};

}  // namespace keyrack::gateway
