// A journal in memory, behind the real actor interfaces: for tests of shells. It can be told to withhold its answers.
#pragma once

#include "actors/domain/hotel/evolve.hpp"
#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace keyrack::testing {

struct actor_config : caf::actor_system_config {
  actor_config() {
    add_message_types<caf::id_block::keyrack_actors>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2);
  }
};

/// Shared by the fake actors and the test.
struct fake_journal {
  std::mutex mutex;
  std::map<hotel_id, std::vector<event>> events;
  std::map<hotel_id, std::shared_ptr<const hotel_state>> snapshots;
  int loads = 0;
  std::vector<std::uint64_t> loads_after;  ///< of those that went on from an earlier load: its sequence number
  append_result next_result = append_result::applied;  ///< of the appends to come
  bool silent = false;                                 ///< appends that come now are neither done nor answered
  std::vector<caf::strong_actor_ptr> withheld;         ///< who sent those, kept alive by it, as a slot does
  bool readable = true;
  bool hands_over = true;  ///< whether hand-overs are taken
  std::vector<hand_over> handed_over;

  bool withholds(const caf::strong_actor_ptr& sender) {
    const std::scoped_lock lock{mutex};
    if (silent) withheld.push_back(sender);
    return silent;
  }
  append_result append(const commit& c) {
    const std::scoped_lock lock{mutex};
    if (next_result != append_result::applied) return next_result;
    auto& of_hotel = events[c.hotel];
    if (c.first_seq() != of_hotel.size() + 1) return append_result::conflict;
    of_hotel.insert(of_hotel.end(), c.events.begin(), c.events.end());
    return append_result::applied;
  }
  std::shared_ptr<hotel_state> load(const load_hotel& what) {
    const std::scoped_lock lock{mutex};
    ++loads;
    if (!readable) return nullptr;
    auto state = what.ahead ? what.ahead->state : std::make_shared<hotel_state>();
    if (what.ahead) loads_after.push_back(state->seq);
    state->id = what.hotel;
    const auto& all = events[what.hotel];
    for (auto seq = state->seq; seq < all.size(); ++seq) evolve(*state, all[seq]);
    return state;
  }
};

class fake_slot : public journal_slot_handle::base {
public:
  fake_slot(caf::actor_config& cfg, std::shared_ptr<fake_journal> journal)
      : journal_slot_handle::base(cfg), journal_(std::move(journal)) {}
  behavior_type make_behavior() override {
    return {[this](const append_commit& m) {
              if (journal_->withholds(current_sender())) return;
              const auto result = journal_->append(*m.what);
              send(caf::actor_cast<hotel_handle>(current_sender()), append_done{m.what->first_seq(), result});
            },
            [](const flush_batch&) {},
            [this](const hand_over_shards& m) {
              const std::scoped_lock lock{journal_->mutex};
              journal_->handed_over.insert(journal_->handed_over.end(), m.what.begin(), m.what.end());
              send(caf::actor_cast<region_handle>(current_sender()),
                   shards_handed_over{m.what, std::vector<bool>(m.what.size(), journal_->hands_over)});
            }};
  }

private:
  std::shared_ptr<fake_journal> journal_;
};

class fake_reader : public journal_reader_handle::base {
public:
  fake_reader(caf::actor_config& cfg, std::shared_ptr<fake_journal> journal)
      : journal_reader_handle::base(cfg), journal_(std::move(journal)) {}
  behavior_type make_behavior() override {
    return {[this](const load_hotel& m) {
              // To a hotel, or to the region that loads it ahead.
              caf::anon_send(caf::actor_cast<caf::actor>(current_sender()),
                             hotel_loaded{journal_->load(m), "the fake journal was told to fail", 0, m.hotel});
            },
            [this](const read_event& m) {
              const std::scoped_lock lock{journal_->mutex};
              const auto& all = journal_->events[m.hotel];
              send(caf::actor_cast<hotel_handle>(current_sender()),
                   event_read{m.hotel, m.seq, std::make_shared<const event>(all.at(m.seq - 1)), ""});
            }};
  }

private:
  std::shared_ptr<fake_journal> journal_;
};

class fake_snapshots : public snapshot_handle::base {
public:
  fake_snapshots(caf::actor_config& cfg, std::shared_ptr<fake_journal> journal)
      : snapshot_handle::base(cfg), journal_(std::move(journal)) {}
  behavior_type make_behavior() override {
    return {[this](const save_snapshot& m) {
      const std::scoped_lock lock{journal_->mutex};
      journal_->snapshots[m.state->id] = m.state;
    }};
  }

private:
  std::shared_ptr<fake_journal> journal_;
};

inline journal_handles handles_of(caf::actor_system& system, const std::shared_ptr<fake_journal>& journal) {
  return {{system.spawn<fake_slot>(journal)},
          {system.spawn<fake_reader>(journal)},
          {system.spawn<fake_snapshots>(journal)}};
}

}  // namespace keyrack::testing
