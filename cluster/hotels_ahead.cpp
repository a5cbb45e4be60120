#include "cluster/hotels_ahead.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

void hotels_ahead::want(shard_id shard, const std::vector<hotel_id>& hotels, steady_instant now,
                        std::function<void()> done) {
  forget(shard);
  const auto asked = loaded_.size() + queue_.size() + loading_.size();
  const auto room = bounds_.kept_max > asked ? bounds_.kept_max - asked : 0;
  visit v{.hotels = {}, .missing = {}, .until = now + bounds_.keep_for, .done = std::move(done)};
  for (const auto hotel : hotels) {
    if (v.hotels.size() == room) break;
    if (shard_of(hotel) != shard || !v.missing.insert(hotel).second) continue;
    v.hotels.push_back(hotel);
    if (!loading_.contains(hotel)) queue_.push_back(hotel);
  }
  if (v.missing.empty()) end(v);
  visits_.emplace(shard, std::move(v));
}

std::optional<hotel_id> hotels_ahead::next() {
  if (queue_.empty() || loading_.size() >= bounds_.loading_max) return std::nullopt;
  const auto hotel = queue_.front();
  queue_.pop_front();
  loading_.insert(hotel);
  return hotel;
}

void hotels_ahead::on_loaded(std::shared_ptr<const hotel_loaded> what) {
  loading_.erase(what->hotel);
  const auto found = visits_.find(shard_of(what->hotel));
  if (found == visits_.end()) return;  // it has come, or will not come
  auto& v = found->second;
  if (v.missing.erase(what->hotel) == 0) return;  // not asked for any more
  if (what->state) loaded_.insert_or_assign(what->hotel, std::move(what));
  if (v.missing.empty()) end(v);
}

std::vector<shard_id> hotels_ahead::shards() const {
  std::vector<shard_id> all;
  all.reserve(visits_.size());
  for (const auto& [shard, v] : visits_) all.push_back(shard);
  return all;
}

std::vector<hotel_id> hotels_ahead::finish(shard_id shard) {
  auto node = visits_.extract(shard);
  if (node.empty()) return {};
  end(node.mapped());
  std::erase_if(queue_, [shard](hotel_id h) { return shard_of(h) == shard; });
  auto hotels = std::move(node.mapped().hotels);
  std::erase_if(hotels, [this](hotel_id h) { return !loaded_.contains(h); });
  return hotels;
}

std::shared_ptr<const hotel_loaded> hotels_ahead::take(hotel_id hotel) {
  auto node = loaded_.extract(hotel);
  return node.empty() ? nullptr : std::move(node.mapped());
}

void hotels_ahead::forget_old(steady_instant now) {
  for (const auto shard : shards()) {
    if (visits_.at(shard).until <= now) forget(shard);
  }
}

void hotels_ahead::forget(shard_id shard) {
  for (const auto hotel : finish(shard)) loaded_.erase(hotel);
}

void hotels_ahead::end(visit& v) {
  if (auto done = std::exchange(v.done, nullptr)) done();
}

}  // namespace keyrack::cluster
