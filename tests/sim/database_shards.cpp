// The coordinator's statements, and the owners' on rows of shards; see database_statements.cpp.
#include "tests/sim/database_locking.hpp"

#include <algorithm>
#include <utility>

namespace keyrack::sim {

void database::take_role(const transaction_ptr& t, incarnation me, std::int64_t seen_term,
                         then<std::int64_t> executed) {
  if (now_.coordinator.term != seen_term) return executed(0);
  with_fence(t, {me, node_slot}, [this, t, me, seen_term, executed = std::move(executed)](bool unfenced) {
    if (!unfenced) return executed(0);
    lock(t, coordinator_key, lock_mode::exclusive, [this, t, me, seen_term, executed] {
      if (now_.coordinator.term != seen_term) return executed(0);
      t->effects.push_back([me](tables& rows) {
        rows.coordinator.holder = me;
        ++rows.coordinator.beat;
        ++rows.coordinator.term;
      });
      executed(seen_term + 1);
    });
  });
}

void database::on_coordinator_row(const transaction_ptr& t, incarnation me, std::int64_t term,
                                  std::function<void(tables&)> effect, then<bool> executed) {
  if (!now_.has_role(me, term)) return executed(false);
  lock(t, coordinator_key, lock_mode::exclusive,
       [this, t, me, term, effect = std::move(effect), executed = std::move(executed)] {
         if (!now_.has_role(me, term)) return executed(false);
         t->effects.push_back(effect);
         executed(true);
       });
}

void database::renew_role(const transaction_ptr& t, incarnation me, std::int64_t term, then<bool> executed) {
  on_coordinator_row(t, me, term, [](tables& rows) { ++rows.coordinator.beat; }, std::move(executed));
}

void database::finish_rebalance(const transaction_ptr& t, incarnation me, std::int64_t term, then<bool> executed) {
  on_coordinator_row(t, me, term, [](tables& rows) { rows.rebalance_asked = false; }, std::move(executed));
}

// Under the writer's fence and the role's share lock, with the shards' rows locked in their order. The planner looks at the
// rows first: where none fits nothing is locked.
void database::as_coordinator(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<shard_id> shards,
                              std::function<void(bool)> go_on) {
  const bool has_role = now_.has_role(me, term);
  with_fence(t, {me, node_slot},
             [this, t, me, term, has_role, shards = std::move(shards), go_on = std::move(go_on)](bool unfenced) {
               if (!unfenced || !has_role) return go_on(false);
               lock(t, coordinator_key, lock_mode::share, [this, t, me, term, shards, go_on] {
                 if (!now_.has_role(me, term)) return go_on(false);
                 auto keys = std::make_shared<std::vector<row_key>>();
                 for (const auto s : shards) keys->push_back(key_of_shard(s));
                 lock_all(t, keys, 0, [go_on] { go_on(true); });
               });
             });
}

// Those of `asked` whose shards are as they were seen when all locks are had; the answer is how many.
template <typename Asked, typename Effect>
void database::change_shards(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<shard_id> shards,
                             std::vector<Asked> asked, Effect effect, then<int> executed) {
  as_coordinator(t, me, term, std::move(shards),
                 [this, t, asked = std::move(asked), effect, executed = std::move(executed)](bool may) {
                   int count = 0;
                   for (const auto& a : asked) {
                     if (!may || now_.shard(a.shard).version != a.version) continue;
                     ++count;
                     t->effects.push_back([effect, a](tables& rows) { effect(rows, a); });
                   }
                   executed(count);
                 });
}

void database::give(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<gift> given,
                    then<int> executed) {
  auto shards = shards_of(given);
  const bool unchecked = bug_ == planted::fence_not_waited_for || bug_ == planted::gift_without_fence;
  const auto free = [this, unchecked](const gift& g) {
    const auto owner = now_.shard(g.shard).owner;
    return owner == 0 || !now_.live(owner) || unchecked;
  };
  std::erase_if(given, [&](const gift& g) { return now_.shard(g.shard).version != g.version || !free(g); });
  if (given.empty()) return executed(0);
  std::erase_if(given, [&](const gift& g) { return !now_.nodes.contains(g.to); });
  change_shards(
      t, me, term, std::move(shards), std::move(given),
      [this](tables& rows, const gift& g) {
        if (&rows == &now_) ++gifts;
        auto& row = rows.change(g.shard);
        row.owner = g.to;
        row.target = 0;
        row.after_fence = g.after_fence;
      },
      std::move(executed));
}

void database::begin_moves(const transaction_ptr& t, incarnation me, std::int64_t term,
                           std::vector<beginning_move> moves, then<int> executed) {
  auto shards = shards_of(moves);
  std::erase_if(moves, [this](const beginning_move& m) {
    const auto& seen = now_.shard(m.shard);
    return seen.version != m.version || seen.owner != m.from || seen.owner == 0 || seen.target != 0;
  });
  if (moves.empty()) return executed(0);
  std::erase_if(moves, [this](const beginning_move& m) { return !now_.nodes.contains(m.to); });
  for (auto& m : moves) {
    if (!now_.nodes.contains(m.from)) m.wish = 0;  // it needs the giver's name
  }
  change_shards(
      t, me, term, std::move(shards), std::move(moves),
      [](tables& rows, const beginning_move& m) {
        rows.change(m.shard).target = m.to;
        std::erase_if(rows.moves_asked, [&](const move_wish& w) { return w.id == m.wish; });
      },
      std::move(executed));
}

void database::call_off(const transaction_ptr& t, incarnation me, std::int64_t term, std::vector<called_off> moves,
                        then<int> executed) {
  auto shards = shards_of(moves);
  std::erase_if(moves, [this](const called_off& m) {
    const auto& seen = now_.shard(m.shard);
    return seen.version != m.version || seen.target == 0;
  });
  if (moves.empty()) return executed(0);
  change_shards(
      t, me, term, std::move(shards), std::move(moves),
      [](tables& rows, const called_off& m) { rows.change(m.shard).target = 0; }, std::move(executed));
}

// Under the role alone: what is refused touches no shard.
void database::refuse_wishes(const transaction_ptr& t, incarnation me, std::int64_t term,
                             std::vector<refused_wish> refused, then<int> executed) {
  if (!now_.has_role(me, term)) return executed(0);
  std::erase_if(refused, [this](const refused_wish& w) {
    return std::ranges::find(now_.moves_asked, w.id, &move_wish::id) == now_.moves_asked.end();
  });
  lock(t, coordinator_key, lock_mode::share,
       [this, t, me, term, refused = std::move(refused), executed = std::move(executed)] {
         if (!now_.has_role(me, term)) return executed(0);
         for (const auto& w : refused) {
           t->effects.push_back([id = w.id](tables& rows) {
             std::erase_if(rows.moves_asked, [&](const move_wish& asked) { return asked.id == id; });
           });
         }
         executed(static_cast<int>(refused.size()));
       });
}

// By the owner, by compare-and-set. Whoever is another's already, or nobody's, was handed over by an earlier attempt. The
// rows are looked at first, then the fence, and all are locked where one can be handed over.
void database::hand_over(const transaction_ptr& t, writer_id me, std::vector<keyrack::hand_over> what,
                         then<std::vector<bool>> executed) {
  std::vector<bool> done;
  for (const auto& h : what) done.push_back(now_.shard(h.shard).owner != me.who);
  const bool versionless = lie_ == lie::hand_over_ignores_version;
  const auto fits = [this, versionless](const keyrack::hand_over& h) {
    const auto& row = now_.shard(h.shard);
    return row.target == h.target && row.target != 0 && (row.version == h.version || versionless);
  };
  if (std::ranges::none_of(what, fits)) return executed(std::move(done));
  auto keys = std::make_shared<std::vector<row_key>>();
  for (const auto s : shards_of(what)) keys->push_back(key_of_shard(s));
  std::vector<bool> possible;
  bool any = false;
  for (const auto& h : what) {
    any = any || (fits(h) && now_.shard(h.shard).owner == me.who);
    possible.push_back(fits(h) && now_.shard(h.shard).owner == me.who && now_.nodes.contains(h.target));
  }
  with_fence(t, me, [=, this, what = std::move(what), executed = std::move(executed)](bool unfenced) {
    if (!unfenced || !any) return executed(done);
    lock_all(t, keys, 0, [=, this] {
      auto handed = done;
      for (std::size_t i = 0; i < what.size(); ++i) {
        const auto& h = what[i];
        if (!possible[i] || now_.shard(h.shard).owner != me.who || !fits(h)) continue;
        handed[i] = true;
        t->effects.push_back([this, h](tables& rows) {
          if (&rows == &now_) ++hand_overs;
          auto& row = rows.change(h.shard);
          row.owner = h.target;
          row.target = 0;
          row.after_fence = false;
        });
      }
      executed(std::move(handed));
    });
  });
}

}  // namespace keyrack::sim
