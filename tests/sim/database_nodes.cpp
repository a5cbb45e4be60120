// The statements on rows of nodes; see database_statements.cpp.
#include "tests/sim/database_locking.hpp"

#include <utility>

namespace keyrack::sim {

void database::register_node(const transaction_ptr& t, incarnation me, const std::string& name,
                             const std::string& address, then<bool> executed) {
  t->effects.push_back([me, name, address](tables& rows) {
    for (int slot = 0; slot < writer_rows; ++slot) rows.writers[{me, slot}] = {.node = name};
    rows.nodes[me] = {.incarnation = me, .name = name, .actor_address = address};
  });
  executed(true);
}

void database::remove_fenced_nodes(const transaction_ptr& t, then<bool> executed) {
  auto keys = std::make_shared<std::vector<row_key>>();
  std::vector<incarnation> gone;
  for (const auto& [who, row] : now_.nodes) {
    if (now_.live(who)) continue;
    gone.push_back(who);
    keys->push_back(key_of_node(who));
  }
  lock_all(t, keys, 0, [t, gone = std::move(gone), executed = std::move(executed)] {
    if (!gone.empty()) {
      t->effects.push_back([gone](tables& rows) {
        for (const auto who : gone) rows.nodes.erase(who);
      });
    }
    executed(true);
  });
}

// False: there is no such row (any more).
void database::on_node_row(const transaction_ptr& t, incarnation me, std::function<void(node_row&)> effect,
                           then<bool> executed) {
  if (!now_.nodes.contains(me)) return executed(false);
  lock(t, key_of_node(me), lock_mode::exclusive,
       [this, t, me, effect = std::move(effect), executed = std::move(executed)] {
         if (!now_.nodes.contains(me)) return executed(false);
         t->effects.push_back([me, effect](tables& rows) {
           if (const auto row = rows.nodes.find(me); row != rows.nodes.end()) effect(row->second);
         });
         executed(true);
       });
}

void database::beat(const transaction_ptr& t, incarnation me, then<beat_answer> executed) {
  on_node_row(
      t, me, [](node_row& row) { ++row.beat; },
      [this, saw_fence = fenced(me), executed = std::move(executed)](bool there) {
        executed({.there = there, .fenced = there && saw_fence, .clock = clock()});
      });
}

void database::tell_reach(const transaction_ptr& t, incarnation me, std::vector<incarnation> reaches,
                          then<bool> executed) {
  on_node_row(t, me, [reaches = std::move(reaches)](node_row& row) { row.reaches = reaches; }, std::move(executed));
}

void database::tell_leaving(const transaction_ptr& t, incarnation me, then<bool> executed) {
  on_node_row(t, me, [](node_row& row) { row.leaving = true; }, std::move(executed));
}

// The row goes, and its writers' rows get the reason: those that have none yet.
void database::remove_node(const transaction_ptr& t, incarnation who, then<bool> executed) {
  auto keys = std::make_shared<std::vector<row_key>>();
  const bool there = now_.nodes.contains(who);
  if (there) keys->push_back(key_of_node(who));
  for (auto w = now_.writers.lower_bound({who, 0}); w != now_.writers.end() && w->first.who == who; ++w) {
    if (!w->second.reason_told) keys->push_back(key_of(w->first));
  }
  lock_all(t, keys, 0, [t, who, there, executed = std::move(executed)] {
    t->effects.push_back([who](tables& rows) {
      rows.nodes.erase(who);
      for (auto w = rows.writers.lower_bound({who, 0}); w != rows.writers.end() && w->first.who == who; ++w) {
        w->second.reason_told = true;
      }
    });
    executed(there);
  });
}

void database::leave(const transaction_ptr& t, incarnation who, then<bool> executed) {
  auto keys = std::make_shared<std::vector<row_key>>(*writers_of(who));
  std::vector<shard_id> owned;
  for (shard_id s = 0; s < shards_count; ++s) {
    if (now_.shard(s).owner == who) owned.push_back(s);
  }
  for (const auto s : owned) keys->push_back(key_of_shard(s));
  if (now_.nodes.contains(who)) keys->push_back(key_of_node(who));
  lock_all(t, keys, 0, [t, who, owned = std::move(owned), executed = std::move(executed)] {
    t->effects.push_back([who, owned](tables& rows) {
      rows.nodes.erase(who);
      for (const auto s : owned) {
        if (rows.shard(s).owner != who) continue;
        auto& row = rows.change(s);
        row.owner = row.target = 0;
      }
      for (auto w = rows.writers.lower_bound({who, 0}); w != rows.writers.end() && w->first.who == who; ++w) {
        w->second.fenced = true;
      }
    });
    executed(true);
  });
}

}  // namespace keyrack::sim
