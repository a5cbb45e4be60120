#include "persistence/value_codec.hpp"

#include "persistence/codec.hpp"
#include "persistence/codec_values.hpp"

#include <utility>

namespace keyrack::persistence {
namespace {

template <typename Message, typename Value>
std::string written(const Value& value) {
  wire::scratch scratch;
  auto& message = *google::protobuf::Arena::CreateMessage<Message>(scratch.get());
  write(value, message);
  std::string out;
  wire::append_message(out, message);
  return out;
}

template <typename Message, typename Value>
std::expected<Value, std::string> parsed(std::string_view bytes, const char* otherwise) {
  wire::scratch scratch;
  auto& message = *google::protobuf::Arena::CreateMessage<Message>(scratch.get());
  if (!wire::parse_canonical(message, bytes)) return std::unexpected(std::string{otherwise});
  wire::fault f;
  std::expected<Value, std::string> value{std::in_place, read(message, f)};
  if (f) return std::unexpected(std::string{f.why()});
  return value;
}

class codec_of_the_disk final : public value_codec {
public:
  // An event travels as the only one of a commit.
  std::string encode(const event& value) const override {
    return encode_commit({.hotel = {}, .events = {value}, .personal = {}, .notes_of = {}});
  }
  std::string encode(const reservation& value) const override { return encode_reservation(value); }
  std::string encode(const hotel_profile& value) const override { return encode_profile(value); }
  std::string encode(const room_type_profile& value) const override { return written<pb::RoomTypeProfile>(value); }
  std::string encode(const room& value) const override { return written<pb::Room>(value); }
  std::string encode(const calendar_change& value) const override { return written<pb::CalendarChange>(value); }

  decoded<event> decode_event(std::string_view bytes, std::uint64_t seq) const override {
    auto events = decode_commit(bytes, seq, seq);
    if (!events) return std::unexpected(std::move(events.error()));
    return decoded<event>{std::in_place, std::move(events->front())};
  }
  decoded<reservation> decode_reservation(std::string_view bytes) const override {
    return persistence::decode_reservation(bytes);
  }
  decoded<hotel_profile> decode_hotel_profile(std::string_view bytes) const override { return decode_profile(bytes); }
  decoded<room_type_profile> decode_room_type_profile(std::string_view bytes) const override {
    return parsed<pb::RoomTypeProfile, room_type_profile>(bytes, "not a room type's profile");
  }
  decoded<room> decode_room(std::string_view bytes) const override {
    return parsed<pb::Room, room>(bytes, "not a room");
  }
  decoded<calendar_change> decode_calendar_change(std::string_view bytes) const override {
    return parsed<pb::CalendarChange, calendar_change>(bytes, "not a calendar change");
  }
};

}  // namespace

const value_codec& disk_value_codec() {
  static const codec_of_the_disk codec;
  return codec;
}

}  // namespace keyrack::persistence
