#include "gateway/trusted_proxies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace keyrack::gateway {
namespace {

namespace ip = boost::asio::ip;
using bytes = ip::address_v6::bytes_type;

/// Every address as one of version 6, so that there is one kind of network.
bytes bytes_of(const ip::address& a) {
  return a.is_v6() ? a.to_v6().to_bytes() : ip::make_address_v6(ip::v4_mapped, a.to_v4()).to_bytes();
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\"");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\"") - from + 1);
}

/// An address, also as `1.2.3.4:80` and `[::1]:80`.
std::optional<ip::address> address_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  boost::system::error_code ec;
  auto read = ip::make_address(std::string{text}, ec);
  if (ec) return std::nullopt;
  return read;
}

/// The address in one element of Forwarded: `for=…;by=…`.
std::string_view for_of(std::string_view element) {
  while (!element.empty()) {
    const auto end = element.find(';');
    const auto pair = trimmed(element.substr(0, end));
    if (pair.size() > 4 && (pair[0] | 0x20) == 'f' && (pair[1] | 0x20) == 'o' && (pair[2] | 0x20) == 'r' &&
        pair[3] == '=') {
      return pair.substr(4);
    }
    element = end == std::string_view::npos ? std::string_view{} : element.substr(end + 1);
  }
  return {};
}

}  // namespace

std::expected<trusted_proxies, std::string> trusted_proxies::parse(const std::vector<std::string>& networks) {
  trusted_proxies out;
  for (const auto& text : networks) {
    const auto slash = text.find('/');
    boost::system::error_code ec;
    const auto base = ip::make_address(text.substr(0, slash), ec);
    unsigned bits = ec || base.is_v6() ? 128 : 32;
    bool good = !ec;
    if (slash != std::string::npos) {
      const auto* from = text.data() + slash + 1;
      const auto* end = text.data() + text.size();
      const auto most = bits;
      const auto read = std::from_chars(from, end, bits);
      good = good && read.ec == std::errc{} && read.ptr == end && bits <= most;
    }
    if (!good)
      return std::unexpected(fmt::format("gateway.trusted_proxies: \"{}\" is neither an address nor a network.", text));
    out.networks_.push_back({bytes_of(base), base.is_v6() ? bits : bits + 96});
  }
  return out;
}

bool trusted_proxies::trust(const ip::address& who) const {
  const auto asked = bytes_of(who);
  return std::ranges::any_of(networks_, [&](const network& n) {
    for (unsigned bit = 0; bit < n.bits; bit += 8) {
      const auto left = n.bits - bit;
      const auto mask = static_cast<unsigned char>(left >= 8 ? 0xFF : 0xFF << (8 - left));
      if ((asked[bit / 8] & mask) != (n.bytes[bit / 8] & mask)) return false;
    }
    return true;
  });
}

std::string trusted_proxies::client(const ip::address& peer, std::string_view x_forwarded_for,
                                    std::string_view forwarded) const {
  auto seen = peer;
  const bool plain = !x_forwarded_for.empty();
  auto list = plain ? x_forwarded_for : forwarded;
  // From the nearest hop outwards, as long as each hop is one of ours.
  while (!list.empty() && trust(seen)) {
    const auto comma = list.rfind(',');
    const auto element = comma == std::string_view::npos ? list : list.substr(comma + 1);
    const auto next = address_of(plain ? element : for_of(element));
    if (!next) break;
    seen = *next;
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
  }
  return seen.to_string();
}

}  // namespace keyrack::gateway
