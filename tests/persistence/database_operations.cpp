#include "tests/persistence/database_operations.hpp"

#include "config/metrics.hpp"
#include "persistence/codec.hpp"
#include "persistence/fence.hpp"
#include "persistence/heartbeat.hpp"
#include "persistence/journal_writer.hpp"
#include "persistence/node_registry.hpp"
#include "persistence/shard_rows.hpp"
#include "persistence/slot_board.hpp"
#include "tests/support/postgres_server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace keyrack::testing {

using persistence::pg_error;
using persistence::pg_failure;

namespace {

constexpr auto lost = "lost";  // anything may be true: the connection is gone

std::string in_words(const pg_error& e) {
  return e.kind == pg_failure::refused ? "refused " + e.sqlstate + " " + e.message : lost;
}

persistence::writer_id real_id(sim::writer_id w) { return {w.who, static_cast<std::int16_t>(w.slot)}; }

std::vector<persistence::queued_commit> queued_all(const std::vector<commit_ptr>& batch) {
  std::vector<persistence::queued_commit> all;
  for (const auto& c : batch) {
    all.push_back({.what = c, .payload = persistence::encode_commit(*c), .ticket = 0, .queued_at = {}});
  }
  return all;
}

std::string in_words(const std::vector<commit_ptr>& batch) {
  std::string all;
  for (const auto& c : batch) {
    all += fmt::format(" {}:{}-{}({})", c->hotel.value, c->first_seq(), c->last_seq(), c->events.front().by);
  }
  return all;
}

std::string inserted_in_words(bool fenced, const std::vector<bool>& inserted) {
  std::string each;
  for (const bool i : inserted) each += i ? '1' : '0';
  return fenced ? "fenced" : "inserted " + each;
}

template <typename Result>
std::string count_in_words(const Result& rows) {
  return rows ? fmt::format("changed {}", *rows) : lost;
}

// Of the statements whose answer is a number.
template <typename Asked>
operation coordinating(std::string text, incarnation_id me, std::int64_t term, std::vector<Asked> asked,
                       void (sim::database::*simulated)(const sim::transaction_ptr&, incarnation_id, std::int64_t,
                                                        std::vector<Asked>, sim::database::then<int>),
                       cluster_store::result<int> (cluster_store::*real)(std::int64_t, const std::vector<Asked>&)) {
  return {
      .text = fmt::format("{} (term {})", text, term),
      .statement =
          [=](auto& db, const auto& t, auto executed) {
            (db.*simulated)(t, me, term, asked, [executed](int rows) { executed(fmt::format("changed {}", rows)); });
          },
      .whole = {},
      .real =
          [=](database_lane& l) { return count_in_words((l.store(real_time(patience::endless)).*real)(term, asked)); }};
}

}  // namespace

operation append_of(sim::writer_id me, std::vector<commit_ptr> batch) {
  return {.text = "append" + in_words(batch),
          .statement =
              [=](auto& db, const auto& t, auto executed) {
                db.append(t, me, batch, [executed](const sim::append_answer& a) {
                  executed(inserted_in_words(a.fenced, a.inserted));
                });
              },
          .whole = {},
          .real =
              [=](database_lane& l) {
                const auto done =
                    append_commits(l.connection(), real_id(me), queued_all(batch), soon(std::chrono::minutes{2}));
                return done ? inserted_in_words(done->fenced, done->inserted) : in_words(done.error());
              }};
}

operation enlist_of(sim::writer_id me) {
  return {.text = "enlist",
          .statement =
              [=](auto& db, const auto& t, auto executed) {
                db.enlist(t, me, [executed](bool unfenced) { executed(unfenced ? "unfenced" : "fenced"); });
              },
          .whole = {},
          .real =
              [=](database_lane& l) {
                const auto done = enlist_writer(l.connection(), real_id(me), soon(std::chrono::minutes{2}));
                return done ? (*done ? "unfenced" : "fenced") : in_words(done.error());
              }};
}

operation look_of(sim::writer_id me, std::vector<commit_ptr> batch) {
  const auto words = [](const std::vector<persistence::found_commit>& found) {
    std::string all = "found ";
    for (const auto f : found) all += "amf"[static_cast<int>(f)];
    return all;
  };
  return {.text = "look" + in_words(batch),
          .statement = [=](auto& db, const auto&, auto executed) { executed(words(db.look(me.who, batch))); },
          .whole = {},
          .real =
              [=](database_lane& l) {
                const auto found = look_for(l.connection(), real_id(me), queued_all(batch), soon());
                return found ? words(*found) : in_words(found.error());
              }};
}

