// What nodes say to each other about hotels, as bytes: a request on its way, and its answer on the way back. The format is
// cluster/proto/envelope.proto. Pure. Refuses to know how bytes travel and what becomes of a request.
#pragma once

#include "actors/envelope.hpp"
#include "actors/value_codec.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack::cluster {

/// The longest message, which the domain bounds: a list of 100,000 rooms with all their ranges has 23 MB.
inline constexpr std::size_t message_bytes_max = std::size_t{32} << 20;

/// The furthest deadline that is sent: the longest that a gateway can be set to.
inline constexpr std::chrono::milliseconds remaining_max = std::chrono::minutes{10};

/// An envelope as it arrives: without a way back, and with the time that its sender had left when it was sent.
struct received_request {
  hotel_id hotel;
  keyrack::request request;
  std::variant<command, query> body;
  std::vector<personal_record> personal;
  std::string request_id;
  bool in_doubt = false;
  std::chrono::milliseconds remaining{};
};

/// `remaining` is cut to [0, remaining_max]. Thread-safe, as all of these; bytes are equal for equal envelopes.
std::string encode_request(const envelope& e, std::chrono::milliseconds remaining, const value_codec& values);

/// Refuses, with a sentence for the log: what is not a request, a command or query that this version does not know (by its
/// name), a format that it is too old for, values beyond the domain's limits: whatever it returns can be decided without
/// an assertion failing. Fields that it does not know are passed over. Foreign bytes never do more harm than a refusal;
/// memory used is at most some hundred times the message's size.
std::expected<received_request, std::string> decode_request(std::string_view bytes, const value_codec& values);

/// What the answer rests on is not sent: who sends it has checked that it may leave. Sentences are cut at 4,000 bytes.
/// REQUIRES: no null event or view.
std::string encode_answer(const answer_envelope& a, const value_codec& values);

/// Refuses as `decode_request` does. Rests on `durable`. Whatever the message's size, a calendar may take 20 MB.
std::expected<answer_envelope, std::string> decode_answer(std::string_view bytes, const value_codec& values);

}  // namespace keyrack::cluster
