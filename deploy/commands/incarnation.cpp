#include "deploy/commands/incarnation.hpp"

#include "cluster/region_actor.hpp"
#include "config/log.hpp"
#include "deploy/commands/commands.hpp"
#include "persistence/cluster_rows.hpp"
#include "persistence/journal.hpp"
#include "persistence/node_registry.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace keyrack::deploy {

namespace {

constexpr auto lease_margin = std::chrono::milliseconds{100};  // steady clocks run at about the same rate, not exactly

template <typename Handle>
bool await_end(caf::actor_system& system, const std::vector<Handle>& actors, std::chrono::milliseconds patience) {
  caf::scoped_actor self{system};
  for (const auto& a : actors) self->monitor(a);
  bool all = true;
  for (std::size_t i = 0; i < actors.size() && all; ++i) {
    self->receive([](const caf::down_msg&) {}, caf::after(patience) >> [&] { all = false; });
  }
  return all;
}

// As an ordinary message, behind the work that is queued already.
template <typename Handle>
bool end_and_await(caf::actor_system& system, const std::vector<Handle>& actors, std::chrono::milliseconds patience) {
  for (const auto& a : actors) {
    caf::anon_send(caf::actor_cast<caf::actor>(a), caf::exit_msg{a.address(), caf::exit_reason::user_shutdown});
  }
  return await_end(system, actors, patience);
}

}  // namespace

std::expected<std::unique_ptr<incarnation>, std::string> incarnation::begin(const environment& env) {
  auto place = persistence::register_node(env.settings, program_version(), env.addresses);
  if (!place) return std::unexpected{place.error()};
  std::unique_ptr<incarnation> self{new incarnation{env}};
  self->id_ = place->incarnation;

  auto board = std::make_shared<persistence::slot_board>(env.settings.journal.slots);
  auto fenced_once = std::make_shared<std::atomic<bool>>(false);
  const auto tell = [fenced_once, on_fenced = env.on_fenced](std::string_view why) {
    if (!fenced_once->exchange(true)) on_fenced(std::string{why});
  };
  self->heartbeat_ = std::make_shared<persistence::heartbeat>(
      *place, persistence::heartbeat::environment{env.settings.database, env.settings.heartbeat, board,
                                                  env.counters.heartbeat, tell});
  if (auto beating = self->heartbeat_->start(); !beating) return std::unexpected{beating.error()};

  const std::weak_ptr<persistence::heartbeat> beats = self->heartbeat_;
  self->journal_ = persistence::spawn_journal(
      env.system, std::make_shared<const persistence::journal_environment>(persistence::journal_environment{
                      env.settings.database, env.settings.journal, place->incarnation, place->lineage, board,
                      env.counters.journal, [beats, tell](std::string_view why) {
                        if (const auto alive = beats.lock()) alive->learn_fenced(why);
                        tell(why);
                      }}));
  self->open_region();
  if (auto joined = self->join(place->lineage); !joined) return std::unexpected{joined.error()};
  log_info("this node has its place", {{"incarnation", self->id_}, {"fenced", place->fenced.size()}});
  return self;
}

void incarnation::open_region() {
  directory_ = std::make_shared<cluster::hotel_directory>(env_.settings.hotels.waiting_max);
  auto hotels = std::make_shared<const hotel_environment>(hotel_environment{
      .incarnation = id_,
      .journal = journal_,
      .clock = heartbeat_,
      .router = env_.router,
      .observer = std::make_shared<hotel_observer>(env_.counters),
      .snapshots = {static_cast<std::uint64_t>(env_.settings.hotels.snapshot_every_events)},
      .counters = env_.counters,
  });
  region_ = cluster::spawn_region(
      env_.system, {.hotels = env_.settings.hotels,
                    .wait_after_fence = env_.settings.heartbeat.lease + lease_margin,
                    .directory = directory_,
                    .of_hotels = std::move(hotels),
                    .on_gone =
                        [told = told_](const std::vector<hand_over>&) {
                          if (const auto members = told->members.load()) members->tell_all();
                        },
                    .announce =
                        [peers = env_.peers](const cluster::region::announcement& a, std::function<void()> done) {
                          peers->ask_to_prepare(a.target, a.shard, a.hotels,
                                                steady_now() + cluster::region::bounds{}.prepare_for, std::move(done));
                        },
                    .on_admits_more = [router = env_.router] { router->retry_parked(); }});
  env_.router->use_local(
      std::make_shared<const cluster::local_hotels>(cluster::local_hotels{id_, directory_, region_}));
}

std::expected<void, std::string> incarnation::join(const persistence::server_lineage& lineage) {
  env_.network->use_incarnation(id_);
  auto members = cluster::membership::start({.me = id_,
                                             .store = persistence::make_cluster_store(env_.settings, id_, lineage),
                                             .times = {.grace = env_.settings.heartbeat.grace},
                                             .limits = {},
                                             .router = env_.router,
                                             .region = region_,
                                             .network = env_.network,
                                             .peers = env_.peers,
                                             .counters = env_.counters.cluster,
                                             .on_role = env_.on_role});
  if (!members) return std::unexpected{members.error()};
  members_ = std::move(*members);
  told_->members = members_;
  return {};
}

void incarnation::prepare(shard_id shard, std::vector<hotel_id> hotels, std::function<void()> done) {
  caf::anon_send(region_, prepare_shard{shard, std::move(hotels), std::move(done)});
}

void incarnation::part() {
  env_.router->use_local(nullptr);
  told_->members.store(nullptr);
  if (members_) members_->stop();
}

void incarnation::leave(std::chrono::milliseconds patience) {
  left_ = true;
  part();
  caf::anon_send(region_, close_region{});
  // In this order: sleeping hotels leave their snapshots in the mailboxes of those who keep them.
  bool finished = await_end(env_.system, std::vector{region_}, patience);
  finished = finished && end_and_await(env_.system, journal_.snapshots, patience);
  if (!finished) log_warn("not all hotels went to sleep in time; their next start is slower");
  end_and_await(env_.system, journal_.slots, patience);
  end_and_await(env_.system, journal_.readers, patience);
  heartbeat_->stop();  // it would take the place being given back for a fence
  if (auto gone = persistence::leave_node(env_.settings.database, id_); !gone) {
    log_warn("the place was not given back; the next start fences it", {{"detail", gone.error()}});
  }
}

incarnation::~incarnation() {
  if (left_ || !region_) return;
  part();
  caf::anon_send(region_, incarnation_fenced{});
  const auto patience = std::chrono::seconds{10};
  await_end(env_.system, std::vector{region_}, patience);
  end_and_await(env_.system, journal_.slots, patience);
  end_and_await(env_.system, journal_.readers, patience);
  end_and_await(env_.system, journal_.snapshots, patience);
}

bool current_lease::covers(const leased& answer) const {
  const auto now = current();
  return now && now->id() == answer.incarnation && now->heartbeat().covers(answer);
}

void current_lease::await_beat(const leased& answer, steady_instant deadline, std::function<void(bool)> then) {
  const auto now = current();
  if (!now || now->id() != answer.incarnation) return then(false);
  now->heartbeat().await_beat(answer, deadline, std::move(then));
}

// Between two incarnations time stands still; it dates nothing then.
instant current_lease::now() const {
  const auto now = current();
  auto told = last_told_us_.load();
  if (!now) return instant{std::chrono::microseconds{told}};
  const auto us = now->heartbeat().now().time_since_epoch().count();
  while (us > told && !last_told_us_.compare_exchange_weak(told, us)) {}
  return instant{std::chrono::microseconds{std::max(us, told)}};
}

}  // namespace keyrack::deploy