operation hand_over_of(sim::writer_id me, std::vector<hand_over> what) {
  std::string text = "hand over";
  for (const auto& h : what) text += fmt::format(" {}@{}->{}", h.shard, h.version, h.target);
  const auto words = [](const std::vector<bool>& done) {
    std::string all = "handed ";
    for (const bool d : done) all += d ? '1' : '0';
    return all;
  };
  return {.text = text,
          .statement =
              [=](auto& db, const auto& t, auto executed) {
                db.hand_over(t, me, what, [=](const std::vector<bool>& done) { executed(words(done)); });
              },
          .whole = {},
          .real =
              [=](database_lane& l) {
                const auto done = write_hand_overs(l.connection(), real_id(me), what, soon(std::chrono::minutes{2}));
                return done ? words(*done) : in_words(done.error());
              }};
}

operation end_namesakes_of(std::string name) {
  return {.text = "end namesakes",
          .statement = {},
          .whole =
              [](auto& db, const auto& s, auto ended) {
                const bool alone = db.end_namesakes(s) == 0;
                ended(alone ? "alone" : "told to end");
              },
          .real =
              [name = std::move(name)](database_lane& l) {
                const auto alone = persistence::end_namesakes(l.connection(), name, soon());
                return alone ? (*alone ? "alone" : "told to end") : in_words(alone.error());
              }};
}

// The product's heartbeat beats once as it starts, and no more while a slot stands still.
operation beat_of(incarnation_id me) {
  return {.text = "beat",
          .statement =
              [=](auto& db, const auto& t, auto executed) {
                db.beat(t, me,
                        [executed](const sim::beat_answer& a) { executed(!a.there || a.fenced ? "fenced" : "beat"); });
              },
          .whole = {},
          .real = [=](database_lane& l) -> std::string {
            static metrics counters;
            const auto board = std::make_shared<persistence::slot_board>(1);
            board->set_working(0, {});
            persistence::registration place{
                .incarnation = me, .lineage = l.lineage(), .heartbeat = l.take_connection(), .fenced = {}};
            auto times = l.all_settings().heartbeat;
            times.period = std::chrono::hours{1};
            times.answer_timeout = std::chrono::minutes{2};
            persistence::heartbeat heart{place,
                                         {.database = l.all_settings().database,
                                          .settings = times,
                                          .board = board,
                                          .counters = counters.heartbeat,
                                          .on_fenced = {}}};
            const auto began = heart.start();
            if (began) return "beat";
            return heart.ended() ? "fenced" : lost;
          }};
}

// Earlier lives of its name are fenced, rows of the fenced removed, its own made.
operation register_of(std::string node, incarnation_id drawn) {
  const auto fence_all = [](sim::database& db, const sim::session_ptr& s, std::vector<incarnation_id> whom,
                            std::function<void()> then, const auto& again) -> void {
    if (whom.empty()) return then();
    const auto who = whom.back();
    whom.pop_back();
    db.fence_patiently(s, who, sim::duration{0},
                       [&db, s, whom, then, again](bool) { again(db, s, whom, then, again); });
  };
  return {.text = fmt::format("register {} as {}", node, drawn),
          .statement = {},
          .whole =
              [=](auto& db, const auto& s, auto ended) {
                std::vector<incarnation_id> predecessors;
                for (const auto& p : db.predecessors(node)) predecessors.insert(predecessors.begin(), p.who);
                fence_all(
                    db, s, predecessors,
                    [=, &db] {
                      const auto t = db.begin(s);
                      if (!t) return;
                      db.remove_fenced_nodes(t, [=, &db](bool) {
                        db.commit(t);
                        const auto own = db.begin(s);
                        db.register_node(own, drawn, node, "", [=, &db](bool) {
                          db.commit(own);
                          ended("registered");
                        });
                      });
                    },
                    fence_all);
              },
          .real = [=](database_lane& l) -> std::string {
            auto s = l.all_settings();
            s.node.name = node;
            const auto place = persistence::register_node(s, "test", {.actor = "", .http = ""});
            if (!place) return place.error();
            return place->incarnation == drawn ? "registered" : fmt::format("registered as {}", place->incarnation);
          }};
}

