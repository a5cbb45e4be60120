// Object ids are those of pg_type.dat, fixed since PostgreSQL 7; the layout of arrays is that of array_recv.
#include "persistence/pg_params.hpp"

#include "actors/domain/assert.hpp"

#include <climits>
#include <type_traits>

namespace keyrack::persistence {

namespace {

namespace oid {
constexpr std::uint32_t boolean = 16;
constexpr std::uint32_t bytea = 17;
constexpr std::uint32_t int8 = 20;
constexpr std::uint32_t int2 = 21;
constexpr std::uint32_t int4 = 23;
constexpr std::uint32_t text = 25;
constexpr std::uint32_t timestamptz = 1184;
constexpr std::uint32_t bytea_array = 1001;
constexpr std::uint32_t int2_array = 1005;
constexpr std::uint32_t text_array = 1009;
constexpr std::uint32_t int8_array = 1016;
constexpr std::uint32_t timestamptz_array = 1185;
}  // namespace oid

constexpr std::int64_t us_1970_to_2000 = 946'684'800'000'000;

}  // namespace

std::int64_t to_pg_microseconds(instant at) { return at.time_since_epoch().count() - us_1970_to_2000; }

instant from_pg_microseconds(std::int64_t us) { return instant{std::chrono::microseconds{us + us_1970_to_2000}}; }

void pg_params::begin(std::uint32_t type) { values_.push_back({.type = type, .begin = bytes_.size(), .length = 0}); }

void pg_params::end() {
  const auto length = bytes_.size() - values_.back().begin;
  KEYRACK_ASSERT(length <= INT_MAX);
  values_.back().length = static_cast<int>(length);
}

template <typename T>
void pg_params::number(T value) {
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<char>(static_cast<unsigned char>(bits >> shift)));
  }
}

void pg_params::array_header(std::uint32_t element_type, std::size_t count) {
  KEYRACK_ASSERT(count <= INT_MAX);
  number<std::int32_t>(count == 0 ? 0 : 1);  // dimensions
  number<std::int32_t>(0);                   // no nulls
  number<std::uint32_t>(element_type);
  if (count == 0) return;
  number(static_cast<std::int32_t>(count));
  number<std::int32_t>(1);  // lower bound
}

void pg_params::int64_array(std::uint32_t type, std::uint32_t element_type, std::span<const std::int64_t> values) {
  begin(type);
  array_header(element_type, values.size());
  for (const auto v : values) {
    number<std::int32_t>(sizeof v);
    number(v);
  }
  end();
}

pg_params& pg_params::int2(std::int16_t value) {
  begin(oid::int2);
  number(value);
  end();
  return *this;
}

pg_params& pg_params::int4(std::int32_t value) {
  begin(oid::int4);
  number(value);
  end();
  return *this;
}

pg_params& pg_params::int8(std::int64_t value) {
  begin(oid::int8);
  number(value);
  end();
  return *this;
}

pg_params& pg_params::boolean(bool value) {
  begin(oid::boolean);
  bytes_.push_back(value ? 1 : 0);
  end();
  return *this;
}

pg_params& pg_params::text(std::string_view value) {
  begin(oid::text);
  bytes_ += value;
  end();
  return *this;
}

pg_params& pg_params::text_or_null(std::optional<std::string_view> value) {
  if (value) return text(*value);
  begin(oid::text);
  values_.back().length = -1;
  return *this;
}

pg_params& pg_params::bytea(std::string_view value) {
  begin(oid::bytea);
  bytes_ += value;
  end();
  return *this;
}

pg_params& pg_params::timestamptz(instant value) {
  begin(oid::timestamptz);
  number(to_pg_microseconds(value));
  end();
  return *this;
}

pg_params& pg_params::int2_array(std::span<const std::int16_t> values) {
  begin(oid::int2_array);
  array_header(oid::int2, values.size());
  for (const auto v : values) {
    number<std::int32_t>(sizeof v);
    number(v);
  }
  end();
  return *this;
}

pg_params& pg_params::int8_array(std::span<const std::int64_t> values) {
  int64_array(oid::int8_array, oid::int8, values);
  return *this;
}

pg_params& pg_params::timestamptz_array(std::span<const std::int64_t> values) {
  int64_array(oid::timestamptz_array, oid::timestamptz, values);
  return *this;
}

pg_params& pg_params::text_array(std::span<const std::string_view> values) {
  begin(oid::text_array);
  array_header(oid::text, values.size());
  for (const auto v : values) {
    KEYRACK_ASSERT(v.size() <= INT_MAX);
    number(static_cast<std::int32_t>(v.size()));
    bytes_ += v;
  }
  end();
  return *this;
}

pg_params& pg_params::bytea_array(std::span<const std::string_view> values) {
  begin(oid::bytea_array);
  array_header(oid::bytea, values.size());
  for (const auto v : values) {
    KEYRACK_ASSERT(v.size() <= INT_MAX);
    number(static_cast<std::int32_t>(v.size()));
    bytes_ += v;
  }
  end();
  return *this;
}

}  // namespace keyrack::persistence
