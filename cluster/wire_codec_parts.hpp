// What the files of the wire codec share: the first fault of a message, values that many messages have, and the halves of
// the codec. Not for use outside of it.
#pragma once

#include "actors/domain/limits.hpp"
#include "actors/envelope.hpp"
#include "actors/value_codec.hpp"
#include "cluster/protocol.hpp"

#include <cluster/proto/envelope.pb.h>
#include <google/protobuf/arena.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace keyrack::cluster::wire_parts {

/// Rooms of an item sleep so many together at most.
inline constexpr std::int32_t guests_max = limits::rooms_per_type_max * limits::guests_per_room_max;
/// Names and authors have no other bound in events than this one.
inline constexpr std::size_t word_bytes_max = 2'000;
inline constexpr std::size_t detail_bytes_max = 4'000;
/// Of one refusal: ten items, 90 nights, two reasons a night, and some about the stay.
inline constexpr int reasons_max = 10'000;
/// Of a hotelier's list: pages are shorter, and so are the guests that a name finds.
inline constexpr int page_max = 10'000;

/// The first thing that is wrong with foreign bytes. Checks go on after one has failed: they only read values.
class fault {
public:
  /// Keeps `why` unless `holds`, or something was wrong before.
  bool require(bool holds, std::string_view why) {
    if (!holds && why_.empty()) why_ = why;
    return holds;
  }
  /// The value; an empty one, and its error as the fault, when there is none.
  template <typename T>
  T take(std::expected<T, std::string> value) {
    if (value) return std::move(*value);
    require(false, value.error());
    return T{};
  }
  explicit operator bool() const { return !why_.empty(); }
  const std::string& why() const { return why_; }

private:
  std::string why_;
};

/// An arena with its first block on the stack: a booking and its answer need no other.
class scratch {
public:
  scratch() : arena_(options()) {}
  template <typename Message>
  Message& make() {
    return *google::protobuf::Arena::CreateMessage<Message>(&arena_);
  }

private:
  google::protobuf::ArenaOptions options() {
    google::protobuf::ArenaOptions o;
    o.initial_block = block_;
    o.initial_block_size = sizeof block_;
    return o;
  }

  alignas(std::max_align_t) char block_[4096];
  google::protobuf::Arena arena_;
};

/// As the domain writes dates: 1970-01-01 … 9999-12-31.
date read_date(std::int32_t days, fault& f);
instant read_instant(std::int64_t us, fault& f);
room_type_id read_type(std::uint32_t id, fault& f);
currency read_currency(std::string_view code, fault& f);
std::int32_t read_count(std::int32_t count, std::int32_t least, std::int32_t most, fault& f);
std::int64_t read_price(std::int64_t minor, fault& f);
hotel_id read_hotel(std::uint64_t id, fault& f);
guest_id read_guest(std::uint64_t high, std::uint64_t low, fault& f);
std::string read_text(std::string&& text, std::size_t bytes_max, fault& f);
/// UTF-8 without NUL: what goes into an event or into SQL as text. One that PostgreSQL does not take refuses the append of
/// a whole batch.
std::string read_plain_text(std::string&& text, std::size_t bytes_max, fault& f);

inline std::int64_t to_us(instant at) { return at.time_since_epoch().count(); }
inline std::string_view to_bytes(const currency& c) { return c == currency{} ? std::string_view{} : c.text(); }

wire::Code to_wire(errc code);
errc read_code(int code, fault& f);
void write(const reason& from, wire::Reason& to);
reason read(const wire::Reason& from, fault& f);

/// The command or query, and `kind`.
void write(const command& from, const value_codec& values, wire::Request& to);
void write(const query& from, wire::Request& to);
/// REQUIRES: one is set. Texts are moved out of `from`.
command read_command(wire::Request& from, const value_codec& values, fault& f);
query read_query(const wire::Request& from, fault& f);

/// The view, and `kind`.
void write(const view& from, const value_codec& values, wire::Answer& to);
/// REQUIRES: one is set.
view read_view(wire::Answer& from, const value_codec& values, fault& f);

/// Names what is set in one of the message's oneofs, by its field's number.
template <typename Message>
void name_kind(int field, Message& m) {
  m.set_kind(Message::descriptor()->FindFieldByNumber(field)->name());
}

/// Why a message with nothing set that this version knows is refused. `kind` is foreign: what it may print is bounded.
std::string unknown_kind(std::string_view what, std::string_view kind);

/// Parses, and refuses what is too long, is no such message, or needs a newer reader.
template <typename Message>
bool parse(Message& m, std::string_view bytes, std::string_view what, fault& f);

extern template bool parse(wire::Request&, std::string_view, std::string_view, fault&);
extern template bool parse(wire::Answer&, std::string_view, std::string_view, fault&);

}  // namespace keyrack::cluster::wire_parts
