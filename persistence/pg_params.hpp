// Parameters of a statement in PostgreSQL's binary format: no quoting, no hexadecimal, arrays as one value each.
// Owns the wire form of the few types that Keyrack uses; refuses to know statements and connections.
#pragma once

#include "actors/domain/stay.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::persistence {

/// Built by chained calls, in the order of $1, $2 …; copies what it is given.
class pg_params {
public:
  pg_params& int2(std::int16_t value);
  pg_params& int4(std::int32_t value);
  pg_params& int8(std::int64_t value);
  /// The same 64 bits: PostgreSQL has no unsigned integers, and ours stay below 2^63.
  pg_params& int8(std::uint64_t value) { return int8(static_cast<std::int64_t>(value)); }
  pg_params& boolean(bool value);
  pg_params& text(std::string_view value);
  pg_params& text_or_null(std::optional<std::string_view> value);
  pg_params& bytea(std::string_view value);
  pg_params& timestamptz(instant value);

  pg_params& int2_array(std::span<const std::int16_t> values);
  pg_params& int8_array(std::span<const std::int64_t> values);
  /// Each in microseconds as `to_pg_microseconds` gives them.
  pg_params& timestamptz_array(std::span<const std::int64_t> values);
  pg_params& text_array(std::span<const std::string_view> values);
  pg_params& bytea_array(std::span<const std::string_view> values);

  struct parameter {
    std::uint32_t type = 0;  ///< object id of the type in pg_type
    std::size_t begin = 0;   ///< in `bytes()`
    int length = 0;          ///< -1: null
  };
  const std::vector<parameter>& values() const { return values_; }
  const std::string& bytes() const { return bytes_; }

private:
  void begin(std::uint32_t type);
  void end();
  void int64_array(std::uint32_t type, std::uint32_t element_type, std::span<const std::int64_t> values);
  void array_header(std::uint32_t element_type, std::size_t count);
  template <typename T>
  void number(T value);

  std::string bytes_;
  std::vector<parameter> values_;
};

/// Microseconds since 2000-01-01, which is how PostgreSQL sends a timestamptz.
std::int64_t to_pg_microseconds(instant at);
instant from_pg_microseconds(std::int64_t us);

}  // namespace keyrack::persistence
