// What operators see of hotels: counts answers by kind, times them, logs failures always and successes by sample. Looks
// nothing up by name on the hot path.
#pragma once

#include "actors/envelope.hpp"
#include "config/metrics.hpp"

#include <array>
#include <atomic>

namespace keyrack {

class hotel_observer {
public:
  explicit hotel_observer(metrics& counters) : metrics_(counters) {}

  /// An answer leaves the hotel, which its envelope reached at `arrived`. Any thread.
  void answered(const envelope& e, const answer_envelope& a, steady_instant arrived, steady_instant now);

  /// A hotel was loaded, or could not be.
  void loaded(hotel_id hotel, std::chrono::nanoseconds took, const std::string* why_not);

  /// An append of this hotel ended otherwise than applied: it stops.
  void append_failed(hotel_id hotel, std::uint64_t first_seq, append_result result);

private:
  static constexpr std::size_t kinds_max = 32;
  static constexpr std::size_t answers_max = 64;
  counter& counter_of(const envelope& e, const answer_envelope& a);

  metrics& metrics_;
  std::array<std::array<std::atomic<counter*>, answers_max>, kinds_max> counters_{};
};

}  // namespace keyrack
