// Loads hotels and single events on a thread and a connection of its own, which it makes anew when it is lost. Every
// request has one deadline for all that it takes; what fails is told in `why`.
#include "actors/ports.hpp"
#include "config/log.hpp"
#include "persistence/journal.hpp"
#include "persistence/recovery.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <deque>
#include <optional>
#include <utility>

namespace keyrack::persistence {

namespace {

using reader_with_timer = journal_reader_handle::extend<caf::reacts_to<tick>>;

constexpr auto look_again_after = std::chrono::milliseconds{5};  // at a slot that resolves a doubt

class journal_reader_actor : public reader_with_timer::base {
public:
  journal_reader_actor(caf::actor_config& cfg, std::shared_ptr<const journal_environment> environment, int reader)
      : reader_with_timer::base(cfg),
        env_(std::move(environment)),
        role_(fmt::format("reader-{}", reader)),
        reconnects_(env_->counters.reconnects.of({"reader"})) {}

  behavior_type make_behavior() override {
    return {
        [this](const load_hotel& m) {
          on_load({.hotel = m.hotel, .ahead = m.ahead, .sender = current_sender(), .deadline = deadline()});
        },
        [this](const read_event& m) { on_read(m); },
        [this](const tick&) { on_timer(); },
    };
  }

private:
  struct waiting_load {
    hotel_id hotel;
    std::shared_ptr<const hotel_loaded> ahead;
    caf::strong_actor_ptr sender;
    call_deadline deadline;
  };

  // A hotel whose slot is in doubt may have commits that are visible and not yet certain: it is not loaded until then.
  void on_load(waiting_load load) {
    if (!env_->board->settled(load.hotel)) {
      if (steady_now() >= load.deadline.at) {
        return answer(load.sender,
                      hotel_loaded{.state = nullptr, .why = "its journal slot is not connected", .hotel = load.hotel});
      }
      waiting_.push_back(std::move(load));
      if (!std::exchange(timer_set_, true)) delayed_send(this, look_again_after, tick{});
      return;
    }
    hotel_loaded reply{.hotel = load.hotel};
    if (load.ahead && caught_up(load)) {
      reply.state = load.ahead->state;
      reply.snapshot_seq = load.ahead->snapshot_seq;
      return answer(load.sender, std::move(reply));
    }
    auto found = attempt([&](pg_connection& c) { return recover_hotel(c, load.hotel, load.deadline); }, load.deadline);
    if (found) {
      reply.state = std::make_shared<hotel_state>(std::move(found->state));
      reply.snapshot_seq = found->snapshot_seq;
    } else {
      log_error("hotel not loaded", {{"hotel", to_text(load.hotel)}, {"detail", found.error().why}});
      reply.why = std::move(found.error().why);
    }
    answer(load.sender, std::move(reply));
  }

  // From what was loaded ahead, as far as an earlier attempt has brought it. Whatever is wrong with it, the journal is right.
  bool caught_up(const waiting_load& load) {
    const auto read =
        attempt([&](pg_connection& c) { return catch_up(c, *load.ahead->state, load.deadline); }, load.deadline);
    if (!read) log_error("hotel loaded anew", {{"hotel", to_text(load.hotel)}, {"detail", read.error().why}});
    return read.has_value();
  }

  void on_timer() {
    timer_set_ = false;
    for (auto& load : std::exchange(waiting_, {})) on_load(std::move(load));
  }

  void on_read(const read_event& m) {
    const auto until = deadline();
    auto found = attempt([&](pg_connection& c) { return find_event(c, m.hotel, m.seq, until); }, until);
    event_read reply{.hotel = m.hotel, .seq = m.seq, .what = nullptr, .why = {}};
    if (found) {
      reply.what = std::make_shared<const event>(std::move(*found));
    } else {
      log_error("event not read", {{"hotel", to_text(m.hotel)}, {"sequence", m.seq}, {"detail", found.error().why}});
      reply.why = std::move(found.error().why);
    }
    answer(current_sender(), std::move(reply));
  }

  /// Once more on a new connection, when the old one turns out to be gone: most often the server was restarted.
  template <typename Read>
  auto attempt(Read read, call_deadline until) -> decltype(read(std::declval<pg_connection&>())) {
    for (int attempts_left = 1;; --attempts_left) {
      if (auto ready = connect(); !ready)
        return std::unexpected(read_failure{.connection = true, .why = ready.error()});
      auto result = read(*connection_);
      if (result || !result.error().connection) return result;
      connection_.reset();
      if (attempts_left == 0 || steady_now() >= until.at) return result;
    }
  }

  std::expected<void, std::string> connect() {
    if (connection_ && connection_->usable()) return {};
    connection_.reset();
    auto made = connect_to(env_->lineage, env_->database, env_->incarnation, role_);
    if (!made) return std::unexpected(made.error().message);
    connection_.emplace(std::move(*made));
    if (std::exchange(connected_before_, true)) reconnects_.add();
    return {};
  }

  template <typename Message>
  void answer(const caf::strong_actor_ptr& to, Message m) {
    if (to) caf::anon_send(caf::actor_cast<caf::actor>(to), std::move(m));
  }

  call_deadline deadline() const { return call_deadline::in("journal.load_timeout", env_->journal.load_timeout); }

  const std::shared_ptr<const journal_environment> env_;
  const std::string role_;
  counter& reconnects_;
  std::optional<pg_connection> connection_;
  std::deque<waiting_load> waiting_;
  bool timer_set_ = false;
  bool connected_before_ = false;
};

}  // namespace

journal_reader_handle spawn_journal_reader(caf::actor_system& system,
                                           std::shared_ptr<const journal_environment> environment, int reader) {
  return system.spawn<journal_reader_actor, caf::detached>(std::move(environment), reader);
}

}  // namespace keyrack::persistence