operation leave_of(incarnation_id me) {
  return {.text = fmt::format("leave {}", me),
          .statement = [=](auto& db, const auto& t,
                           auto executed) { db.leave(t, me, [executed](bool) { executed("left"); }); },
          .whole = {},
          .real =
              [=](database_lane& l) {
                return persistence::leave_node(l.all_settings().database, me) ? std::string{"left"} : lost;
              }};
}

operation fence_of(incarnation_id who, patience p) {
  return {.text = fmt::format("fence {}{}", who, p == patience::short_ ? ", ending its backends" : ""),
          .statement = {},
          .whole =
              [=](auto& db, const auto& s, auto ended) {
                db.fence_patiently(s, who, p == patience::short_ ? real_time(p) : sim::duration{0},
                                   [ended](bool found) { ended(found ? "fenced" : "nothing to fence"); });
              },
          .real = [=](database_lane& l) -> std::string {
            const auto done = fence_incarnation(l.connection(), who, real_time(p), soon(std::chrono::minutes{2}));
            if (done) return "fenced";
            return done.error().contains("no row in writers") ? "nothing to fence" : lost;
          }};
}

operation read_of(std::vector<shard_id> shards) {
  return {.text = "read",
          .statement = [=](auto& db, const auto&, auto executed) { executed(in_words(rows_of(db), shards)); },
          .whole = {},
          .real =
              [=](database_lane& l) {
                const auto rows = l.store(real_time(patience::endless)).read();
                return rows ? in_words(*rows, shards) : lost;
              }};
}

operation take_role_of(incarnation_id me, coordinator_row seen, patience p) {
  const auto words = [](std::int64_t term) { return fmt::format("term {}", term); };
  operation op{.text = fmt::format("take the role of term {}{}", seen.term,
                                   p == patience::short_ ? ", ending its holder's backend" : ""),
               .statement = {},
               .whole = {},
               .real = [=](database_lane& l) {
                 const auto term = l.store(real_time(p)).take_role(seen);
                 return term ? words(*term) : lost;
               }};
  if (p == patience::endless) {
    op.statement = [=](auto& db, const auto& t, auto executed) {
      db.take_role(t, me, seen.term, [=](std::int64_t term) { executed(words(term)); });
    };
    return op;
  }
  const auto attempt = [=](sim::database& db, const sim::session_ptr& s, std::function<void(std::string)> ended,
                           const auto& again) -> void {
    s->lock_timeout = real_time(p);
    const auto t = db.begin(s);
    if (!t) return;
    t->timed_out = [=, &db] {
      db.end_sessions(seen.holder, sim::role::membership);
      again(db, s, ended, again);
    };
    db.take_role(t, me, seen.term, [=, &db](std::int64_t term) { db.commit(t, [=] { ended(words(term)); }); });
  };
  op.whole = [=](auto& db, const auto& s, auto ended) { attempt(db, s, ended, attempt); };
  return op;
}

operation renew_role_of(incarnation_id me, std::int64_t term) {
  const auto words = [](bool renewed) { return renewed ? "renewed" : "not its role"; };
  return {
      .text = fmt::format("renew the role (term {})", term),
      .statement = [=](auto& db, const auto& t,
                       auto executed) { db.renew_role(t, me, term, [=](bool renewed) { executed(words(renewed)); }); },
      .whole = {},
      .real = [=](database_lane& l) -> std::string {
        const auto renewed = l.store(real_time(patience::endless)).renew_role(term);
        return renewed ? words(*renewed) : lost;
      }};
}

operation give_of(incarnation_id me, std::int64_t term, std::vector<gift> gifts) {
  std::string text = "give";
  for (const auto& g : gifts) text += fmt::format(" {}@{}->{}{}", g.shard, g.version, g.to, g.after_fence ? "!" : "");
  return coordinating(text, me, term, std::move(gifts), &sim::database::give, &cluster_store::give);
}

