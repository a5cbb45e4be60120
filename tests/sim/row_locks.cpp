#include "tests/sim/row_locks.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

void row_locks::release(const transaction_ptr& t) {
  std::vector<std::function<void()>> granted;
  for (const auto& key : std::exchange(t->locks, {})) {
    auto& r = rows_.at(key);
    std::erase(r.holders, t);
    give(key, granted);
  }
  if (std::exchange(t->waiting, false)) {
    for (auto r = rows_.begin(); r != rows_.end();) {
      const auto key = (r++)->first;  // what it stood in the way of may go on, and a row that nobody wants goes
      auto& queue = rows_.at(key).queue;
      if (std::erase_if(queue, [&](const waiter& w) { return w.who == t; }) > 0) give(key, granted);
    }
  }
  go_on(granted);
}

void row_locks::go_on(const std::vector<std::function<void()>>& granted) {
  if (granted.size() < 2) {
    for (const auto& one : granted) one();
    return;
  }
  in_any_order(granted, [](const auto& one) { one(); });
}

void row_locks::note(const row_key& row, lock_mode mode) {
  for (auto& b : at_once_) {
    auto& t = b.touched.try_emplace(row, touch{.branch = b.branch}).first->second;
    t.by_several = t.by_several || t.branch != b.branch;
    t.exclusive = t.exclusive || mode == lock_mode::exclusive;
    order_shows_ = order_shows_ || (t.by_several && t.exclusive);
  }
}

void row_locks::give_back(const transaction_ptr& t, const row_key& row) {
  std::vector<std::function<void()>> granted;
  std::erase(t->locks, row);
  std::erase(rows_.at(row).holders, t);
  give(row, granted);
  go_on(granted);
}

void row_locks::give(const row_key& key, std::vector<std::function<void()>>& granted) {
  auto& r = rows_.at(key);
  while (!r.queue.empty()) {
    const auto& next = r.queue.front();
    if (!r.holders.empty() && (next.mode == lock_mode::exclusive || r.mode == lock_mode::exclusive)) break;
    add(r, next.who, key, next.mode);
    next.who->waiting = false;
    granted.push_back([this, key, mode = next.mode, go_on = std::move(r.queue.front().granted)] {
      note(key, mode);  // which it has had since before those that go on with it
      go_on();
    });
    r.queue.pop_front();
  }
  if (r.holders.empty()) rows_.erase(key);
}

row_locks::hold row_locks::held(const row_key& row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return hold::free;
  return found->second.mode == lock_mode::share ? hold::shared : hold::exclusive;
}

}  // namespace keyrack::sim
