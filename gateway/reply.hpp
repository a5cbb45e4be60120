// An answer before it is bytes. Owns status, body, fields and what it rests on; refuses to know connections.
#pragma once

#include "actors/envelope.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace keyrack::gateway {

struct reply {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = "application/json";  ///< a literal
  std::string_view cache_control = "no-store";         ///< a literal
  std::string fields;                                  ///< further lines of the head, each with its end
  basis rests_on = durable{};                          ///< checked when the answer leaves
  bool no_body = false;                                ///< 204 and 304

  /// Adds a line to the head. REQUIRES: neither has line ends in it.
  void field(std::string_view name, std::string_view value) {
    fields += name;
    fields += ": ";
    fields += value;
    fields += "\r\n";
  }
  void field(std::string_view name, std::uint64_t value);
  /// `ETag: "version"`.
  void etag(std::uint64_t version);
};

/// Every status that the gateway gives has a small number, below 32, for tables of counters.
std::size_t status_column(unsigned status);
/// The reason phrase of a status that the gateway gives.
std::string_view reason_phrase(unsigned status);

}  // namespace keyrack::gateway