operation begin_moves_of(incarnation_id me, std::int64_t term, std::vector<beginning_move> moves) {
  std::string text = "begin moves";
  for (const auto& m : moves) text += fmt::format(" {}@{}:{}->{}#{}", m.shard, m.version, m.from, m.to, m.wish);
  return coordinating(text, me, term, std::move(moves), &sim::database::begin_moves, &cluster_store::begin_moves);
}

operation call_off_of(incarnation_id me, std::int64_t term, std::vector<called_off> moves) {
  std::string text = "call off";
  for (const auto& m : moves) text += fmt::format(" {}@{}", m.shard, m.version);
  return coordinating(text, me, term, std::move(moves), &sim::database::call_off, &cluster_store::call_off);
}

operation refuse_wishes_of(incarnation_id me, std::int64_t term, std::vector<refused_wish> wishes) {
  std::string text = "refuse wishes";
  for (const auto& w : wishes) text += fmt::format(" {}", w.id);
  return coordinating(text, me, term, std::move(wishes), &sim::database::refuse_wishes, &cluster_store::refuse_wishes);
}

operation finish_rebalance_of(incarnation_id me, std::int64_t term) {
  return {.text = fmt::format("finish the rebalance (term {})", term),
          .statement = [=](auto& db, const auto& t,
                           auto executed) { db.finish_rebalance(t, me, term, [=](bool) { executed("done"); }); },
          .whole = {},
          .real = [=](database_lane& l) -> std::string {
            return l.store(real_time(patience::endless)).finish_rebalance(term) ? "done" : lost;
          }};
}

operation tell_reach_of(incarnation_id me, std::vector<incarnation_id> reaches) {
  return {.text = fmt::format("reaches {}", fmt::join(reaches, ",")),
          .statement = [=](auto& db, const auto& t,
                           auto executed) { db.tell_reach(t, me, reaches, [=](bool) { executed("told"); }); },
          .whole = {},
          .real = [=](database_lane& l) -> std::string {
            return l.store(real_time(patience::endless)).tell_reach(reaches) ? "told" : lost;
          }};
}

operation tell_leaving_of(incarnation_id me) {
  return {.text = "is leaving",
          .statement = [=](auto& db, const auto& t,
                           auto executed) { db.tell_leaving(t, me, [=](bool) { executed("told"); }); },
          .whole = {},
          .real = [=](database_lane& l) -> std::string {
            return l.store(real_time(patience::endless)).tell_leaving() ? "told" : lost;
          }};
}

operation fence_and_remove_of(incarnation_id who) {
  return {.text = fmt::format("fence and remove {}", who),
          .statement = {},
          .whole =
              [=](auto& db, const auto& s, auto ended) {
                db.fence_patiently(s, who, sim::duration{0}, [=, &db](bool found) {
                  if (!found) return ended(lost);
                  const auto t = db.begin(s);
                  if (!t) return;
                  db.remove_node(t, who, [=, &db](bool) { db.commit(t, [=] { ended("removed"); }); });
                });
              },
          .real = [=](database_lane& l) -> std::string {
            return l.store(real_time(patience::endless)).fence(who, "test") ? "removed" : lost;
          }};
}

std::string in_words(const cluster_rows& rows, const std::vector<shard_id>& shards) {
  std::string all;
  for (const auto& n : rows.nodes) {
    all += fmt::format("node {} {} beat {} reaches {}{}; ", n.incarnation, n.name, n.beat, fmt::join(n.reaches, ","),
                       n.leaving ? " leaving" : "");
  }
  for (const auto s : shards) {
    const auto& row = rows.shards[static_cast<std::size_t>(s)];
    all += fmt::format("shard {} of {} to {} @{}{}; ", s, row.owner, row.target, row.version,
                       row.after_fence ? " after a fence" : "");
  }
  for (const auto& w : rows.wishes) all += fmt::format("wish {} {} {}; ", w.id, w.shard, w.node);
  const auto& c = rows.coordinator;
  return all + fmt::format("coordinator {} term {} beat {}{}", c.holder, c.term, c.beat,
                           rows.rebalance_asked ? " rebalance" : "");
}

cluster_rows rows_of(sim::database& db) {
  const auto rest = db.read_rest();
  return {.nodes = db.read_nodes(),
          .shards = *rest.shards,
          .pins = {},
          .wishes = rest.wishes,
          .coordinator = rest.coordinator,
          .rebalance_asked = rest.rebalance_asked};
}

}  // namespace keyrack::testing
