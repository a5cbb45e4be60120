// Row locks as PostgreSQL's statements take them: shared or exclusive, held until their transaction ends, given in the order
// of asking, except that whoever wants to share a row that is only shared does not stand behind one who wants it alone.
// Refuses to know what rows hold.
#pragma once

#include "tests/sim/world.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace keyrack::sim {

struct tables;
struct session;
using session_ptr = std::shared_ptr<session>;

enum class lock_mode : std::uint8_t { share, exclusive };
enum class table : std::uint8_t { writers, nodes, coordinator, shards, commits };

struct row_key {
  table in{};
  std::int64_t a = 0;
  std::int64_t b = 0;
  bool operator==(const row_key&) const = default;
};

/// One statement's: it executes as far as locks let it, and stays open until it is told to commit.
struct transaction {
  session_ptr by;
  std::vector<row_key> locks;
  std::vector<std::function<void(tables&)>> effects;  ///< of the commit
  std::function<void()> timed_out;                    ///< the session's lock_timeout: nothing of it holds
  std::function<void()> broken;                       ///< its session has ended before it
  bool ended = false;
  bool committing = false;  ///< waits for a standby: it holds, whatever happens to its session
  bool waiting = false;
  int waits = 0;
};
using transaction_ptr = std::shared_ptr<transaction>;

class row_locks {
public:
  /// The lock, if it can be had at once: as one can that one has already.
  bool try_acquire(const transaction_ptr& t, const row_key& row, lock_mode mode) {
    auto& r = rows_[row];
    if (r.mode == lock_mode::exclusive && r.holders.size() == 1 && r.holders.front() == t) return true;
    note(row, mode);
    const bool shares = mode == lock_mode::share && r.mode == lock_mode::share && !r.holders.empty();
    if (!shares && !(r.holders.empty() && r.queue.empty())) return false;
    add(r, t, row, mode);
    return true;
  }
  /// After that said no: calls `granted` when those before it have ended; never, when the transaction ends first.
  void wait(const transaction_ptr& t, const row_key& row, lock_mode mode, std::function<void()> granted) {
    t->waiting = true;
    ++t->waits;
    rows_.at(row).queue.push_back({t, mode, std::move(granted)});
  }
  /// One that it turned out not to need.
  void give_back(const transaction_ptr& t, const row_key& row);
  /// Of a transaction that has ended: gives its locks back and stops waiting.
  void release(const transaction_ptr& t);
  enum class hold : std::uint8_t { free, shared, exclusive };
  hold held(const row_key& row) const;

  // Whoever waited for the same end goes on at once with others, and PostgreSQL promises no order of them. Here they go on
  // in that of their asking, which shows only where two of them then want the same row, not both to share it.

  /// Runs `each` of them, as what may as well happen in another order.
  template <typename All, typename Each>
  void in_any_order(const All& all, Each each) {
    at_once_.emplace_back();
    for (const auto& one : all) {
      ++at_once_.back().branch;
      each(one);
    }
    at_once_.pop_back();
  }
  /// A row is looked at or locked, by whoever runs now.
  void note(const row_key& row, lock_mode mode);
  /// Whether another order could have had another outcome, so far.
  bool order_shows() const { return order_shows_; }

private:
  struct waiter {
    transaction_ptr who;
    lock_mode mode{};
    std::function<void()> granted;
  };
  struct locked_row {
    std::vector<transaction_ptr> holders;
    lock_mode mode{};
    std::deque<waiter> queue;
  };
  struct hash {
    std::size_t operator()(const row_key& k) const {
      auto h = (static_cast<std::uint64_t>(k.a) * 0x9E3779B97F4A7C15ULL) ^ (static_cast<std::uint64_t>(k.b) << 8) ^
               static_cast<std::uint64_t>(k.in);
      return static_cast<std::size_t>(h ^ (h >> 29));
    }
  };
  static void add(locked_row& r, const transaction_ptr& t, const row_key& key, lock_mode mode) {
    r.holders.push_back(t);
    r.mode = mode;
    t->locks.push_back(key);
  }
  void give(const row_key& key, std::vector<std::function<void()>>& granted);

  void go_on(const std::vector<std::function<void()>>& granted);

  struct touch {
    int branch = 0;  // the first
    bool by_several = false;
    bool exclusive = false;
  };
  struct branches {
    int branch = 0;  // that runs
    std::unordered_map<row_key, touch, hash> touched;
  };

  std::unordered_map<row_key, locked_row, hash> rows_;  // those that are held or waited for
  std::vector<branches> at_once_;                       // the innermost last: one that goes on lets others go on
  bool order_shows_ = false;
};

}  // namespace keyrack::sim
