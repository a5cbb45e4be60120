// How a script is played on both sides and compared; what it does is chosen in database_script_steps.cpp.
#include "tests/persistence/database_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace keyrack::testing {

namespace {

using namespace std::chrono_literals;

constexpr int steps_of_script = 24;

}  // namespace

void script_tally::add(const script_tally& other) {
  steps += other.steps;
  waited += other.waited;
  held += other.held;
  killed += other.killed;
  lost += other.lost;
  free_orders += other.free_orders;
  for (const auto& [outcome, n] : other.outcomes) outcomes[outcome] += n;
}

script::script(database_stage& stage, std::uint64_t seed, sim::lie wrong, script_tally& tally)
    : stage_(stage),
      tally_(tally),
      random_(seed),
      world_(seed),
      db_(world_, sim::planted::none, wrong),
      first_version_(stage.first_version()),
      text_(fmt::format("script {}\n", seed)) {}

std::string script::run() {
  stage_.reset();
  prepare();
  for (int n = 0; n < steps_of_script && !over(); ++n) step();
  while (!over() && commit_one()) {}
  if (!over()) compare_rows();
  tally_.free_orders += db_.order_shows();
  end_all();
  return disagreement_.empty() ? "" : text_ + "  DISAGREEMENT " + disagreement_;
}

script::lane& script::at(incarnation_id who, sim::role as, int number) {
  const database_stage::cast c{who, as, number};
  auto& l = lanes_[c];
  if (!l.real) {
    l.cast = c;
    l.real = &stage_.lane(c);
  }
  return l;
}

// An idle one's, on both sides.
void script::connect(lane& l) {
  if (l.dead) l.real->drop();
  if (l.dead || !l.session) l.session = db_.connect(l.cast.who, l.cast.as);
  l.session->lock_timeout = sim::duration{0};
  l.dead = false;
  if (!l.by_name()) l.real->connect();
}

void script::let_go(lane& l) {
  if (std::exchange(l.held, false)) stage_.ask("SELECT pg_advisory_unlock(" + l.lock + ")");
}

void script::say(const lane& l, const std::string& what) {
  text_ +=
      fmt::format("  {}/{}{}: {}\n", l.cast.who, database_stage::role_text(l.cast), l.cast.number ? "'" : "", what);
}

void script::disagree(const lane& l, const std::string& what) {
  if (!disagreement_.empty()) return;
  disagreement_ = fmt::format("{}/{}: {}", l.cast.who, database_stage::role_text(l.cast), what);
}

void script::begin(lane& l, const operation& op, bool held) {
  ++tally_.steps;
  connect(l);
  say(l, op.text + (held ? ", and stays open" : ""));
  l.is = state::waits;
  l.outcome.clear();
  if (held) {
    l.held = true;
    l.lock =
        l.by_name() ? fmt::format("2, hashtext('{}')", l.real->name()) : fmt::format("1, {}", l.real->backend_pid());
    stage_.ask("SELECT pg_advisory_lock(" + l.lock + ")");
  }
  if (op.statement) {
    begin_statement(l, op);
  } else {
    op.whole(db_, l.session, [&l](std::string outcome) {
      l.is = state::ended;
      l.outcome = std::move(outcome);
    });
  }
  l.real->begin(op.real);
  settle();
}

void script::begin_statement(lane& l, const operation& op) {
  l.transaction = db_.begin(l.session);
  op.statement(db_, l.transaction, [this, &l, t = l.transaction](std::string outcome) {
    l.outcome = std::move(outcome);
    if (l.held && !t->effects.empty()) {
      l.is = state::open;
    } else {
      db_.commit(t, [&l] { l.is = state::ended; });
    }
  });
}

void script::commit(lane& l) {
  ++tally_.held;
  say(l, "commits");
  db_.commit(l.transaction, [&l] { l.is = state::ended; });
  let_go(l);
  settle();
}

void script::kill(lane& l) {
  ++tally_.killed;
  say(l, "its backend is ended");
  db_.end(l.session);
  stage_.end_backend(l.real->name(), l.by_name() ? 0 : l.real->backend_pid());
  settle();
}

// Who has lost its session knows nothing.
void script::bury() {
  for (auto& [c, l] : lanes_) {
    if (!l.session || l.session->alive || std::exchange(l.dead, true) || !l.busy()) continue;
    ++tally_.lost;
    l.is = state::ended;
    l.outcome = "lost";
  }
}

