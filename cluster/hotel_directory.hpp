// The hotels that are awake on this node, by id: the table that the gateway's thread reads to send a command straight to its
// hotel. Owns the bound at each hotel's door, and the order that makes sleep safe: a command is sent under the same lock
// under which a hotel is taken out, so that `retire` is the last message that a hotel ever gets.
#pragma once

#include "actors/hotel_actor.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace keyrack::cluster {

class hotel_directory {
public:
  enum class sent { yes, absent, full };

  /// `waiting_max`: commands and queries that one hotel may have unanswered.
  explicit hotel_directory(int waiting_max) : waiting_max_(waiting_max) {}

  /// Sends to the hotel if it is awake and its door is not full. Any thread.
  sent send(const envelope_ptr& e);

  void add(hotel_id id, hotel_handle handle, std::shared_ptr<hotel_door> door);

  /// Takes the hotel out: nothing is sent to it by this directory afterwards. Its handle, if it was there.
  std::optional<hotel_handle> remove(hotel_id id);

  std::size_t size() const;
  int waiting() const;

  /// Hotels that should sleep: idle since before `idle_since`, and the least recently used above `awake_max`.
  std::vector<hotel_id> sleepy(steady_instant idle_since, std::size_t awake_max) const;

private:
  struct entry {
    hotel_handle handle;
    std::shared_ptr<hotel_door> door;
    steady_instant last_used;
  };
  // Striped, so that the gateway's thread hardly ever meets the region.
  struct stripe {
    mutable std::mutex mutex;
    std::unordered_map<hotel_id, entry> hotels;
  };
  stripe& stripe_of(hotel_id id) { return stripes_[std::hash<hotel_id>{}(id) % stripes_.size()]; }
  const stripe& stripe_of(hotel_id id) const { return stripes_[std::hash<hotel_id>{}(id) % stripes_.size()]; }

  const int waiting_max_;
  std::array<stripe, 64> stripes_;
};

}  // namespace keyrack::cluster
