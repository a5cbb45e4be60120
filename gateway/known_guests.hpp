// Guests that are known to exist, so that a booking of a known guest asks no table. A guest's row is never removed: what
// was known once stays true. Owns its bound; refuses to know persons.
#pragma once

#include "actors/domain/ids.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <utility>

namespace keyrack::gateway {

/// Keeps at least the last `n` different guests that were asked for or added, and at most 2n.
class known_guests {
public:
  explicit known_guests(std::size_t n) : n_(n) {}

  bool contains(guest_id id) {
    if (young_.contains(id)) return true;
    if (!old_.contains(id)) return false;
    add(id);
    return true;
  }
  void add(guest_id id) {
    if (young_.size() >= n_) {
      old_ = std::exchange(young_, {});
      young_.reserve(n_);
    }
    young_.insert(id);
  }

private:
  struct hash {
    std::size_t operator()(guest_id id) const noexcept { return id.low * 0x9E3779B97F4A7C15ULL ^ id.high; }
  };
  using set = boost::unordered_flat_set<guest_id, hash>;
  const std::size_t n_;
  set young_;
  set old_;
};

}  // namespace keyrack::gateway
