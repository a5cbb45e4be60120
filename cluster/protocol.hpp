// Which versions this program speaks with other nodes. Defined in a file of their own, protocol.cpp, with the one function
// through which all messages leave: so a test can link the program of another version and run it beside this one.
#pragma once

#include "cluster/transport.hpp"

#include <cstdint>
#include <string>

namespace google::protobuf {
class MessageLite;
}

namespace keyrack::cluster {

/// Of the links: see transport.proto. One more than before for one rolling upgrade, then the older is dropped.
extern const protocol_range link_versions;

/// Of the format of what they carry: see envelope.proto. Raised with a field that an older reader must not pass over.
extern const std::uint32_t wire_version;

/// What goes to another node, as bytes.
std::string message_bytes(const google::protobuf::MessageLite& message);

}  // namespace keyrack::cluster
