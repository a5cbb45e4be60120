#include "actors/hotel_pipeline.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <utility>

namespace keyrack {

namespace {

// The answer of one accepted request is its event, inside the commit that carries it: shared, not copied.
std::shared_ptr<const event> event_in(const commit_ptr& c, std::uint64_t seq) {
  if (!c || seq < c->first_seq() || seq > c->last_seq()) return nullptr;
  return {c, &c->events[seq - c->first_seq()]};
}

reservation_number reservation_of(const event& e) {
  const auto* step = std::get_if<reservation_event>(&e.body);
  return step ? step->after.number : reservation_number{};
}

failure failure_of(append_result result) {
  switch (result) {
  case append_result::fenced: return {errc::fenced, outcome::not_applied, "this node lost its place before the commit"};
  case append_result::conflict:
    return {errc::moving, outcome::not_applied, "another commit stands in the journal; the hotel is loaded anew"};
  case append_result::refused: return {errc::unavailable, outcome::not_applied, "the database refused the commit"};
  default:
    return {errc::unavailable, outcome::unknown,
            "the database went away during the commit; ask again with the same key"};
  }
}

}  // namespace

hotel_pipeline::hotel_pipeline(hotel_state loaded, std::uint64_t snapshot_seq, steady_instant loaded_at,
                               std::int64_t incarnation, snapshot_policy policy)
    : state_(std::move(loaded)),
      loaded_at_(loaded_at),
      incarnation_(incarnation),
      policy_(policy),
      durable_seq_(state_.seq),
      snapshot_seq_(snapshot_seq) {
  unwritten_commit_.hotel = state_.id;
}

void hotel_pipeline::on_envelope(envelope_ptr e, const moment& now, steady_instant steady, effects& out) {
  if (failed_) {
    out.why = {errc::moving, outcome::not_applied, "the hotel is being loaded anew"};
    out.given_back.push_back(std::move(e));
    return;
  }
  if (e->deadline < steady) {
    const failure late{errc::deadline_exceeded, e->in_doubt ? outcome::unknown : outcome::not_applied,
                       "no time was left to decide"};
    out.answers.push_back(
        {std::move(e), {.hotel = state_.id, .sequence = durable_seq_, .rests_on = durable{}, .body = late}});
    return;
  }
  if (e->is_command()) {
    decide_command(e, now, steady, out);
  } else {
    answer_query(e, now, steady);
  }
  append_if_idle(out);
  release_durable(out);
}

void hotel_pipeline::decide_command(const envelope_ptr& e, const moment& now, steady_instant steady, effects& out) {
  auto decided = decide(state_, e->request, std::get<command>(e->body), now);
  const bool has_events = !decided.events.empty();
  const auto reservation = has_events ? reservation_of(decided.events.back()) : reservation_number{};
  adopt(std::move(decided.events));

  if (const auto* again = std::get_if<repeated>(&decided.result)) return answer_repeated(e, again->seq, steady, out);

  waiting_answer w{.to = e, .needs = state_.seq, .sent_before = appends_sent_, .decided_at = steady};
  if (const auto* yes = std::get_if<accepted>(&decided.result)) {
    KEYRACK_ASSERT(yes->seq == state_.seq);
    w.event_seq = yes->seq;
    w.body = done{};
    for (const auto& record : e->personal) {
      unwritten_commit_.personal.push_back(record);
      unwritten_commit_.notes_of.push_back(reservation);
    }
  } else if (auto* no = std::get_if<refusal>(&decided.result)) {
    w.body = std::move(*no);
  } else {
    return;  // lapse_holds: nobody asked
  }
  waiting_.push_back(std::move(w));
}

void hotel_pipeline::answer_query(const envelope_ptr& e, const moment& now, steady_instant steady) {
  waiting_answer w{.to = e, .needs = state_.seq, .sent_before = appends_sent_, .decided_at = steady};
  auto found = answer(state_, std::get<query>(e->body), now);
  if (auto* no = std::get_if<refusal>(&found)) {
    w.body = std::move(*no);
  } else {
    w.body = std::make_shared<const view>(std::get<view>(std::move(found)));
  }
  waiting_.push_back(std::move(w));
}

// Tentative from here on: the state runs ahead of the journal, and no answer leaves before the journal has caught up.
void hotel_pipeline::adopt(std::vector<event> events) {
  for (auto& e : events) {
    evolve(state_, e);
    unwritten_.push_back(std::move(e));
  }
}

void hotel_pipeline::answer_repeated(const envelope_ptr& e, std::uint64_t seq, steady_instant steady, effects& out) {
  if (seq > durable_seq_) {  // the first one is still on its way: this one leaves behind it
    waiting_answer w{
        .to = e, .needs = state_.seq, .sent_before = appends_sent_, .decided_at = steady, .event_seq = seq};
    // Its event is in the commit on its way, or in the one that `needs` waits for: `finished` finds only the latter.
    w.body = done{event_in(in_flight_, seq), true};
    waiting_.push_back(std::move(w));
    return;
  }
  auto& waiters = reading_[seq];
  if (waiters.empty()) out.read.push_back(seq);
  waiters.push_back({e, steady});
}

void hotel_pipeline::on_tick(const moment& now, effects& out) {
  if (failed_ || state_.holds.empty() || now.at < state_.holds.begin()->first) return;
  adopt(decide(state_, {}, lapse_holds{}, now).events);
  append_if_idle(out);
}

void hotel_pipeline::append_if_idle(effects& out) {
  if (in_flight_ || unwritten_.empty() || failed_) return;
  in_flight_ = std::make_shared<const commit>(std::exchange(unwritten_commit_, commit{.hotel = state_.id}));
  ++appends_sent_;
  // Now, and only now, the state is exactly what the journal will hold when this commit is durable.
  if (state_.seq - snapshot_seq_ >= std::max<std::uint64_t>(policy_.events, state_.reservations.size())) {
    snapshot_when_durable_ = std::make_shared<const hotel_state>(state_);
  }
  out.append = in_flight_;
}

void hotel_pipeline::on_append_done(const append_result& result, std::uint64_t first_seq, effects& out) {
  if (failed_) return;
  KEYRACK_ASSERT(in_flight_ && in_flight_->first_seq() == first_seq);
  if (result != append_result::applied) return give_back_all(failure_of(result), result == append_result::unknown, out);

  last_applied_ = std::move(in_flight_);
  in_flight_ = nullptr;
  durable_seq_ = last_applied_->last_seq();
  if (snapshot_when_durable_) {
    snapshot_seq_ = snapshot_when_durable_->seq;
    out.snapshot = std::move(snapshot_when_durable_);
  }
  release_durable(out);
  append_if_idle(out);
}

void hotel_pipeline::release_durable(effects& out) {
  while (!waiting_.empty() && waiting_.front().needs <= durable_seq_) {
    out.answers.push_back({waiting_.front().to, finished(waiting_.front()), waiting_.front().decided_at});
    waiting_.pop_front();
  }
}

answer_envelope hotel_pipeline::finished(const waiting_answer& w) const {
  answer_envelope a{.hotel = state_.id, .sequence = w.needs, .rests_on = durable{}, .body = w.body};
  if (auto* answered = std::get_if<done>(&a.body)) {
    if (!answered->what) answered->what = event_in(last_applied_, w.event_seq);
    KEYRACK_ASSERT(answered->what);
    return a;
  }
  // An append that was sent before the decision says nothing about who owned the hotel when it was decided.
  if (!in_flight_ && w.sent_before < appends_sent_) return a;
  a.rests_on = leased{loaded_at_, w.decided_at, incarnation_};
  return a;
}

void hotel_pipeline::on_event_read(std::uint64_t seq, std::shared_ptr<const event> what, effects& out) {
  const auto found = reading_.find(seq);
  if (found == reading_.end()) return;
  for (auto& waiter : found->second) {
    if (what) {
      out.answers.push_back(
          {std::move(waiter.to),
           {.hotel = state_.id, .sequence = durable_seq_, .rests_on = durable{}, .body = done{what, true}},
           waiter.arrived});
    } else {  // it was applied long ago, but what its answer was cannot be said now
      out.why = {errc::unavailable, outcome::unknown, "the first answer could not be read from the journal"};
      out.in_doubt.push_back(std::move(waiter.to));
    }
  }
  reading_.erase(found);
}

void hotel_pipeline::on_fenced(effects& out) {
  if (failed_) return;
  give_back_all({errc::fenced, outcome::not_applied, "this node lost its place"}, in_flight_ != nullptr, out);
}

void hotel_pipeline::give_back_all(failure why, bool commit_in_doubt, effects& out) {
  failed_ = true;
  why.outcome = outcome::not_applied;
  out.why = std::move(why);
  // What rests on a commit that is in doubt may be true; what came after it was never sent. Queries have no effect.
  const auto last_in_doubt = commit_in_doubt && in_flight_ ? in_flight_->last_seq() : 0;
  for (auto& w : waiting_) {
    const bool doubtful = w.event_seq != 0 && w.event_seq <= last_in_doubt;
    (doubtful ? out.in_doubt : out.given_back).push_back(std::move(w.to));
  }
  // Their first sending was applied long ago: to give them back as not applied would be a lie.
  for (auto& [seq, waiters] : reading_) {
    for (auto& waiter : waiters) out.in_doubt.push_back(std::move(waiter.to));
  }
  waiting_.clear();
  reading_.clear();
  unwritten_commit_ = commit{.hotel = state_.id};
  in_flight_ = nullptr;
  snapshot_when_durable_ = nullptr;
}

std::shared_ptr<const hotel_state> hotel_pipeline::last_snapshot() {
  KEYRACK_ASSERT(idle());
  if (failed_ || state_.seq == snapshot_seq_) return nullptr;
  return std::make_shared<const hotel_state>(std::move(state_));
}

}  // namespace keyrack
