// Money: whole minor units of an ISO 4217 currency, never a float. Owns the currencies' digits and the decimal text form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack {

/// An ISO 4217 code. Default-constructed it is no currency.
struct currency {
  std::array<char, 3> code{};
  auto operator<=>(const currency&) const = default;
  std::string_view text() const { return {code.data(), code.size()}; }
};

/// `minor` whole minor units: 412.50 EUR is 41250, 412 JPY is 412.
struct money {
  std::int64_t minor = 0;
  keyrack::currency currency;
  auto operator<=>(const money&) const = default;
};

/// Nothing unless `code` is an ISO 4217 currency in use, in capitals.
std::optional<currency> parse_currency(std::string_view code);

/// Digits after the point: 2 for most, 0 for JPY, 3 for KWD. ISO 4217, table A.1.
int currency_digits(currency c);

/// `412.50`: always with the currency's number of digits.
std::string amount_text(money m);

/// A decimal amount with at most the currency's digits after the point, from 0 up to `limits::price_minor_max`, without
/// exponent, sign or spaces; nothing otherwise.
std::optional<money> parse_amount(std::string_view amount, currency c);

}  // namespace keyrack
