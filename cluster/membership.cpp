#include "cluster/membership.hpp"

#include "actors/ports.hpp"
#include "config/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace keyrack::cluster {

namespace {

using namespace std::chrono_literals;

constexpr auto urgent_look_after = 10ms;
constexpr auto looks_apart = 2ms;  // one look serves all that nudged meanwhile

std::vector<incarnation_id> others(const cluster_rows& rows, incarnation_id me) {
  std::vector<incarnation_id> all;
  for (const auto& n : rows.nodes) {
    if (n.incarnation != me) all.push_back(n.incarnation);
  }
  return all;
}

std::string name_of(const cluster_rows& rows, incarnation_id who) {
  const auto* node = rows.find(who);
  return node == nullptr ? std::string{} : node->name;
}

}  // namespace

membership::membership(environment env)
    : env_(std::move(env)), lookout_(env_.me, {env_.times.grace, env_.times.move_deadline}) {}

std::expected<std::unique_ptr<membership>, std::string> membership::start(environment env) {
  std::unique_ptr<membership> self{new membership{std::move(env)}};
  if (!self->look()) return std::unexpected("the cluster's rows could not be read");
  self->thread_ = std::thread{[m = self.get()] { m->run(); }};
  return self;
}

membership::~membership() { stop(); }

void membership::stop() {
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  set_term(0);
}

void membership::nudge() {
  {
    const std::scoped_lock lock{mutex_};
    nudged_ = true;
  }
  changed_.notify_all();
}

void membership::tell_all() {
  if (const auto seen = rows()) env_.peers->tell_routes_changed(others(*seen, env_.me));
  nudge();
}

bool membership::give_all_away(std::chrono::milliseconds patience) {
  const auto done = [this] {
    if (cut_off_from_rows_) return true;
    const auto seen = rows();
    const bool owns = std::ranges::any_of(seen->shards, [this](const shard_row& s) { return s.owner == env_.me; });
    const bool heirs =
        std::ranges::any_of(seen->nodes, [this](const node_row& n) { return n.incarnation != env_.me && !n.leaving; });
    return !owns || !heirs;
  };
  std::unique_lock lock{mutex_};
  leaving_ = true;
  nudged_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, patience, done) && !cut_off_from_rows_;
}

void membership::run() {
  for (;;) {
    rest();
    {
      const std::scoped_lock lock{mutex_};
      if (stopping_) return;
      nudged_ = false;
    }
    look();
    changed_.notify_all();
  }
}

void membership::rest() {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, looks_apart, [this] { return stopping_; });
  const auto longest = urgent_ ? std::chrono::nanoseconds{urgent_look_after} : env_.times.look_every;
  changed_.wait_for(lock, longest, [this] { return stopping_ || nudged_; });
}

bool membership::look() {
  urgent_ = false;
  const auto asked_at = steady_now();
  auto read = env_.store->read();
  if (!read) {
    if (!std::exchange(failing_, true)) {
      log_warn("the cluster's rows cannot be read", {{"detail", read.error()}});
      failing_since_ = asked_at;
    }
    const std::scoped_lock lock{mutex_};
    cut_off_from_rows_ = steady_now() - failing_since_ >= env_.times.grace;
    env_.counters.looks.of({"failed"}).add();
    return false;
  }
  if (std::exchange(failing_, false)) {
    const std::scoped_lock lock{mutex_};
    cut_off_from_rows_ = false;
  }
  env_.counters.looks.of({"ok"}).add();
  env_.counters.look_seconds.observe(steady_now() - asked_at);
  const auto read_at = steady_now();
  env_.observer->on_look(*read, asked_at, read_at);
  publish(std::move(*read));
  const auto rows = rows_.load();
  const auto links = links_now();
  lookout_.observe(*rows, links, asked_at, read_at);
  urgent_ = lookout_.expects_change();              // the heartbeat's backend of whose port refuses is about to go
  if (rows->find(env_.me) == nullptr) return true;  // fenced: the heartbeat finds out
  tell_leaving(*rows);
  tell_reach(links.linked);
  coordinate(*rows);
  return true;
}

void membership::publish(cluster_rows read) {
  const auto before = rows_.load();
  const auto rows = std::make_shared<const cluster_rows>(std::move(read));
  rows_ = rows;
  std::vector<transport::peer> peers;
  for (const auto& n : rows->nodes) {
    if (n.incarnation != env_.me && !n.actor_address.empty()) peers.push_back({n.incarnation, n.actor_address});
  }
  env_.network->use_peers(std::move(peers));
  env_.counters.nodes.set(static_cast<double>(rows->nodes.size()));
  if (before && before->routes_version() == rows->routes_version()) return;
  // The router first: it refuses what was sent before this node owned a shard, and must know since when that is.
  env_.router->use_owners(*rows);
  caf::anon_send(env_.region, rows_read{rows});
}

