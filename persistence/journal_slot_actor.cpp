// The shell around slot_machine: a thread, a connection, a mailbox. One step per message to itself, so that all commits
// that are queued are taken in before the next append, and an exit never waits for more than one statement.
#include "actors/ports.hpp"
#include "config/log.hpp"
#include "persistence/codec.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_writer.hpp"
#include "persistence/shard_rows.hpp"
#include "persistence/slot_machine.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

namespace keyrack::persistence {

namespace {

constexpr auto look_at_slots_again_after = std::chrono::milliseconds{5};

slot_limits limits_of(const journal_settings& s) {
  return {.batch_commits = static_cast<std::size_t>(s.batch_commits_max),
          .batch_bytes = static_cast<std::size_t>(s.batch_bytes_max),
          .queue_commits = static_cast<std::size_t>(s.queue_commits_max),
          .doubt_deadline = s.doubt_deadline,
          .reconnect_min = s.reconnect_min,
          .reconnect_max = s.reconnect_max};
}

class journal_slot_actor : public journal_slot_handle::base {
public:
  journal_slot_actor(caf::actor_config& cfg, std::shared_ptr<const journal_environment> environment, int slot)
      : journal_slot_handle::base(cfg),
        env_(std::move(environment)),
        slot_(slot),
        me_{.incarnation = env_->incarnation, .slot = writer_rows_of(env_->journal).slot(slot)},
        role_(fmt::format("slot-{}", slot)),
        machine_(limits_of(env_->journal), steady_now()),
        queue_(env_->counters.queue_commits.of({fmt::to_string(slot)})),
        reconnects_(env_->counters.reconnects.of({"slot"})) {
    set_exit_handler([this](const caf::exit_msg& m) {
      machine_.give_up();
      send_verdicts();
      tell_doubts(0);
      quit(m.reason);
    });
  }

  behavior_type make_behavior() override {
    wake();
    return {
        [this](const append_commit& m) { on_commit(m.what); },
        [this](const flush_batch&) { on_flush(); },
        [this](const hand_over_shards& m) { on_hand_over(m); },
    };
  }

private:
  void on_commit(const commit_ptr& what) {
    const auto now = steady_now();
    const auto ticket = next_ticket_++;
    senders_.emplace(ticket, current_sender());
    if (!has_work()) env_->board->set_working(slot_, now);
    machine_.take({.what = what, .payload = encode_commit(*what), .ticket = ticket, .queued_at = now});
    send_verdicts();
    wake();
  }

  void on_hand_over(const hand_over_shards& m) {
    if (!has_work()) env_->board->set_working(slot_, steady_now());
    handing_over_.push_back({.what = m.what, .asker = current_sender()});
    wake();
  }

  void wake() {
    if (std::exchange(awake_, true)) return;
    send(this, flush_batch{});
  }

  void on_flush() {
    awake_ = false;
    hand_over_next();
    const auto step = machine_.next(steady_now());
    // What the readers rely on is told before the answers that let a hotel be loaded anew.
    env_->board->set_settled(slot_, machine_.settled(), steady_now());
    std::visit([this](const auto& s) { carry_out(s); }, step);
    env_->board->set_settled(slot_, machine_.settled(), steady_now());
    send_verdicts();
    tell_doubts(machine_.in_doubt());
    queue_.set(static_cast<double>(machine_.waiting()));
  }

  // What the hotels of a shard have appended is certain only when no slot has anything in doubt: theirs may be another's
  // still, whose actor has given up waiting. A lost answer needs no care: the statement finds what it has done.
  void hand_over_next() {
    if (handing_over_.empty()) return;
    if (machine_.fenced()) return answer_hand_overs({});
    if (!machine_.ready()) return;  // its steps go on, and end here again
    if (!env_->board->all_settled()) {
      look_at_slots_again();
      return;
    }
    std::vector<hand_over> all;
    for (const auto& h : handing_over_) all.insert(all.end(), h.what.begin(), h.what.end());
    const auto written = write_hand_overs(*connection_, me_, all, statement_deadline());
    if (written) return answer_hand_overs(*written);
    if (written.error().kind != pg_failure::refused) return lose("hand over", written.error());
    log_error("hand-over refused", {{"code", written.error().sqlstate}, {"detail", written.error().message}});
    answer_hand_overs({});
  }

