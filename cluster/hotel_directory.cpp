#include "cluster/hotel_directory.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

hotel_directory::sent hotel_directory::send(const envelope_ptr& e) {
  auto& s = stripe_of(e->hotel);
  const std::scoped_lock lock{s.mutex};
  const auto found = s.hotels.find(e->hotel);
  if (found == s.hotels.end()) return sent::absent;
  auto& door = *found->second.door;
  if (door.waiting.fetch_add(1, std::memory_order_relaxed) >= waiting_max_) {
    door.waiting.fetch_sub(1, std::memory_order_relaxed);
    return sent::full;
  }
  found->second.last_used = steady_now();
  caf::anon_send(found->second.handle, deliver{e});
  return sent::yes;
}

void hotel_directory::add(hotel_id id, hotel_handle handle, std::shared_ptr<hotel_door> door) {
  auto& s = stripe_of(id);
  const std::scoped_lock lock{s.mutex};
  s.hotels.insert_or_assign(id, entry{std::move(handle), std::move(door), steady_now()});
}

std::optional<hotel_handle> hotel_directory::remove(hotel_id id) {
  auto& s = stripe_of(id);
  const std::scoped_lock lock{s.mutex};
  auto node = s.hotels.extract(id);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped().handle);
}

std::size_t hotel_directory::size() const {
  std::size_t n = 0;
  for (const auto& s : stripes_) {
    const std::scoped_lock lock{s.mutex};
    n += s.hotels.size();
  }
  return n;
}

int hotel_directory::waiting() const {
  int n = 0;
  for (const auto& s : stripes_) {
    const std::scoped_lock lock{s.mutex};
    for (const auto& [id, e] : s.hotels) n += e.door->waiting.load(std::memory_order_relaxed);
  }
  return n;
}

std::vector<hotel_id> hotel_directory::sleepy(steady_instant idle_since, std::size_t awake_max) const {
  std::vector<std::pair<steady_instant, hotel_id>> by_use;
  for (const auto& s : stripes_) {
    const std::scoped_lock lock{s.mutex};
    for (const auto& [id, e] : s.hotels) {
      if (e.door->waiting.load(std::memory_order_relaxed) == 0) by_use.emplace_back(e.last_used, id);
    }
  }
  const auto awake = size();
  const std::size_t surplus = std::min(by_use.size(), awake > awake_max ? awake - awake_max : 0);
  std::nth_element(by_use.begin(), by_use.begin() + static_cast<std::ptrdiff_t>(surplus), by_use.end());
  std::vector<hotel_id> sleepy;
  for (std::size_t i = 0; i < by_use.size(); ++i) {
    if (i < surplus || by_use[i].first < idle_since) sleepy.push_back(by_use[i].second);
  }
  return sleepy;
}

}  // namespace keyrack::cluster