lookout::links membership::links_now() const {
  lookout::links now;
  for (const auto& [peer, state] : env_.network->links()) {
    if (state == link_state::linked) now.linked.push_back(peer);
    if (state == link_state::refused) now.refused.push_back(peer);
  }
  std::ranges::sort(now.linked);
  std::ranges::sort(now.refused);
  return now;
}

void membership::tell_leaving(const cluster_rows& rows) {
  {
    const std::scoped_lock lock{mutex_};
    if (!leaving_ || told_leaving_) return;
  }
  if (!succeeded(env_.store->tell_leaving(), "tell that this node leaves")) return;
  told_leaving_ = true;
  env_.peers->tell_routes_changed(others(rows, env_.me));
  nudge();
}

void membership::tell_reach(const std::vector<incarnation_id>& reach) {
  if (reach != reach_told_ && succeeded(env_.store->tell_reach(reach), "tell which nodes are reached")) {
    reach_told_ = reach;
  }
}

void membership::set_term(std::int64_t term) {
  if (term_.exchange(term) == term) return;
  env_.counters.coordinates.set(term != 0 ? 1 : 0);
  if (env_.on_role) env_.on_role(env_.me, term != 0);
}

bool membership::succeeded(const std::expected<void, std::string>& result, std::string_view during) {
  if (!result) log_warn("the cluster's rows could not be written", {{"during", during}, {"detail", result.error()}});
  return result.has_value();
}

void membership::coordinate(const cluster_rows& rows) {
  if (rows.coordinator.holder != env_.me || term_ == 0) {
    set_term(0);
    const auto* self = rows.find(env_.me);
    const bool mine_before = rows.coordinator.holder == env_.me;  // its term was lost with an answer
    if (self->leaving || (!mine_before && !lookout_.holder_is_gone(rows))) return;
    const auto term = env_.store->take_role(rows.coordinator);
    if (!term) {
      succeeded(std::unexpected(term.error()), "take the coordinator's role");
    } else if (*term != 0) {
      log_info("this node coordinates", {{"incarnation", env_.me}, {"term", *term}});
      set_term(*term);
    }
    return nudge();
  }
  const auto renewed = env_.store->renew_role(term_);
  if (!renewed) return void(succeeded(std::unexpected(renewed.error()), "renew the coordinator's role"));
  if (!*renewed) {
    log_info("another node coordinates", {{"incarnation", env_.me}});
    return set_term(0);
  }
  carry_out(rows, plan(rows, lookout_.hints(rows, steady_now()), env_.limits));
}

void membership::carry_out(const cluster_rows& rows, const plan_actions& actions) {
  if (actions.empty()) return;
  const auto done = [this](const std::expected<int, std::string>& changed, std::string_view during) {
    if (!changed) succeeded(std::unexpected(changed.error()), during);
  };
  // What follows from a fence is in the rows after it, and in a hurry.
  if (fence_all(rows, actions.fence)) return tell_all();
  if (!actions.give.empty()) {
    log_info("giving shards of nobody", {{"shards", actions.give.size()}});
    done(env_.store->give(term_, actions.give), "give shards");
  }
  if (!actions.call_off.empty()) {
    log_warn("calling moves off", {{"shards", actions.call_off.size()}, {"reason", actions.call_off.front().reason}});
    lookout_.on_called_off(actions.call_off, steady_now());
    const auto off = env_.store->call_off(term_, actions.call_off);
    if (off) env_.observer->on_called_off(actions.call_off);
    done(off, "call moves off");
  }
  if (!actions.move.empty()) {
    const auto begun = env_.store->begin_moves(term_, actions.move);
    if (begun) env_.observer->on_moves_begun(actions.move, steady_now());
    done(begun, "begin moves");
  }
  if (!actions.refuse.empty()) done(env_.store->refuse_wishes(term_, actions.refuse), "refuse moves");
  if (actions.rebalanced) succeeded(env_.store->finish_rebalance(term_), "finish the rebalance");
  if (!actions.only_fences()) tell_all();  // fences that failed are tried again at the next look, not before
}

// Whether one succeeded.
bool membership::fence_all(const cluster_rows& rows, const std::vector<fencing>& whom) {
  bool any = false;
  for (const auto& f : whom) {
    log_warn("fencing a node", {{"node", name_of(rows, f.who)}, {"incarnation", f.who}, {"reason", f.reason}});
    if (!succeeded(env_.store->fence(f.who, f.reason), "fence")) continue;
    env_.observer->on_fenced(f.who, f.reason, steady_now());
    any = true;
  }
  return any;
}

}  // namespace keyrack::cluster
