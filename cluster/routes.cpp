#include "cluster/routes.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

bool routes::take(std::span<const shard_row> rows, std::int64_t version) {
  KEYRACK_ASSERT(rows.size() == owners_.size());
  if (version <= version_) return false;
  version_ = version;
  for (std::size_t s = 0; s < owners_.size(); ++s) {
    // Between two readings that are further apart the shard may have been another's and have come back.
    const bool changed = std::exchange(owners_[s], rows[s].owner) != rows[s].owner;
    if (changed || rows[s].version > versions_[s] + 1) owned_since_[s] = rows[s].version;
    versions_[s] = rows[s].version;
  }
  return true;
}

routes::way routes::way_to(hotel_id hotel) const {
  const auto s = index_of(hotel);
  return {.owner = owners_[s], .here = me_ != 0 && owners_[s] == me_, .row_version = versions_[s]};
}

bool routes::admits(hotel_id hotel, std::int64_t row_version) const {
  return row_version >= owned_since_[index_of(hotel)];
}

bool routes::all_owned() const {
  return std::ranges::none_of(owners_, [](incarnation_id owner) { return owner == 0; });
}

verdict verdict_on(const envelope& e, const failure& why, steady_instant again_at) {
  if (e.forwarded) return verdict::to_sender;
  if (why.code == errc::overloaded || again_at >= e.deadline) return verdict::failed;
  return why.outcome == outcome::unknown && !e.in_doubt ? verdict::in_doubt : verdict::parked;
}

bool is_for_routers(const failure& f) {
  return f.code == errc::moving || f.code == errc::fenced || f.code == errc::unavailable;
}

failure last_words(const envelope& e, failure why) {
  if (e.in_doubt) why.outcome = outcome::unknown;
  const bool between_nodes = why.code == errc::moving || why.code == errc::fenced;  // not a client's words
  if (between_nodes && !e.forwarded) why.code = errc::unavailable;
  return why;
}

}  // namespace keyrack::cluster
