// What two nodes must agree on for a frame to be acceptable: part of the protocol, not settings.
#pragma once

#include <cstddef>

namespace keyrack::cluster {

/// A frame that claims more is not one of ours: the link is closed.
constexpr std::size_t frame_bytes_limit = std::size_t{64} << 20;
/// One request or answer: leaves a frame room for its head. The largest list of rooms has 8 MiB (gateway.body_bytes_max).
constexpr std::size_t message_bytes_max = std::size_t{63} << 20;
/// Before the greeting, from anybody: a hello, a welcome or a refusal with its sentence.
constexpr std::size_t greeting_bytes_max = 4'096;
/// What an item costs in a frame beside its bytes, about.
constexpr std::size_t item_overhead = 32;

}  // namespace keyrack::cluster
