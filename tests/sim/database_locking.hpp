// What the files of statements share: the keys of rows, and how one of them is locked. Refuses to know any statement.
#pragma once

#include "tests/sim/database.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace keyrack::sim {

inline row_key key_of(writer_id w) { return {table::writers, w.who, w.slot}; }
inline row_key key_of_node(incarnation who) { return {table::nodes, who}; }
inline row_key key_of_shard(shard_id s) { return {table::shards, s}; }
constexpr row_key coordinator_key{table::coordinator};
inline row_key key_of(const commit& c) {
  return {table::commits, static_cast<std::int64_t>(c.hotel.value), static_cast<std::int64_t>(c.first_seq())};
}

template <typename Asked>
std::vector<shard_id> shards_of(const std::vector<Asked>& asked) {
  std::vector<shard_id> all;
  for (const auto& a : asked) all.push_back(a.shard);
  std::ranges::sort(all);
  return all;
}

/// Calls `granted` when it has the lock, which may be at once.
template <typename Granted>
void database::lock(const transaction_ptr& t, const row_key& row, lock_mode mode, Granted granted) {
  if (t->ended) return;
  if (locks_.try_acquire(t, row, mode)) return granted();
  locks_.wait(t, row, mode, std::move(granted));
  watch_lock_timeout(t);
}

}  // namespace keyrack::sim
