#include "gateway/reply.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace keyrack::gateway {
namespace {

struct status_phrase {
  unsigned status;
  std::string_view phrase;
};
constexpr std::array phrases{
    status_phrase{200, "OK"},
    status_phrase{201, "Created"},
    status_phrase{204, "No Content"},
    status_phrase{304, "Not Modified"},
    status_phrase{400, "Bad Request"},
    status_phrase{404, "Not Found"},
    status_phrase{405, "Method Not Allowed"},
    status_phrase{406, "Not Acceptable"},
    status_phrase{408, "Request Timeout"},
    status_phrase{409, "Conflict"},
    status_phrase{410, "Gone"},
    status_phrase{412, "Precondition Failed"},
    status_phrase{413, "Content Too Large"},
    status_phrase{415, "Unsupported Media Type"},
    status_phrase{417, "Expectation Failed"},
    status_phrase{422, "Unprocessable Content"},
    status_phrase{429, "Too Many Requests"},
    status_phrase{431, "Request Header Fields Too Large"},
    status_phrase{500, "Internal Server Error"},
    status_phrase{503, "Service Unavailable"},
    status_phrase{504, "Gateway Timeout"},
};
static_assert(phrases.size() < 32);

}  // namespace

void reply::field(std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  field(name, std::string_view{digits.data(), end});
}

void reply::etag(std::uint64_t version) {
  std::array<char, 22> text;
  text.front() = '"';
  auto* end = std::to_chars(text.data() + 1, text.data() + text.size() - 1, version).ptr;
  *end++ = '"';
  field("ETag", std::string_view{text.data(), end});
}

std::size_t status_column(unsigned status) {
  return static_cast<std::size_t>(std::ranges::find(phrases, status, &status_phrase::status) - phrases.begin());
}

std::string_view reason_phrase(unsigned status) {
  const auto* known = std::ranges::find(phrases, status, &status_phrase::status);
  return known == phrases.end() ? "Unknown" : known->phrase;
}

}  // namespace keyrack::gateway
