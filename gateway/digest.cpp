#include "gateway/digest.hpp"

#include "actors/domain/assert.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>
#include <memory>

namespace keyrack::gateway {
namespace {

/// OpenSSL 3 looks an algorithm up by name at each use unless it is fetched once.
struct hasher {
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

std::uint64_t big_endian(const unsigned char* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void append_big_endian(std::array<char, 24>& to, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) to[at + i] = static_cast<char>(value >> (56 - 8 * i) & 0xFF);
}

/// Random bytes are asked for many at a time: a call of the library costs more than all the rest of a key.
class random_pool {
public:
  std::uint64_t next() {
    if (at_ + sizeof(std::uint64_t) > bytes_.size()) {
      KEYRACK_ASSERT(RAND_bytes(bytes_.data(), static_cast<int>(bytes_.size())) == 1);
      at_ = 0;
    }
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

private:
  std::array<unsigned char, 4096> bytes_{};
  std::size_t at_ = sizeof bytes_;
};

}  // namespace

sha256_hash sha256(std::string_view bytes) {
  thread_local hasher h;
  sha256_hash out{};
  KEYRACK_ASSERT(h.algorithm && h.context);
  KEYRACK_ASSERT(EVP_DigestInit_ex2(h.context.get(), h.algorithm.get(), nullptr) == 1);
  KEYRACK_ASSERT(EVP_DigestUpdate(h.context.get(), bytes.data(), bytes.size()) == 1);
  KEYRACK_ASSERT(EVP_DigestFinal_ex(h.context.get(), out.data(), nullptr) == 1);
  return out;
}

std::uint64_t digest_of(std::string_view canonical) { return big_endian(sha256(canonical).data()); }

request_key key_of_text(std::string_view text) {
  if (const auto uuid = parse_uuid(text)) return *uuid;
  const auto hash = sha256(text);
  return {big_endian(hash.data()), big_endian(hash.data() + 8)};
}

request_key random_key() {
  thread_local random_pool pool;
  auto key = request_key{pool.next(), pool.next()};
  key.high = (key.high & ~0xF000ULL) | 0x4000ULL;            // version 4
  key.low = (key.low & ~(0xC0ULL << 56)) | (0x80ULL << 56);  // variant of RFC 9562
  return key;
}

hotel_id hotel_of(request_key key) {
  std::array<char, 24> bytes{};
  append_big_endian(bytes, 0, key.high);
  append_big_endian(bytes, 8, key.low);
  return {big_endian(sha256({bytes.data(), 16}).data()) >> 4};
}

guest_id guest_of(hotel_id hotel, request_key key) {
  std::array<char, 24> bytes{};
  append_big_endian(bytes, 0, hotel.value);
  append_big_endian(bytes, 8, key.high);
  append_big_endian(bytes, 16, key.low);
  const auto hash = sha256({bytes.data(), bytes.size()});
  return {big_endian(hash.data()) >> 4, big_endian(hash.data() + 8) >> 4};
}

}  // namespace keyrack::gateway
