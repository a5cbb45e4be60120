#include "deploy/demo/cities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace keyrack::demo {
namespace {

constexpr std::size_t columns = 11;

/// Cuts `text` at the first `mark`: what stands before it is returned, `text` is left with what comes after.
std::string_view cut(std::string_view& text, char mark) {
  const auto end = text.find(mark);
  const auto head = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return head;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<city> parse_row(std::string_view line) {
  if (static_cast<std::size_t>(std::ranges::count(line, '\t')) + 1 != columns) return std::nullopt;
  std::array<std::string_view, columns> cell;
  for (auto& text : cell) text = cut(line, '\t');
  const auto lat = number<double>(cell[3]);
  const auto lon = number<double>(cell[4]);
  const auto population = number<std::int64_t>(cell[5]);
  const auto price = number<std::int64_t>(cell[9]);
  const auto paid_in = parse_currency(cell[7]);
  if (!lat || !lon || !population || !price || *price <= 0 || !paid_in) return std::nullopt;
  return city{.name = std::string(cell[0]),
              .ascii = std::string(cell[1]),
              .country = std::string(cell[2]),
              .lat = *lat,
              .lon = *lon,
              .population = *population,
              .time_zone = std::string(cell[6]),
              .currency = *paid_in,
              .language = std::string(cell[8]),
              .double_price = *price};
}

}  // namespace

std::expected<std::vector<city>, std::string> parse_cities(std::string_view text) {
  std::vector<city> cities;
  for (int line_number = 1; !text.empty(); ++line_number) {
    const auto line = cut(text, '\n');
    if (line.empty() || line.starts_with('#')) continue;
    auto row = parse_row(line);
    if (!row) return std::unexpected(fmt::format("line {}: not a city in {} columns: {}", line_number, columns, line));
    cities.push_back(std::move(*row));
  }
  if (cities.empty()) return std::unexpected(std::string("no city in the table"));
  return cities;
}

}  // namespace keyrack::demo
