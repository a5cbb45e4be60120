// The program of another version, for tests/cluster/test_two_versions.py: linked instead of cluster/protocol.cpp, all else is
// the program's own. Which versions it speaks is told by SPEAKS ("1-2"), so that one binary is older, newer and too new.
// From version 2 on every message about a hotel has a field that version 1 does not know, in front of the others.
#include "cluster/protocol.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdio>
#include <cstdlib>

namespace keyrack::cluster {

namespace {

protocol_range told() {
  protocol_range range;
  const char* speaks = std::getenv("SPEAKS");
  if (speaks == nullptr || std::sscanf(speaks, "%u-%u", &range.min, &range.max) != 2) {
    std::fputs("SPEAKS must say which versions, such as 1-2\n", stderr);
    std::exit(2);
  }
  return range;
}

constexpr int field_of_version_2 = 2'047;

std::string news() {
  using google::protobuf::internal::WireFormatLite;
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream{&out};
    google::protobuf::io::CodedOutputStream to{&stream};
    WireFormatLite::WriteString(field_of_version_2, "what version 1 has not heard of", &to);
  }
  return out;
}

}  // namespace

const protocol_range link_versions = told();
const std::uint32_t wire_version = link_versions.max;

std::string message_bytes(const google::protobuf::MessageLite& message) {
  auto out = wire_version >= 2 ? news() : std::string{};
  return out += message.SerializeAsString();
}

}  // namespace keyrack::cluster
