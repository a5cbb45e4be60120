// A region over a journal in memory, with its router: a node without its network and its database. For tests of shells.
#pragma once

#include "cluster/node_router.hpp"
#include "cluster/region_actor.hpp"
#include "tests/support/fake_journal.hpp"

#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>

namespace keyrack::testing {

struct fixed_clock : cluster_clock {
  instant now() const override { return std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}; }
};

/// Collects answers; `of(n)` waits for the one of correlation n.
struct collector : reply_port {
  void deliver(std::vector<reply> replies) override {
    const std::scoped_lock lock{mutex};
    for (auto& r : replies) {
      EXPECT_FALSE(answers.contains(r.correlation)) << "answered twice: " << r.correlation;
      answers.emplace(r.correlation, std::move(r.answer));
    }
    changed.notify_all();
  }
  answer_envelope of(std::uint64_t correlation) {
    std::unique_lock lock{mutex};
    const bool came = changed.wait_for(lock, std::chrono::seconds{20}, [&] { return answers.contains(correlation); });
    EXPECT_TRUE(came) << "no answer to " << correlation;
    return came ? answers.at(correlation) : answer_envelope{};
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, answer_envelope> answers;
};

class hotel_host {
public:
  explicit hotel_host(incarnation_id incarnation) : me(incarnation) { start({}); }
  ~hotel_host() {
    router->use_local(nullptr);
    caf::anon_send(region, incarnation_fenced{});
    region = nullptr;
    std::vector<caf::strong_actor_ptr> senders;  // whose hotels hold the journal's actors, which hold the journal
    const std::scoped_lock lock{journal->mutex};
    senders.swap(journal->withheld);
  }
  hotel_host(const hotel_host&) = delete;
  hotel_host& operator=(const hotel_host&) = delete;

  /// Another region takes the place of the one before.
  void start(const hotels_settings& settings) {
    if (region) caf::anon_send(region, incarnation_fenced{});  // else it would tick, and the system wait, for ever
    directory = std::make_shared<cluster::hotel_directory>(settings.waiting_max);
    auto environment =
        std::make_shared<const hotel_environment>(hotel_environment{me,
                                                                    handles_of(system, journal),
                                                                    std::make_shared<fixed_clock>(),
                                                                    router,
                                                                    std::make_shared<hotel_observer>(counters),
                                                                    {},
                                                                    counters});
    region = cluster::spawn_region(
        system, {.hotels = settings,
                 .wait_after_fence = std::chrono::milliseconds{50},
                 .look_at_idle_hotels_every = std::chrono::milliseconds{20},  // its timer keeps a region alive
                 .directory = directory,
                 .of_hotels = environment,
                 .on_gone = [this](const std::vector<hand_over>& gone) { shards_gone += gone.size(); },
                 .announce =
                     [this](const cluster::region::announcement& a, std::function<void()> done) {
                       announced += a.hotels.size();
                       done();
                     },
                 .on_admits_more = [r = router] { r->retry_parked(); }});
    router->use_local(std::make_shared<const cluster::local_hotels>(cluster::local_hotels{me, directory, region}));
    tell_rows({.owner = me, .version = 0});
  }

  /// All shards have this row now, but for its version, which is a later one.
  void tell_rows(shard_row row) {
    auto rows = std::make_shared<cluster_rows>();
    row.version = ++rows_version;
    std::ranges::fill(rows->shards, row);
    caf::anon_send(region, rows_read{rows});
    router->use_owners(*rows);
  }

  const incarnation_id me;
  actor_config config;
  metrics counters;  // outlives the actors, for whose end the system waits
  caf::actor_system system{config};
  std::shared_ptr<fake_journal> journal = std::make_shared<fake_journal>();
  std::shared_ptr<cluster::node_router> router = cluster::node_router::start(system, {}, counters);
  std::shared_ptr<cluster::hotel_directory> directory;
  region_handle region;
  std::int64_t rows_version = 0;
  std::atomic<std::size_t> shards_gone{0};
  std::atomic<std::size_t> announced{0};
};

/// What a guest sends, answered to `to` under `correlation`.
inline std::shared_ptr<envelope> request_of(hotel_id hotel, std::variant<command, query> body, std::uint64_t key,
                                            std::shared_ptr<reply_port> to, std::uint64_t correlation,
                                            std::chrono::nanoseconds time = std::chrono::seconds{10}) {
  auto e = std::make_shared<envelope>();
  e->hotel = hotel;
  e->request = {.key = {2, key}, .digest = key, .by = "test"};
  e->body = std::move(body);
  e->deadline = steady_now() + time;
  e->reply_to = std::move(to);
  e->correlation = correlation;
  return e;
}

inline command create_command() {
  return create_hotel{
      {.name = "A", .city = "B", .country = "CH", .time_zone = "Europe/Zurich", .currency = currency{{'C', 'H', 'F'}}}};
}
inline command add_type_command() {
  return add_room_type{
      {.name = "Double", .rooms = 5, .max_guests = 2, .price = 100, .currency = currency{{'C', 'H', 'F'}}}};
}

}  // namespace keyrack::testing
