// Foreign bytes as a query and as what stands in it and in paths: parameters, dates, numbers, ids. What is taken is one of
// what is allowed, once; what is refused is named; and whatever is read is written with the same letters again.
#include "actors/domain/assert.hpp"
#include "actors/domain/ids.hpp"
#include "actors/domain/money.hpp"
#include "actors/domain/stay.hpp"
#include "gateway/query_string.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace keyrack;
using namespace keyrack::gateway;

namespace {

constexpr std::string_view allowed = "check_in check_out guests rooms limit cursor guest_name";
constexpr std::size_t parameters_max = 32;

void check_percent(std::string_view text) {
  const auto encoded = percent_encoded(text);
  const bool control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  const auto back = percent_decoded(encoded, true);
  KEYRACK_ASSERT(back.has_value() != control && (control || *back == text));
  if (const auto decoded = percent_decoded(text, false)) {
    KEYRACK_ASSERT(decoded->size() <= text.size());
    KEYRACK_ASSERT(percent_decoded(percent_encoded(*decoded), false) == decoded);
  }
}

void check_values(query_parameters& query) {
  auto faults = query.faults().size();
  const auto day = query.day("check_in");
  if (day) KEYRACK_ASSERT(to_text(*day) == query.text("check_in"));
  if (query.has("check_in") && !day) ++faults;
  const auto rooms = query.number("rooms", 1, 100'000);
  if (rooms) KEYRACK_ASSERT(*rooms >= 1 && *rooms <= 100'000);
  if (query.has("rooms") && !rooms) ++faults;
  KEYRACK_ASSERT(query.faults().size() == faults);
  query.need("limit");
  KEYRACK_ASSERT(query.has("limit") || !query.faults().empty());
}

void check_query(std::string_view text) {
  query_parameters query{text, allowed};
  const auto pairs = text.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(text, '&')) + 1;
  std::size_t taken = 0;
  std::string again;
  query.for_each([&](std::string_view name, std::string_view value) {
    KEYRACK_ASSERT((" " + std::string{allowed} + " ").find(" " + std::string{name} + " ") != std::string::npos);
    KEYRACK_ASSERT(!value.empty() && query.text(name) == value);
    again += (taken++ == 0 ? "" : "&") + percent_encoded(name) + '=' + percent_encoded(value);
  });
  // Every pair is taken or a fault; only one that ends the query may be nothing.
  const auto seen = taken + query.faults().size();
  KEYRACK_ASSERT(seen <= parameters_max + 1 && (seen > parameters_max || seen + 1 >= pairs) && seen <= pairs);
  for (const auto& wrong : query.faults()) KEYRACK_ASSERT(wrong.pointer.starts_with('?') && !wrong.code.empty());

  const query_parameters reread{again, allowed};
  KEYRACK_ASSERT(reread.faults().empty());
  reread.for_each([&](std::string_view name, std::string_view value) {
    KEYRACK_ASSERT(query.text(name) == value);
    --taken;
  });
  KEYRACK_ASSERT(taken == 0);
  check_values(query);
}

/// People may write capitals, and o, i, l for digits: the text that is written has none of them, and reads the same.
void check_ids(std::string_view text) {
  if (const auto id = parse_hotel_id(text)) KEYRACK_ASSERT(parse_hotel_id(to_text(*id)) == id && id->value >> 60 == 0);
  if (const auto id = parse_guest_id(text)) KEYRACK_ASSERT(parse_guest_id(to_text(*id)) == id && id->high >> 60 == 0);
  if (const auto id = parse_reservation_id(text)) {
    KEYRACK_ASSERT(id->number.value > 0 && to_text(*id).size() == text.size());
    KEYRACK_ASSERT(parse_reservation_id(to_text(*id)) == id);
  }
  if (const auto key = parse_uuid(text)) {
    const auto written = to_uuid_text(*key);
    KEYRACK_ASSERT(
        std::ranges::equal(written, text, [](char ours, char c) { return ours == c || ours == (c | 0x20); }));
  }
}

void check_values_of_fields(std::string_view text) {
  if (const auto day = parse_date(text)) KEYRACK_ASSERT(to_text(*day) == text);
  if (const auto day = parse_weekday(text)) KEYRACK_ASSERT(to_text(*day) == text);
  if (const auto code = parse_currency(text)) KEYRACK_ASSERT(code->text() == text);
  for (const auto* code : {"EUR", "JPY", "KWD"}) {
    const auto paid_in = parse_currency(code).value();
    if (const auto amount = parse_amount(text, paid_in)) {
      KEYRACK_ASSERT(amount->minor >= 0 && amount->currency == paid_in);
      KEYRACK_ASSERT(parse_amount(amount_text(*amount), paid_in) == amount);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  check_percent(text);
  check_query(text);
  check_ids(text);
  check_values_of_fields(text);
  return 0;
}
