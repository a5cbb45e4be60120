// Goal: an amount is exact in its currency's minor units, or it is refused.
#include "actors/domain/limits.hpp"
#include "actors/domain/money.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace keyrack {
namespace {

currency of(std::string_view code) { return parse_currency(code).value(); }

TEST(Currency, HasTheDigitsOfIso4217) {
  for (const auto* code : {"EUR", "USD", "CHF", "GBP", "THB", "MGA", "MRU", "AED", "ZWG"})
    EXPECT_EQ(currency_digits(of(code)), 2) << code;
  for (const auto* code : {"JPY", "KRW", "VND", "CLP", "ISK", "XAF", "XOF", "XPF", "UGX", "PYG"})
    EXPECT_EQ(currency_digits(of(code)), 0) << code;
  for (const auto* code : {"KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"})
    EXPECT_EQ(currency_digits(of(code)), 3) << code;
}

TEST(Currency, IsNothingWhenItIsNotInUse) {
  for (const auto* code :
       {"", "EU", "EURO", "eur", "Eur", "XXX", "XTS", "XAU", "DEM", "HRK", "EU\0", "ZZZ", "AAA", "2EU"})
    EXPECT_EQ(parse_currency(code), std::nullopt) << code;
}

TEST(Amount, IsWrittenWithTheCurrencysDigits) {
  EXPECT_EQ(amount_text({41250, of("EUR")}), "412.50");
  EXPECT_EQ(amount_text({5, of("EUR")}), "0.05");
  EXPECT_EQ(amount_text({0, of("EUR")}), "0.00");
  EXPECT_EQ(amount_text({412, of("JPY")}), "412");
  EXPECT_EQ(amount_text({1005, of("KWD")}), "1.005");
  EXPECT_EQ(amount_text({-5, of("EUR")}), "-0.05");
  EXPECT_EQ(amount_text({-41250, of("EUR")}), "-412.50");
}

TEST(Amount, IsReadWithFewerDigitsThanTheCurrencyHas) {
  EXPECT_EQ(parse_amount("412.5", of("EUR"))->minor, 41250);
  EXPECT_EQ(parse_amount("412", of("EUR"))->minor, 41200);
  EXPECT_EQ(parse_amount("0", of("KWD"))->minor, 0);
  EXPECT_EQ(parse_amount("1.05", of("KWD"))->minor, 1050);
}

TEST(Amount, IsNothingWhenItIsNotOne) {
  for (const auto* amount :
       {"",     ".",     "1.",    ".5",  "-1", "+1",  " 1",  "1 ",    "1e9",          "1E2",  "0x10",
        "1,50", "1.234", "1.2.3", "007", "00", "NaN", "inf", "1_000", "\xEF\xBC\x91", "1.5a", "--1"})
    EXPECT_EQ(parse_amount(amount, of("EUR")), std::nullopt) << amount;
  EXPECT_EQ(parse_amount("1.5", of("JPY")), std::nullopt);
  EXPECT_EQ(parse_amount("1.0", of("JPY")), std::nullopt);
}

TEST(Amount, EndsAtTheBound) {
  EXPECT_EQ(parse_amount("1000000000.00", of("EUR"))->minor, limits::price_minor_max);
  EXPECT_EQ(parse_amount("1000000000.01", of("EUR")), std::nullopt);
  EXPECT_EQ(parse_amount("100000000000", of("JPY"))->minor, limits::price_minor_max);
  EXPECT_EQ(parse_amount("100000000001", of("JPY")), std::nullopt);
  EXPECT_EQ(parse_amount("9223372036854775808", of("EUR")), std::nullopt);
  EXPECT_EQ(parse_amount(std::string(10'000, '9'), of("EUR")), std::nullopt);
}

RC_GTEST_PROP(Amount, IsReadAsItWasWritten, (std::uint64_t drawn, std::uint8_t which)) {
  const auto c = of(which % 3 == 0 ? "EUR" : which % 3 == 1 ? "JPY" : "KWD");
  const money m{.minor = static_cast<std::int64_t>(drawn % (limits::price_minor_max + 1)), .currency = c};
  RC_ASSERT(parse_amount(amount_text(m), c) == m);
}

}  // namespace
}  // namespace keyrack
