#include "cluster/hotels_ahead.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

void hotels_ahead::want(shard_id shard, std::vector<hotel_id> hotels, steady_instant now, std::function<void()> done) {
  forget(shard);
  const auto asked = loaded_.size() + queue_.size() + loading_;
  const auto room = bounds_.kept_max > asked ? bounds_.kept_max - asked : 0;
  hotels.resize(std::min(hotels.size(), room));
  std::erase_if(hotels, [shard](hotel_id h) { return shard_of(h) != shard; });
  queue_.insert(queue_.end(), hotels.begin(), hotels.end());
  visit v{.hotels = std::move(hotels), .until = now + bounds_.keep_for, .done = std::move(done)};
  v.missing = v.hotels.size();
  if (v.missing == 0) end(v);
  visits_.emplace(shard, std::move(v));
}

std::optional<hotel_id> hotels_ahead::next() {
  if (queue_.empty() || loading_ >= bounds_.loading_max) return std::nullopt;
  ++loading_;
  const auto hotel = queue_.front();
  queue_.pop_front();
  return hotel;
}

void hotels_ahead::on_loaded(std::shared_ptr<const hotel_loaded> what) {
  --loading_;
  const auto found = visits_.find(shard_of(what->hotel));
  if (found == visits_.end()) return;  // it has come, or will not come
  if (what->state) loaded_.insert_or_assign(what->hotel, std::move(what));
  auto& v = found->second;
  if (v.missing > 0 && --v.missing == 0) end(v);
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
