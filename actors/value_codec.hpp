// Values as bytes, for whoever sends them elsewhere. A port: the bytes are those of the disk's format, so that no value is
// described twice; persistence implements it. Refuses to know where bytes go.
#pragma once

#include "actors/domain/hotel/events.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace keyrack {

/// One canonical form for each value. Decoding refuses, with a sentence for the log, what the encoder would not have
/// written and what is beyond the domain's limits; foreign bytes do no more harm than that. Thread-safe.
class value_codec {
public:
  template <typename T>
  using decoded = std::expected<T, std::string>;

  virtual ~value_codec() = default;

  virtual std::string encode(const event& value) const = 0;
  virtual std::string encode(const reservation& value) const = 0;
  virtual std::string encode(const hotel_profile& value) const = 0;
  virtual std::string encode(const room_type_profile& value) const = 0;
  virtual std::string encode(const room& value) const = 0;
  virtual std::string encode(const calendar_change& value) const = 0;

  /// An event's sequence number is not in its bytes.
  virtual decoded<event> decode_event(std::string_view bytes, std::uint64_t seq) const = 0;
  virtual decoded<reservation> decode_reservation(std::string_view bytes) const = 0;
  virtual decoded<hotel_profile> decode_hotel_profile(std::string_view bytes) const = 0;
  virtual decoded<room_type_profile> decode_room_type_profile(std::string_view bytes) const = 0;
  virtual decoded<room> decode_room(std::string_view bytes) const = 0;

  /// As a client asks for it: that its range has nights is for the hotel to say.
  virtual decoded<calendar_change> decode_calendar_change(std::string_view bytes) const = 0;
};

}  // namespace keyrack
