#include "actors/domain/money.hpp"

#include "actors/domain/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack {

namespace {

// ISO 4217, table A.1, without funds, metals, accounting units and test codes. In order, four characters each: the code
// and its digits after the point.
constexpr std::string_view currencies =
    "AED2AFN2ALL2AMD2AOA2ARS2AUD2AWG2AZN2BAM2BBD2BDT2BHD3BIF0BMD2BND2BOB2BRL2BSD2BTN2BWP2BYN2BZD2CAD2CDF2CHF2CLP0CNY2"
    "COP2CRC2CUP2CVE2CZK2DJF0DKK2DOP2DZD2EGP2ERN2ETB2EUR2FJD2FKP2GBP2GEL2GHS2GIP2GMD2GNF0GTQ2GYD2HKD2HNL2HTG2HUF2IDR2"
    "ILS2INR2IQD3IRR2ISK0JMD2JOD3JPY0KES2KGS2KHR2KMF0KPW2KRW0KWD3KYD2KZT2LAK2LBP2LKR2LRD2LSL2LYD3MAD2MDL2MGA2MKD2MMK2"
    "MNT2MOP2MRU2MUR2MVR2MWK2MXN2MYR2MZN2NAD2NGN2NIO2NOK2NPR2NZD2OMR3PAB2PEN2PGK2PHP2PKR2PLN2PYG0QAR2RON2RSD2RUB2RWF0"
    "SAR2SBD2SCR2SDG2SEK2SGD2SHP2SLE2SOS2SRD2SSP2STN2SVC2SYP2SZL2THB2TJS2TMT2TND3TOP2TRY2TTD2TWD2TZS2UAH2UGX0USD2UYU2"
    "UZS2VED2VES2VND0VUV0WST2XAF0XCD2XCG2XOF0XPF0YER2ZAR2ZMW2ZWG2";
constexpr std::size_t entry_chars = 4;
static_assert(currencies.size() % entry_chars == 0);

// Its place in the table; nothing when it is not there.
std::optional<std::size_t> place_of(std::string_view code) {
  std::size_t low = 0;
  std::size_t high = currencies.size() / entry_chars;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto found = currencies.substr(middle * entry_chars, code.size());
    if (found == code) return middle * entry_chars;
    (found < code ? low : high) = found < code ? middle + 1 : middle;
  }
  return std::nullopt;
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<currency> parse_currency(std::string_view code) {
  if (code.size() != 3 || !place_of(code)) return std::nullopt;
  return currency{{code[0], code[1], code[2]}};
}

int currency_digits(currency c) {
  const auto place = place_of(c.text());
  return place ? currencies[*place + 3] - '0' : 0;
}

std::string amount_text(money m) {
  const int digits = currency_digits(m.currency);
  if (digits == 0) return fmt::format("{}", m.minor);
  std::int64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  const std::string_view sign = m.minor < 0 ? "-" : "";
  const auto whole = m.minor / unit;
  const auto rest = m.minor % unit;
  return fmt::format("{}{}.{:0{}}", sign, whole < 0 ? -whole : whole, rest < 0 ? -rest : rest, digits);
}

std::optional<money> parse_amount(std::string_view amount, currency c) {
  const auto point = amount.find('.');
  const auto whole = amount.substr(0, point);
  const auto fraction = point == std::string_view::npos ? std::string_view{} : amount.substr(point + 1);
  const auto digits = static_cast<std::size_t>(currency_digits(c));
  if (whole.empty() || !all_digits(whole) || !all_digits(fraction)) return std::nullopt;
  if (whole.size() > 1 && whole.front() == '0') return std::nullopt;
  if (point != std::string_view::npos && (fraction.empty() || fraction.size() > digits)) return std::nullopt;
  std::int64_t minor = 0;
  const auto append = [&](char digit) {
    // Past the bound it stays past it, and cannot overflow.
    if (minor <= limits::price_minor_max) minor = minor * 10 + (digit - '0');
  };
  for (const char digit : whole) append(digit);
  for (std::size_t i = 0; i < digits; ++i) append(i < fraction.size() ? fraction[i] : '0');
  if (minor > limits::price_minor_max) return std::nullopt;
  return money{.minor = minor, .currency = c};
}

}  // namespace keyrack
