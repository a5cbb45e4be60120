// Reading, checking and writing one setting's value by its row of the table.
#include "config/log_line.hpp"
#include "config/settings_forms.hpp"
#include "config/settings_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <type_traits>

namespace keyrack {

namespace {

using namespace std::string_view_literals;

template <typename... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

template <typename T>
constexpr bool is_duration = false;
template <typename R, typename P>
constexpr bool is_duration<std::chrono::duration<R, P>> = true;

bool is_number(const setting& of) {
  return std::visit([]<typename T>(place_of<T>) { return std::same_as<T, int> || is_duration<T>; }, of.place);
}
bool is_list(const setting& of) { return std::holds_alternative<place_of<std::vector<std::string>>>(of.place); }
bool is_secret(const setting& of) { return std::holds_alternative<place_of<secret>>(of.place); }

std::string must_be(const setting& of) { return fmt::format("must be {}", allowed_of(of)); }

/// What is wrong with a text, as a sentence; empty: nothing.
std::string fault_of_text(const setting& of, std::string_view text, std::int64_t bytes_max) {
  const bool known = of.one_of.empty() || std::ranges::find(of.one_of, text) != of.one_of.end();
  const bool formed = of.well_formed == nullptr || of.well_formed(text);
  if (!known || !formed) return must_be(of) + (is_secret(of) ? "" : fmt::format(", is \"{}\"", text));
  if (std::ssize(text) > bytes_max) return fmt::format("must have at most {} bytes, has {}", bytes_max, text.size());
  if (std::ranges::any_of(text, [](char c) { return c >= 0 && c < ' '; })) return "must have no control characters";
  return {};
}

std::string fault_of_list(const setting& of, const std::vector<std::string>& texts) {
  constexpr std::int64_t text_bytes_max = 300;
  if (std::ssize(texts) > of.at_most)
    return fmt::format("must have at most {} texts, has {}", of.at_most, texts.size());
  for (const auto& text : texts) {
    if (auto fault = fault_of_text(of, text, text_bytes_max); !fault.empty()) return fault;
  }
  return {};
}

/// Steps of one letter between two words (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

}  // namespace

const setting* find_setting(std::string_view key) {
  const auto found = std::ranges::find(settings_table(), key, &setting::key);
  return found == settings_table().end() ? nullptr : &*found;
}

std::string_view nearest_setting(std::string_view key) {
  const auto far = [&](const setting& of) { return distance(key.substr(0, 80), of.key); };
  const auto nearest = std::ranges::min_element(settings_table(), {}, far);
  return far(*nearest) <= std::max<std::size_t>(2, key.size() / 4) ? nearest->key : ""sv;
}

std::string variable_of(const setting& of) {
  std::string name{"KEYRACK_"};
  for (const char c : of.key) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string allowed_of(const setting& of) {
  if (is_number(of)) return fmt::format("{} … {}", of.at_least, of.at_most);
  if (of.one_of.empty()) return std::string{of.form};
  const auto but_last = of.one_of.first(of.one_of.size() - 1);
  return fmt::format("{} or {}", fmt::join(but_last, ", "), of.one_of.back());
}

std::expected<void, std::string> assign(settings& to, const setting& of, const setting_value& value) {
  const auto number = [&]<typename T>(T& into) -> std::string {
    const auto* given = std::get_if<std::int64_t>(&value);
    if (given == nullptr) return fmt::format("must be a whole number, {}", allowed_of(of));
    if (*given < of.at_least || *given > of.at_most) return fmt::format("{}, is {}", must_be(of), *given);
    into = T(static_cast<int>(*given));
    return {};
  };
  const auto text = [&](auto& into) -> std::string {
    const auto* given = std::get_if<std::string>(&value);
    if (given == nullptr) return "must be a text in quotes";
    if (auto fault = fault_of_text(of, *given, of.at_most); !fault.empty()) return fault;
    into = std::remove_reference_t<decltype(into)>(*given);
    return {};
  };
  const auto list = [&](std::vector<std::string>& into) -> std::string {
    const auto* given = std::get_if<std::vector<std::string>>(&value);
    if (given == nullptr) return "must be a list of texts in quotes";
    if (auto fault = fault_of_list(of, *given); !fault.empty()) return fault;
    into = *given;
    return {};
  };
  const auto fault = std::visit(overloaded{[&](place_of<std::string> place) { return text(place(to)); },
                                           [&](place_of<secret> place) { return text(place(to)); },
                                           [&](place_of<std::vector<std::string>> place) { return list(place(to)); },
                                           [&](auto place) { return number(place(to)); }},
                                of.place);
  if (!fault.empty()) return std::unexpected(fault);
  return {};
}

setting_value parse_setting(const setting& of, std::string_view text) {
  if (is_number(of)) {
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    // What is no number stays a text, which `assign` refuses in its own words.
    if (failed != std::errc{} || end != text.data() + text.size()) return std::string{text};
    return number;
  }
  if (!is_list(of)) return std::string{text};
  std::vector<std::string> texts;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(','));
    texts.emplace_back(one);
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return texts;
}

setting_value value_of(const settings& from, const setting& of) {
  // The table's places give references to change; here they only read.
  auto& readable = const_cast<settings&>(from);
  return std::visit(
      overloaded{[&](place_of<int> place) -> setting_value { return std::int64_t{place(readable)}; },
                 [&](place_of<std::string> place) -> setting_value { return place(readable); },
                 [&](place_of<secret> place) -> setting_value { return mask_connection(place(readable).reveal()); },
                 [&](place_of<std::vector<std::string>> place) -> setting_value { return place(readable); },
                 [&](auto place) -> setting_value { return std::int64_t{place(readable).count()}; }},
      of.place);
}

std::string render(const setting_value& value) {
  std::string out;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out = fmt::to_string(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_text(out, *text);
  } else {
    out = "[";
    for (const auto& one : std::get<std::vector<std::string>>(value)) {
      if (out.size() > 1) out += ", ";
      append_json_text(out, one);
    }
    out += "]";
  }
  return out;
}

}  // namespace keyrack
