// Forms of settings' texts. Refuses to resolve, open or connect anything.
#include "config/settings_forms.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace keyrack {

namespace {

using namespace std::string_view_literals;

constexpr auto masked = "***"sv;
constexpr std::array harmless{"host"sv,    "hostaddr"sv, "port"sv,    "dbname"sv,
                              "user"sv,    "sslmode"sv,  "options"sv, "target_session_attrs"sv,
                              "passfile"sv};

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Bits of the address family; 0 if it is no address.
int address_bits(std::string_view text) {
  std::array<unsigned char, 16> out{};
  const std::string terminated{text};
  if (inet_pton(AF_INET, terminated.c_str(), out.data()) == 1) return 32;
  return inet_pton(AF_INET6, terminated.c_str(), out.data()) == 1 ? 128 : 0;
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.front() != '-' && text.back() != '-' &&
         text.find("..") == text.npos &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

bool is_number_up_to(std::string_view text, int most) {
  int number = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc{} && end == text.data() + text.size() && number >= 0 && number <= most;
}

bool is_harmless(std::string_view keyword) { return std::ranges::find(harmless, keyword) != harmless.end(); }

/// The parameters behind a URI's question mark: `a=b&c=d`.
void append_masked_query(std::string& out, std::string_view query) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    const auto keyword = pair.substr(0, pair.find('='));
    if (is_harmless(keyword)) {
      out += pair;
    } else {
      out += keyword;
      out += '=';
      out += masked;
    }
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!query.empty()) out += '&';
  }
}

std::string mask_uri(std::string_view url, std::size_t after_scheme) {
  std::string out{url.substr(0, after_scheme)};
  auto rest = url.substr(after_scheme);
  // The last @, not the first: a password with an @ in it is shown too little rather than too much.
  if (const auto at = rest.rfind('@'); at != rest.npos) {
    const auto user = rest.substr(0, std::min(at, rest.find(':')));
    out += user;
    if (user.size() < at) {
      out += ':';
      out += masked;
    }
    rest.remove_prefix(at);
  }
  const auto question = rest.find('?');
  out += rest.substr(0, question);
  if (question != rest.npos) {
    out += '?';
    append_masked_query(out, rest.substr(question + 1));
  }
  return out;
}

/// Length of a value in a key=value string: up to a space, or to its closing quote; a backslash hides the next character.
std::size_t value_length(std::string_view text) {
  const bool quoted = text.starts_with('\'');
  std::size_t i = quoted ? 1 : 0;
  while (i < text.size()) {
    if (text[i] == '\\') {
      i += 2;
    } else if (quoted && text[i] == '\'') {
      return i + 1;
    } else if (!quoted && text[i] == ' ') {
      break;
    } else {
      ++i;
    }
  }
  return std::min(i, text.size());
}

std::string_view without_spaces_before(std::string_view text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  return text;
}

std::string mask_pairs(std::string_view url) {
  std::string out;
  for (url = without_spaces_before(url); !url.empty(); url = without_spaces_before(url)) {
    const auto equals = url.find('=');
    if (equals == url.npos) return out.append(masked);  // not a pair: may be anything, a password too
    auto keyword = url.substr(0, equals);
    keyword = keyword.substr(0, keyword.find(' '));
    url = without_spaces_before(url.substr(equals + 1));
    const auto value = url.substr(0, value_length(url));
    url.remove_prefix(value.size());
    if (!out.empty()) out += ' ';
    out.append(keyword).append("=").append(is_harmless(keyword) ? value : masked);
  }
  return out;
}

}  // namespace

bool is_not_empty(std::string_view text) { return !text.empty(); }

bool is_node_name(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_host(std::string_view text) { return address_bits(text) > 0 || is_host_name(text); }

bool is_network(std::string_view text) {
  const auto slash = text.find('/');
  const int bits = address_bits(text.substr(0, slash));
  return bits > 0 && (slash == text.npos || is_number_up_to(text.substr(slash + 1), bits));
}

bool is_origin(std::string_view text) {
  if (text == "*") return true;
  const auto colon = text.find("://");
  if (colon == text.npos || (text.substr(0, colon) != "http" && text.substr(0, colon) != "https")) return false;
  auto host = text.substr(colon + 3);
  if (const auto port = host.find_last_of(":]"); port != host.npos && host[port] == ':') {
    if (!is_number_up_to(host.substr(port + 1), 65'535)) return false;
    host = host.substr(0, port);
  }
  if (host.starts_with('[') && host.ends_with(']')) return address_bits(host.substr(1, host.size() - 2)) == 128;
  return is_host_name(host);
}

std::string mask_connection(std::string_view url) {
  for (const auto scheme : {"postgresql://"sv, "postgres://"sv}) {
    if (url.starts_with(scheme)) return mask_uri(url, scheme.size());
  }
  return mask_pairs(url);
}

}  // namespace keyrack
