// Framing for the codec: repeated messages are written and read one at a time, so that neither a long commit nor a
// snapshot of a million reservations exists as Protobuf objects. What is written is plain Protobuf. Owns the scratch
// arena; refuses to know what the messages mean.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keyrack::persistence::wire {

/// The first thing that is wrong with foreign bytes. Checks go on after one has failed: they only read values.
class fault {
public:
  /// Keeps `why` (a literal) unless `holds`, or something was wrong before.
  bool require(bool holds, const char* why) {
    if (!holds && why_ == nullptr) why_ = why;
    return holds;
  }
  explicit operator bool() const { return why_ != nullptr; }
  const char* why() const { return why_; }

private:
  const char* why_ = nullptr;
};

/// Every message of a payload, at every level, passes through here.
inline void require_known(const google::protobuf::Message& m, fault& f) {
  f.require(m.GetReflection()->GetUnknownFields(m).empty(), "a field that this version does not know");
}

/// An arena with its first block on the stack, emptied after each message. 8 KB hold any reservation event.
class scratch {
public:
  scratch() : arena_(options()) {}
  google::protobuf::Arena* get() { return &arena_; }
  void reset() { arena_.Reset(); }

private:
  google::protobuf::ArenaOptions options() {
    google::protobuf::ArenaOptions o;
    o.initial_block = block_;
    o.initial_block_size = sizeof block_;
    return o;
  }

  alignas(std::max_align_t) char block_[8192];
  google::protobuf::Arena arena_;
};

void append_message(std::string& out, const google::protobuf::MessageLite& m);
void append_element(std::string& out, std::uint32_t field, const google::protobuf::MessageLite& m);

/// Parses exactly `bytes`; refuses what would not be written so again (a field twice or out of order, a default written
/// out, a number longer than needed).
bool parse_canonical(google::protobuf::MessageLite& m, std::string_view bytes);

/// Walks the fields of one message without recursion.
class field_reader {
public:
  explicit field_reader(std::string_view bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

  /// The number of the field that comes next; 0 when there is none or its tag is broken.
  std::uint32_t peek() const;

  /// The bytes of the length-delimited field that comes next, if it is field `field`.
  std::optional<std::string_view> take(std::uint32_t field);

  /// Passes over the next field of whatever type; false when it is broken or a group.
  bool skip();

private:
  std::optional<std::uint64_t> varint();
  std::string_view rest_;
};

}  // namespace keyrack::persistence::wire
