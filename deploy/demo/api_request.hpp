// One request of the API before it is sent. A value.
#pragma once

#include <string>
#include <string_view>

namespace keyrack::demo {

struct api_request {
  std::string_view method;  ///< "POST"; of static storage
  std::string target;
  std::string key;   ///< Idempotency-Key; none when empty
  std::string body;  ///< JSON; none when empty
};

}  // namespace keyrack::demo
