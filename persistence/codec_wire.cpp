#include "persistence/codec_wire.hpp"

#include <array>
#include <limits>

namespace keyrack::persistence::wire {
namespace {

enum wire_type : std::uint64_t { varint_type = 0, fixed64_type = 1, length_type = 2, fixed32_type = 5 };

void append_varint(std::string& out, std::uint64_t value) {
  std::array<char, 10> bytes{};
  std::size_t n = 0;
  for (; value >= 0x80; value >>= 7) bytes[n++] = static_cast<char>(value | 0x80);
  bytes[n++] = static_cast<char>(value);
  out.append(bytes.data(), n);
}

void append_sized(std::string& out, const google::protobuf::MessageLite& m, std::size_t size) {
  const auto at = out.size();
  out.resize(at + size);
  m.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + at));
}

}  // namespace

void append_message(std::string& out, const google::protobuf::MessageLite& m) {
  append_sized(out, m, m.ByteSizeLong());
}

void append_element(std::string& out, std::uint32_t field, const google::protobuf::MessageLite& m) {
  const auto size = m.ByteSizeLong();
  append_varint(out, field << 3 | length_type);
  append_varint(out, size);
  append_sized(out, m, size);
}

bool parse_canonical(google::protobuf::MessageLite& m, std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
  if (!m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || m.ByteSizeLong() != bytes.size()) return false;
  std::array<char, 1024> near{};  // most messages fit
  std::string far(bytes.size() <= near.size() ? 0 : bytes.size(), '\0');
  char* const again = far.empty() ? near.data() : far.data();
  m.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(again));
  return std::string_view{again, bytes.size()} == bytes;
}

std::optional<std::uint64_t> field_reader::varint() {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10 && i < rest_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
    if (byte >= 0x80) continue;
    if (i > 0 && byte == 0) return std::nullopt;  // longer than needed
    rest_.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

std::uint32_t field_reader::peek() const {
  auto ahead = *this;
  const auto tag = ahead.varint();
  return tag && *tag <= std::numeric_limits<std::uint32_t>::max() ? static_cast<std::uint32_t>(*tag >> 3) : 0;
}

std::optional<std::string_view> field_reader::take(std::uint32_t field) {
  const auto tag = varint();
  if (tag != (static_cast<std::uint64_t>(field) << 3 | length_type)) return std::nullopt;
  const auto size = varint();
  if (!size || *size > rest_.size()) return std::nullopt;
  const auto bytes = rest_.substr(0, *size);
  rest_.remove_prefix(*size);
  return bytes;
}

bool field_reader::skip() {
  const auto tag = varint();
  if (!tag) return false;
  std::optional<std::uint64_t> size;
  switch (*tag & 7) {
  case varint_type: return varint().has_value();
  case fixed64_type: size = 8; break;
  case fixed32_type: size = 4; break;
  case length_type: size = varint(); break;
  default: return false;
  }
  if (!size || *size > rest_.size()) return false;
  rest_.remove_prefix(*size);
  return true;
}

}  // namespace keyrack::persistence::wire
