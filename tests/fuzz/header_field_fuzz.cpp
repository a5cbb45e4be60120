// Foreign bytes as the values of header fields: entity tags, request keys, proxies' lists, what a client accepts. A version
// is read from its own spelling only; nobody speaks for a client but proxies that are trusted.
#include "actors/domain/assert.hpp"
#include "gateway/digest.hpp"
#include "gateway/entity_tag.hpp"
#include "gateway/negotiation.hpp"
#include "gateway/trusted_proxies.hpp"

#include <boost/asio/ip/address.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace keyrack;
using namespace keyrack::gateway;

namespace {

void check_tags(std::string_view field) {
  if (const auto wanted = read_if_match_field(field)) {
    // No version: `*`, and only that.
    KEYRACK_ASSERT(wanted->has_value() == (field != "*"));
    if (*wanted && **wanted != 0) {
      const auto tag = '"' + std::to_string(**wanted);
      const auto at = field.find(tag);
      KEYRACK_ASSERT(at != std::string_view::npos && at == field.find('"'));
      const auto rest = field.substr(at + tag.size());
      KEYRACK_ASSERT(rest.starts_with("\"") || rest.starts_with("-gzip\""));
      KEYRACK_ASSERT(matches_version(field, **wanted));
    }
  }
  // A version is named by its digits between quotes, or by nothing less than `*`.
  for (const std::uint64_t version : {1ULL, 17ULL, ~0ULL}) {
    if (!matches_version(field, version) || field == "*") continue;
    const auto digits = '"' + std::to_string(version);
    KEYRACK_ASSERT(field.find(digits + '"') != std::string_view::npos ||
                   field.find(digits + "-gzip\"") != std::string_view::npos);
  }
  KEYRACK_ASSERT(field == "*" || !matches_version(field, 0));
}

void check_proxies(std::string_view field) {
  namespace ip = boost::asio::ip;
  static const auto some = trusted_proxies::parse({"10.0.0.0/8", "fd00::/8", "192.0.2.7"}).value();
  static const trusted_proxies none;
  const auto stranger = ip::make_address("198.51.100.9");
  const auto proxy = ip::make_address("10.1.2.3");
  KEYRACK_ASSERT(some.trust(proxy) && !some.trust(stranger));
  // A stranger speaks for itself.
  KEYRACK_ASSERT(some.client(stranger, field, field) == stranger.to_string());
  KEYRACK_ASSERT(none.client(proxy, field, field) == proxy.to_string());
  for (const auto& client : {some.client(proxy, field, ""), some.client(proxy, "", field)}) {
    boost::system::error_code ec;
    const auto address = ip::make_address(client, ec);
    KEYRACK_ASSERT(!ec && address.to_string() == client);
  }
  // Nothing that was said behind the first stranger counts: it is the last hop that is not ours.
  const auto client = some.client(proxy, field, "");
  if (!some.trust(ip::make_address(client))) {
    KEYRACK_ASSERT(some.client(proxy, "203.0.113.5, " + std::string{field}, "") == client);
  }
}

/// Of the addresses that differ from a network's in one bit, those are trusted whose bit is not the network's.
template <typename Address>
void check_network(const trusted_proxies& read, const Address& base, unsigned bits) {
  auto bytes = base.to_bytes();
  for (unsigned bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80 >> bit % 8);
    bytes[bit / 8] ^= mask;
    KEYRACK_ASSERT(read.trust(Address{bytes}) == (bit >= bits));
    bytes[bit / 8] ^= mask;
  }
}

void check_networks(std::string_view field) {
  const auto read = trusted_proxies::parse({std::string{field}});
  KEYRACK_ASSERT(read || !read.error().empty());
  if (!read) return;
  const auto slash = field.find('/');
  const auto base = boost::asio::ip::make_address(std::string{field.substr(0, slash)});
  KEYRACK_ASSERT(read->trust(base));
  auto bits = base.is_v6() ? 128U : 32U;
  if (slash != std::string_view::npos) {
    const auto end = field.data() + field.size();
    KEYRACK_ASSERT(std::from_chars(field.data() + slash + 1, end, bits).ptr == end);
  }
  // A version 4 address is one of version 6 too: its network's bits are the last ones.
  if (base.is_v6()) check_network(*read, base.to_v6(), bits);
  if (base.is_v4()) check_network(*read, base.to_v4(), bits);
}

void check_keys(std::string_view field) {
  const auto key = key_of_text(field);
  KEYRACK_ASSERT(key == key_of_text(field));
  // A key's own spelling is that key again.
  KEYRACK_ASSERT(key_of_text(to_uuid_text(key)) == key);
  KEYRACK_ASSERT(hotel_of(key).value >> 60 == 0);
}

void check_negotiation(std::string_view field) {
  if (accepts_json(field, true)) KEYRACK_ASSERT(field.find_first_of("*Aa") != std::string_view::npos);
  KEYRACK_ASSERT(accepts_json(field, false));
  if (accepts_gzip(field)) KEYRACK_ASSERT(field.find_first_of("*Gg") != std::string_view::npos);
  KEYRACK_ASSERT(!is_json(field) || is_merge_patch(field));
  KEYRACK_ASSERT(media_type(field).size() <= field.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view field{reinterpret_cast<const char*>(bytes), size};
  // The head lets none of these through.
  if (field.find_first_of(std::string_view{"\0\r\n", 3}) != std::string_view::npos) return 0;
  check_tags(field);
  check_proxies(field);
  check_networks(field);
  check_keys(field);
  check_negotiation(field);
  return 0;
}
