// Hotels that this node loads before it owns them, because their shard is about to come: what they are made from when it has
// come, with the few commits that were written in between. Pure. Owns how many are loaded at a time and how long they are kept;
// refuses to know how they are read. Losing any of it costs the time of a load.
#pragma once

#include "actors/messages.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace keyrack::cluster {

class hotels_ahead {
public:
  struct bounds {
    std::size_t loading_max = 1;    ///< at a time; those that guests wait for come between them
    std::size_t kept_max = 10'000;  ///< loaded and asked for
    std::chrono::nanoseconds keep_for = std::chrono::seconds{30};
  };
  explicit hotels_ahead(bounds b) : bounds_(b) {}

  /// The owner of a shard says which hotels are awake there. `done` runs once: when they are loaded, or never will be. A
  /// later call for the same shard takes the place of an earlier one; what that one had begun to load is not begun again.
  void want(shard_id shard, const std::vector<hotel_id>& hotels, steady_instant now, std::function<void()> done);

  /// The next to be loaded now; nothing while enough are on their way.
  std::optional<hotel_id> next();
  /// How a load ended that `next` began.
  void on_loaded(std::shared_ptr<const hotel_loaded> what);

  /// Shards of which something is here.
  std::vector<shard_id> shards() const;
  /// The hotels of a shard that are loaded, and no others will be: it has come.
  std::vector<hotel_id> finish(shard_id shard);
  /// What was loaded of a hotel; null: nothing.
  std::shared_ptr<const hotel_loaded> take(hotel_id hotel);

  /// Shards that did not come are forgotten.
  void forget_old(steady_instant now);
  std::size_t size() const { return loaded_.size(); }

private:
  struct visit {
    std::vector<hotel_id> hotels;
    std::unordered_set<hotel_id> missing;  // not loaded yet
    steady_instant until;
    std::function<void()> done;
  };
  void forget(shard_id shard);
  static void end(visit& v);

  const bounds bounds_;
  std::map<shard_id, visit> visits_;
  std::deque<hotel_id> queue_;
  std::unordered_set<hotel_id> loading_;  // each once, whoever asked: so that every end is known for what it is
  std::unordered_map<hotel_id, std::shared_ptr<const hotel_loaded>> loaded_;
};

}  // namespace keyrack::cluster
