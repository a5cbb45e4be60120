// The statements, each as the product's of the same name: which rows it sees when it begins, which it locks in what order, and
// what it finds when it has them. A row that did not fit when the statement began is passed by; one that did is looked at
// again when its lock is had (READ COMMITTED). What stands in other tables is believed as of the beginning.
//
// Here those of the journal, with the fence that all rest on; those of nodes are in database_nodes.cpp, the coordinator's and
// the shards' in database_shards.cpp.
#include "tests/sim/database_locking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::sim {

void database::lock_all(const transaction_ptr& t, const rows_to_lock& rows, std::size_t from,
                        std::function<void()> granted) {
  for (auto i = from; i < rows->size(); ++i) {
    if (t->ended) return;
    const auto& row = (*rows)[i];
    if (locks_.try_acquire(t, row, lock_mode::exclusive)) continue;
    locks_.wait(t, row, lock_mode::exclusive,
                [this, t, rows, i, granted = std::move(granted)] { lock_all(t, rows, i + 1, granted); });
    return watch_lock_timeout(t);
  }
  granted();
}

// … WHERE incarnation AND slot AND fenced_at IS NULL FOR SHARE
void database::with_fence(const transaction_ptr& t, writer_id me, std::function<void(bool)> go_on) {
  if (bug_ == planted::append_without_fence) return go_on(true);
  if (!now_.unfenced(me)) return go_on(false);
  lock(t, key_of(me), lock_mode::share,
       [this, me, go_on = std::move(go_on)] { go_on(now_.unfenced(me) || lie_ == lie::fence_seen_at_beginning); });
}

database::rows_to_lock database::writers_of(incarnation who) const {
  auto keys = std::make_shared<std::vector<row_key>>();
  for (auto w = now_.writers.lower_bound({who, 0}); w != now_.writers.end() && w->first.who == who; ++w) {
    keys->push_back(key_of(w->first));
  }
  return keys;
}

void database::append(const transaction_ptr& t, writer_id me, const std::vector<commit_ptr>& batch,
                      then<append_answer> executed) {
  auto what =
      std::make_shared<appending>(appending{.me = me, .batch = batch, .answer = {}, .executed = std::move(executed)});
  with_fence(t, me, [this, t, what](bool unfenced) {
    what->answer.fenced = !unfenced;
    what->answer.inserted.assign(what->batch.size(), false);
    if (!unfenced) return what->executed(what->answer);
    insert(t, what, 0);
  });
}

// A row that another has inserted and not committed is waited for; one that stands there is met without any lock.
void database::insert(const transaction_ptr& t, const std::shared_ptr<appending>& what, std::size_t from) {
  for (auto i = from; i < what->batch.size(); ++i) {
    if (t->ended) return;
    const auto& c = *what->batch[i];
    locks_.note(key_of(c), lock_mode::share);
    if (now_.commits[c.hotel].contains(c.first_seq())) continue;
    if (lie_ != lie::conflict_not_waited_for && !locks_.try_acquire(t, key_of(c), lock_mode::exclusive)) {
      locks_.wait(t, key_of(c), lock_mode::exclusive, [this, t, what, i] {
        const auto& waited = *what->batch[i];
        if (now_.commits[waited.hotel].contains(waited.first_seq())) {
          locks_.give_back(t, key_of(waited));
        } else {
          insert_one(t, *what, i);
        }
        insert(t, what, i + 1);
      });
      return watch_lock_timeout(t);
    }
    insert_one(t, *what, i);
  }
  const bool conflict = std::ranges::find(what->answer.inserted, false) != what->answer.inserted.end();
  if (lie_ == lie::conflict_fails_neighbours && conflict) {
    what->answer.inserted.assign(what->batch.size(), false);
    t->effects.clear();
  }
  what->executed(what->answer);
}

void database::insert_one(const transaction_ptr& t, appending& what, std::size_t i) {
  what.answer.inserted[i] = true;
  t->effects.push_back([this, c = what.batch[i], me = what.me.who](tables& rows) {
    if (&rows == &now_) check_writer(me, c->hotel);
    rows.commits[c->hotel].try_emplace(c->first_seq(), journal_row{c->last_seq(), me, c});
  });
}

void database::check_writer(incarnation me, hotel_id hotel) {
  world_.trace("append", static_cast<std::uint64_t>(me), hotel.value);
  const auto owner = now_.shard(shard_of(hotel)).owner;
  if (owner == me) return;
  violations.push_back(fmt::format("at {} us: hotel {}: {} has written, and {} is the owner", world_.now().count(),
                                   hotel.value, me, owner));
}

void database::enlist(const transaction_ptr& t, writer_id me, then<bool> executed) {
  if (!now_.writers.contains(me)) return executed(false);
  if (lie_ == lie::enlist_ignores_locks) return executed(now_.unfenced(me));
  lock(t, key_of(me), lock_mode::exclusive, [this, t, me, executed = std::move(executed)] {
    t->effects.push_back([](tables&) {});  // it writes: which proves that what it saw is durable
    executed(now_.unfenced(me));
  });
}

void database::fence(const transaction_ptr& t, incarnation who, then<int> executed) {
  const auto keys = writers_of(who);
  const auto count = static_cast<int>(keys->size());
  const bool lockless = bug_ == planted::fence_ignores_locks || lie_ == lie::fence_takes_no_lock;
  lock_all(t, lockless ? std::make_shared<std::vector<row_key>>() : keys, 0,
           [this, t, who, count, executed = std::move(executed)] {
             t->effects.push_back([this, who](tables& rows) {
               if (&rows == &now_) {
                 fences += rows.live(who);
                 world_.trace("fence", static_cast<std::uint64_t>(who));
               }
               for (auto w = rows.writers.lower_bound({who, 0}); w != rows.writers.end() && w->first.who == who; ++w) {
                 w->second.fenced = true;
               }
             });
             executed(count);
           });
}

void database::fence_patiently(const session_ptr& s, incarnation who, duration lock_timeout,
                               std::function<void(bool)> done) {
  s->lock_timeout = lock_timeout;
  const auto t = begin(s);
  if (!t) return;
  t->timed_out = [this, s, who, lock_timeout, done] {
    end_sessions(who);
    fence_patiently(s, who, lock_timeout, done);
  };
  fence(t, who, [this, t, done](int rows) { commit(t, [done, rows] { done(rows > 0); }); });
}

void database::save_snapshot(const transaction_ptr& t, writer_id me, std::shared_ptr<const hotel_state> state,
                             then<bool> executed) {
  with_fence(t, me, [t, state = std::move(state), executed = std::move(executed)](bool unfenced) {
    if (unfenced) {
      t->effects.push_back([state](tables& rows) {
        auto& kept = rows.snapshots[state->id];
        if (!kept || kept->seq < state->seq) kept = state;
      });
    }
    executed(unfenced);
  });
}

}  // namespace keyrack::sim