// Both sides come to rest, and are compared.
void script::settle() {
  world_.run_until(world_.now() + 1s);  // the patience of those who have little ends
  if (over()) return;
  bury();
  for (auto& [c, l] : lanes_) {
    if (l.is == state::ended && disagreement_.empty()) finish(l);
  }
  if (disagreement_.empty()) expect_rest();
}

void script::finish(lane& l) {
  const auto outcome = l.real->wait(5s);
  if (!outcome) {
    return disagree(l, fmt::format("simulated: {}; real: waits", l.outcome));
  }
  if (*outcome != l.outcome) disagree(l, fmt::format("simulated: {}; real: {}", l.outcome, *outcome));
  say(l, "=> " + *outcome);
  ++tally_.outcomes[l.outcome.substr(0, l.outcome.find(' '))];
  l.is = state::idle;
  l.removes = 0;
  l.appends.clear();
  let_go(l);
  if (l.cast.as == sim::role::heartbeat && !l.dead) {  // which ends with its one beat
    db_.end(l.session);
    l.dead = true;
  }
}

// Those that are open wait for the script, those that wait for somebody's lock.
void script::expect_rest() {
  std::vector<lane*> moving;
  for (auto& [c, l] : lanes_) {
    if (l.is == state::open || l.is == state::waits) moving.push_back(&l);
    tally_.waited += l.is == state::waits;
  }
  if (moving.empty()) return;
  bool ended = false;
  const bool rest = eventually([&] {
    const auto waits = stage_.waits();
    std::erase_if(moving, [&](const lane* l) {
      ended = ended || l->real->ended();
      const auto found = waits.find({l->real->name(), l->by_name() ? 0 : l->real->backend_pid()});
      if (found == waits.end()) return false;
      return (found->second == database_stage::wait::held) == (l->is == state::open);
    });
    return moving.empty() || ended;
  });
  for (auto& [c, l] : lanes_) {
    const auto* how = l.is == state::open ? "open" : "waiting for a lock";
    const bool still = std::ranges::find(moving, &l) != moving.end();
    if ((l.is == state::open || l.is == state::waits) && (l.real->ended() || (!rest && still))) {
      disagree(l, fmt::format("simulated: {}; real: {}", how, l.real->wait(0ms).value_or("neither that nor ended")));
    }
  }
}

void script::compare_rows() {
  std::vector<shard_id> shards;
  for (shard_id s = 0; s < stage_shards; ++s) shards.push_back(s);
  begin(at(any_node(), sim::role::membership), read_of(shards));
  const auto real_rows = stage_.ask(
      "SELECT (SELECT coalesce(string_agg(hotel_id || ':' || first_seq || '-' || last_seq || ' by ' || writer, ' ' "
      "ORDER BY hotel_id, first_seq), '') FROM commits) || ' / ' || (SELECT coalesce(string_agg(incarnation || '.' || "
      "slot || CASE WHEN fenced_at IS NULL THEN '' ELSE ' fenced' END, ' ' ORDER BY incarnation, slot), '') FROM "
      "writers)");
  if (over() || real_rows == simulated_rows()) return;
  disagreement_ = fmt::format("rows\nsimulated: {}\nreal:      {}", simulated_rows(), real_rows);
}

std::string script::simulated_rows() {
  std::string commits;
  for (const auto& [hotel, rows] : db_.rows().commits) {
    for (const auto& [first, row] : rows) {
      commits +=
          fmt::format("{}{}:{}-{} by {}", commits.empty() ? "" : " ", hotel.value, first, row.last_seq, row.writer);
    }
  }
  std::string writers;
  for (const auto& [id, w] : db_.rows().writers) {
    writers += fmt::format("{}{}.{}{}", writers.empty() ? "" : " ", id.who, id.slot, w.fenced ? " fenced" : "");
  }
  return commits + " / " + writers;
}

// Whatever state it has been left in.
void script::end_all() {
  for (auto& [c, l] : lanes_) {
    let_go(l);
    if (!l.busy()) continue;
    stage_.end_backend(l.real->name(), 0);
    l.real->wait(10s);
  }
  // What lives on is what every script begins with.
  for (auto& [c, l] : lanes_) {
    if (l.busy() || l.dead || over()) l.real->drop();
  }
}

}  // namespace keyrack::testing
