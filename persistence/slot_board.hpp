// What others may know of the journal's slots while they work: the heartbeat, which vouches for their progress, and the
// readers, which load no hotel that a doubt may still change. Any thread.
#pragma once

#include "actors/envelope.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace keyrack::persistence {

class slot_board {
public:
  explicit slot_board(int slots) : slots_(static_cast<std::size_t>(slots)) {}

  /// Of a slot: whether it knows what the journal holds of all that it has sent.
  void set_settled(int slot, bool settled, steady_instant now) {
    auto& s = at(slot);
    s.settled.store(settled);
    auto since = idle;
    if (settled) {
      s.unsettled_since.store(idle);
    } else {
      s.unsettled_since.compare_exchange_strong(since, now.ns);
    }
  }
  bool all_settled() const {
    return std::ranges::all_of(slots_, [](const slot_state& s) { return s.settled.load(); });
  }
  bool settled(hotel_id hotel) const { return slots_[hotel.value % slots_.size()].settled.load(); }

  /// Of a slot: it has work since `now` at the latest, or got on with it now.
  void set_working(int slot, steady_instant now) { at(slot).working_since.store(now.ns); }
  void set_idle(int slot) { at(slot).working_since.store(idle); }

  /// A slot that has had work for longer than `bound` without getting on, or has not been settled for so long: no hotel of
  /// such a slot can be loaded, so that nobody would ever bring it work. Time before `answered_since`, when the database did
  /// not answer the node at all, is no slot's fault.
  std::optional<int> stalled(steady_instant now, std::chrono::nanoseconds bound, steady_instant answered_since) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const auto since = std::min(slots_[i].working_since.load(), slots_[i].unsettled_since.load());
      if (since != idle && now - std::max(steady_instant{since}, answered_since) > bound) return static_cast<int>(i);
    }
    return std::nullopt;
  }

private:
  static constexpr std::int64_t idle = INT64_MAX;
  struct slot_state {
    std::atomic<bool> settled{false};
    std::atomic<std::int64_t> working_since{idle};
    std::atomic<std::int64_t> unsettled_since{idle};
  };
  slot_state& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }

  std::vector<slot_state> slots_;
};

}  // namespace keyrack::persistence
