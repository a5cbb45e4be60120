// The requests of a file, rendered once, and a fresh id written into each as it is sent. Knows no socket.
#pragma once

#include <cstdint>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack::bench {

/// One request as it goes over the wire; `id_at` is where its 36 characters of request id begin, or npos.
struct rendered_request {
  std::string text;
  std::size_t id_at = std::string::npos;
};

/// Reads a file of `METHOD PATH [BODY]` lines. Throws std::runtime_error when there is none, or a line has no path.
inline std::vector<rendered_request> read_requests(const std::string& path, std::uint16_t port) {
  constexpr std::string_view placeholder = "00000000-0000-4000-8000-000000000000";
  std::ifstream file{path};
  std::vector<rendered_request> requests;
  for (std::string line; std::getline(file, line);) {
    const auto method_end = line.find(' ');
    if (method_end == std::string::npos) throw std::runtime_error("a request without a path in " + path);
    const auto path_end = line.find(' ', method_end + 1);
    const std::string body = path_end == std::string::npos ? "" : line.substr(path_end + 1);
    std::string text = line.substr(0, path_end) + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n";
    if (!body.empty()) {
      text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    }
    text += "\r\n" + body;
    const auto id_at = text.find(placeholder);
    requests.push_back({.text = std::move(text), .id_at = id_at});
  }
  if (requests.empty()) throw std::runtime_error("no requests in " + path);
  return requests;
}

/// A random source that is cheap enough to be asked for every request (xorshift64*), seeded from the kernel.
class random_source {
public:
  random_source() : state_{(std::uint64_t{std::random_device{}()} << 32U) | std::random_device{}() | 1U} {}

  std::uint64_t next() {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return state_ * 0x2545F4914F6CDD1DULL;
  }

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>((next() >> 32U) * bound >> 32U); }

private:
  std::uint64_t state_;
};

/// Overwrites the placeholder at `to` with a random UUID (version 4); dashes, version and variant stay as they stand.
inline void write_id(char* to, random_source& random) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::uint64_t bits = random.next();
  for (int i = 0; i < 36; ++i) {
    if (i == 18) bits = random.next();
    if (i != 8 && i != 13 && i != 14 && i != 18 && i != 19 && i != 23) {
      to[i] = hex[bits & 15U];
      bits >>= 4U;
    }
  }
}

}  // namespace keyrack::bench