  /// The gauge is of all slots together.
  void tell_doubts(std::size_t open) {
    env_->counters.doubts_open.add(static_cast<double>(open) - doubts_told_);
    doubts_told_ = static_cast<double>(open);
  }

  /// Every append comes by here while a hand-over waits: one look that is on its way will do, or two that overlap.
  void look_at_slots_again() {
    const auto now = steady_now();
    if (now < no_look_before_) return;
    no_look_before_ = now + look_at_slots_again_after / 2;
    delayed_send(this, look_at_slots_again_after, flush_batch{});
  }

  /// `given`: of all that are waiting, in order; none of them when it is empty.
  void answer_hand_overs(const std::vector<bool>& given) {
    std::size_t next = 0;
    for (auto& h : std::exchange(handing_over_, {})) {
      shards_handed_over reply{.what = std::move(h.what), .done = {}};
      for (std::size_t i = 0; i < reply.what.size(); ++i) reply.done.push_back(!given.empty() && given[next++]);
      if (h.asker) caf::anon_send(caf::actor_cast<caf::actor>(h.asker), std::move(reply));
    }
  }

  void carry_out(const slot_machine::rest&) {}

  void carry_out(const slot_machine::pause& p) {
    awake_ = true;
    delayed_send(this, std::max(p.until - steady_now(), std::chrono::nanoseconds{1'000'000}), flush_batch{});
  }

  void carry_out(const slot_machine::connect&) {
    connection_.reset();
    auto made = pg_connection::connect(env_->database, application_name(me_.incarnation, role_),
                                       call_deadline::in("database.connect_timeout", env_->database.connect_timeout));
    if (!made) return lose("connect", made.error());
    connection_.emplace(std::move(*made));
    if (std::exchange(connected_before_, true)) reconnects_.add();
    machine_.connected(steady_now());
    wake();
  }

  void carry_out(const slot_machine::end_old&) {
    const auto gone = end_namesakes(*connection_, application_name(me_.incarnation, role_), statement_deadline());
    if (!gone) return lose("end old connection", gone.error());
    if (*gone) {
      machine_.old_ended();
    } else {
      machine_.old_remains(steady_now());
    }
    wake();
  }

  void carry_out(const slot_machine::enlist&) {
    const auto here = read_lineage(*connection_, statement_deadline());
    if (!here) return lose("enlist", here.error());
    const auto unfenced = enlist_writer(*connection_, me_, statement_deadline());
    if (!unfenced) return lose("enlist", unfenced.error());
    const bool same_server = *here == env_->lineage;
    machine_.enlisted(*unfenced && same_server);
    if (!*unfenced) fenced("this incarnation has been fenced");
    if (!same_server) fenced("the database is another server or timeline than the node began with");
    wake();
  }

  void carry_out(const slot_machine::look& s) {
    const auto in_doubt = s.at.size();
    const auto found = look_for(*connection_, me_, s.at, append_deadline());
    if (!found) return lose("look", found.error());
    const auto count = [&](found_commit what) { return static_cast<std::uint64_t>(std::ranges::count(*found, what)); };
    env_->counters.doubts_ended.of({"applied"}).add(count(found_commit::mine));
    env_->counters.doubts_ended.of({machine_.may_write() ? "appended_again" : "fenced"})
        .add(count(found_commit::absent));
    log_warn("doubt resolved", {{"slot", slot_},
                                {"incarnation", me_.incarnation},
                                {"commits", in_doubt},
                                {"applied", count(found_commit::mine)},
                                {"absent", count(found_commit::absent)},
                                {"foreign", count(found_commit::foreign)}});
    machine_.looked(*found);
    wake();
  }

