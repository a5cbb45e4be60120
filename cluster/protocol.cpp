#include "cluster/protocol.hpp"

#include <google/protobuf/message_lite.h>

namespace keyrack::cluster {

const protocol_range link_versions{.min = 1, .max = 1};
const std::uint32_t wire_version = 1;

std::string message_bytes(const google::protobuf::MessageLite& message) {
  std::string out(message.ByteSizeLong(), '\0');
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

}  // namespace keyrack::cluster
