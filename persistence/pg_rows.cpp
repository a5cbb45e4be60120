// Reads the binary values of a result: integers in network order, timestamps in microseconds since 2000.
#include "actors/domain/assert.hpp"
#include "persistence/pg_connection.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <string_view>

namespace keyrack::persistence {

namespace {

const PGresult* raw(const std::shared_ptr<const void>& result) { return static_cast<const PGresult*>(result.get()); }

}  // namespace

int pg_rows::rows() const { return result_ ? PQntuples(raw(result_)) : 0; }

std::int64_t pg_rows::affected() const {
  if (!result_) return 0;
  const std::string_view text{PQcmdTuples(const_cast<PGresult*>(raw(result_)))};
  std::int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

std::string_view pg_rows::value(int row, int column) const {
  KEYRACK_ASSERT(result_ && row >= 0 && row < rows() && column >= 0 && column < PQnfields(raw(result_)));
  return {PQgetvalue(raw(result_), row, column), static_cast<std::size_t>(PQgetlength(raw(result_), row, column))};
}

bool pg_rows::is_null(int row, int column) const {
  value(row, column);
  return PQgetisnull(raw(result_), row, column) != 0;
}

std::int64_t pg_rows::integer(int row, int column) const {
  const auto bytes = value(row, column);
  KEYRACK_ASSERT(bytes.size() == 2 || bytes.size() == 4 || bytes.size() == 8);
  std::uint64_t bits = static_cast<signed char>(bytes.front()) < 0 ? ~std::uint64_t{0} : 0;  // its sign, extended
  for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(bits);
}

bool pg_rows::boolean(int row, int column) const {
  const auto bytes = value(row, column);
  KEYRACK_ASSERT(bytes.size() == 1);
  return bytes.front() != 0;
}

std::string_view pg_rows::bytes(int row, int column) const { return value(row, column); }

instant pg_rows::timestamptz(int row, int column) const { return from_pg_microseconds(integer(row, column)); }

}  // namespace keyrack::persistence