  void carry_out(const slot_machine::append& s) {
    observe_batch(s.what);
    const auto sent = steady_now();
    env_->board->set_working(slot_, sent);
    const auto outcome = append_commits(*connection_, me_, s.what, append_deadline());
    env_->counters.append_seconds.observe(steady_now() - sent);
    if (outcome && outcome->fenced) {
      machine_.append_fenced();
      fenced("this incarnation has been fenced");
    } else if (outcome) {
      machine_.appended(outcome->inserted);
    } else if (outcome.error().kind == pg_failure::in_doubt) {
      env_->counters.in_doubt.add(s.what.size());
      return lose("append", outcome.error());
    } else if (outcome.error().kind == pg_failure::refused) {
      log_error("append refused", {{"slot", slot_},
                                   {"commits", s.what.size()},
                                   {"code", outcome.error().sqlstate},
                                   {"detail", outcome.error().message}});
      machine_.append_refused(outcome.error().sqlstate);
    } else {
      connection_.reset();
      machine_.append_not_sent(steady_now());
    }
    wake();
  }

  /// Whatever went wrong: the connection is dropped, and the machine says what that means.
  void lose(std::string_view during, const pg_error& error) {
    log_warn("journal connection lost", {{"slot", slot_},
                                         {"incarnation", me_.incarnation},
                                         {"during", during},
                                         {"code", error.sqlstate},
                                         {"detail", error.message}});
    connection_.reset();
    machine_.lost(steady_now());
    wake();
  }

  void fenced(std::string_view why) {
    if (std::exchange(told_fenced_, true)) return;
    log_error("journal slot fenced", {{"slot", slot_}, {"incarnation", me_.incarnation}, {"detail", why}});
    if (env_->on_fenced) env_->on_fenced(why);
  }

  /// A shard that is not handed over is served by nobody: the heartbeat vouches for that, too.
  bool has_work() const { return machine_.has_work() || !handing_over_.empty(); }

  void send_verdicts() {
    const auto verdicts = machine_.take_verdicts();
    for (const auto& v : verdicts) {
      const auto asker = senders_.extract(v.ticket);
      result_counter(v.result).add();
      if (v.result == append_result::unknown) env_->counters.doubts_ended.of({"unknown"}).add();
      if (!asker.empty() && asker.mapped()) {
        caf::anon_send(caf::actor_cast<caf::actor>(asker.mapped()),
                       append_done{.first_seq = v.first_seq, .result = v.result});
      }
    }
    if (!has_work()) {
      env_->board->set_idle(slot_);
    } else if (!verdicts.empty()) {
      env_->board->set_working(slot_, steady_now());
    }
  }

  void observe_batch(std::span<const queued_commit> batch) {
    std::size_t events = 0;
    std::size_t bytes = 0;
    const auto now = steady_now();
    for (const auto& c : batch) {
      events += c.what->events.size();
      bytes += c.payload.size();
      env_->counters.queued_seconds.observe(now - c.queued_at);
    }
    env_->counters.batch_commits.observe(batch.size());
    env_->counters.batch_events.observe(events);
    env_->counters.batch_bytes.observe(bytes);
  }

  counter& result_counter(append_result result) {
    auto& known = results_[static_cast<std::size_t>(result)];
    if (known == nullptr) known = &env_->counters.commits.of({std::string{to_text(result)}});
    return *known;
  }

  call_deadline append_deadline() const {
    return call_deadline::in("journal.append_timeout", env_->journal.append_timeout);
  }
  call_deadline statement_deadline() const {
    return call_deadline::in("database.statement_timeout", env_->database.statement_timeout);
  }

  struct waiting_hand_over {
    std::vector<hand_over> what;
    caf::strong_actor_ptr asker;
  };

  const std::shared_ptr<const journal_environment> env_;
  const int slot_;
  const writer_id me_;
  const std::string role_;
  slot_machine machine_;
  gauge& queue_;
  counter& reconnects_;
  std::array<counter*, 8> results_{};
  std::optional<pg_connection> connection_;
  std::unordered_map<std::uint64_t, caf::strong_actor_ptr> senders_;
  std::uint64_t next_ticket_ = 0;
  std::vector<waiting_hand_over> handing_over_;
  steady_instant no_look_before_{};
  double doubts_told_ = 0;
  bool awake_ = false;  // a flush_batch is on its way to this actor
  bool connected_before_ = false;
  bool told_fenced_ = false;
};

}  // namespace

journal_slot_handle spawn_journal_slot(caf::actor_system& system,
                                       std::shared_ptr<const journal_environment> environment, int slot) {
  return system.spawn<journal_slot_actor, caf::detached>(std::move(environment), slot);
}

}  // namespace keyrack::persistence
