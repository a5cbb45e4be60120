// Its rules are in the header's diagram; the calls assert that they come in a state where the diagram has them.
#include "persistence/slot_machine.hpp"

#include "actors/domain/assert.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace keyrack::persistence {

namespace {

/// Whether an error can be the doing of one commit's values: data exceptions, broken constraints, limits of a value.
bool is_about_a_value(std::string_view sqlstate) {
  const auto group = sqlstate.substr(0, 2);
  return group == "21" || group == "22" || group == "23" || group == "54";
}

}  // namespace

void slot_machine::answer(const queued_commit& c, append_result result) {
  verdicts_.push_back({.ticket = c.ticket, .first_seq = c.what->first_seq(), .result = result});
}

void slot_machine::answer_all(std::vector<queued_commit>& commits, append_result result) {
  for (const auto& c : commits) answer(c, result);
  commits.clear();
}

/// Everything of which it is known that the journal does not hold it.
void slot_machine::answer_certain(append_result result) {
  for (auto& b : again_) answer_all(b.commits, result);
  again_.clear();
  for (const auto& c : queue_) answer(c, result);
  queue_.clear();
}

std::vector<append_verdict> slot_machine::take_verdicts() { return std::exchange(verdicts_, {}); }

void slot_machine::take(queued_commit c) {
  if (state_ == state::fenced) return answer(c, append_result::fenced);
  if (given_up_ || queue_.size() >= limits_.queue_commits) return answer(c, append_result::refused);
  queue_.push_back(std::move(c));
}

slot_machine::step slot_machine::next(steady_instant now) {
  expire(now);
  switch (state_) {
  case state::away:
    if (now < retry_at_) return pause{.until = retry_at_};
    return connect{};
  case state::ending:
    if (now < retry_at_) return pause{.until = retry_at_};
    return end_old{};
  case state::enlisting: return enlist{};
  case state::looking: return look{.at = doubtful_};
  case state::ready:
    if (!fill_batch()) return rest{};
    return append{.what = batch_.commits};
  case state::fenced: break;
  }
  return rest{};
}

bool slot_machine::fill_batch() {
  KEYRACK_ASSERT(batch_.commits.empty());
  if (!again_.empty()) {
    batch_ = std::move(again_.front());
    again_.pop_front();
    return true;
  }
  std::unordered_set<hotel_id> hotels;
  std::size_t bytes = 0;
  std::deque<queued_commit> rest_of_queue;
  while (!queue_.empty()) {
    auto& c = queue_.front();
    const bool first = batch_.commits.empty();  // goes alone, however large it is
    if (!first && (batch_.commits.size() >= limits_.batch_commits || bytes + c.payload.size() > limits_.batch_bytes)) {
      break;
    }
    if (hotels.insert(c.what->hotel).second) {
      bytes += c.payload.size();
      batch_.commits.push_back(std::move(c));
    } else {
      rest_of_queue.push_back(std::move(c));
    }
    queue_.pop_front();
  }
  queue_.insert(queue_.begin(), std::make_move_iterator(rest_of_queue.begin()),
                std::make_move_iterator(rest_of_queue.end()));
  batch_.tried = false;
  return !batch_.commits.empty();
}

void slot_machine::connected(steady_instant now) {
  KEYRACK_ASSERT(state_ == state::away);
  state_ = state::ending;
  retry_at_ = now;
}

void slot_machine::go_away(steady_instant now) {
  if (state_ == state::ready) {
    away_since_ = now;
    failures_ = 0;
  }
  state_ = state::away;
  // The first attempt is made at once: most often one connection was lost, not the server.
  auto delay = std::chrono::nanoseconds{0};
  if (failures_ > 0) {
    delay = limits_.reconnect_min;
    for (int i = 1; i < failures_ && delay < limits_.reconnect_max; ++i) delay *= 2;
    delay = std::min(delay, limits_.reconnect_max);
  }
  ++failures_;
  retry_at_ = now + delay;
}

void slot_machine::lost(steady_instant now) {
  KEYRACK_ASSERT(state_ != state::fenced);
  if (!batch_.commits.empty()) {
    KEYRACK_ASSERT(doubtful_.empty());
    doubtful_ = std::exchange(batch_.commits, {});
  }
  go_away(now);
}

void slot_machine::append_not_sent(steady_instant now) {
  KEYRACK_ASSERT(state_ == state::ready);
  again_.push_front(std::exchange(batch_, {}));
  go_away(now);
}

void slot_machine::old_ended() {
  KEYRACK_ASSERT(state_ == state::ending);
  state_ = state::enlisting;
}

void slot_machine::old_remains(steady_instant now) {
  KEYRACK_ASSERT(state_ == state::ending);
  retry_at_ = now + limits_.reconnect_min / 5;  // a backend that was told to end is usually gone within milliseconds
}

void slot_machine::enlisted(bool may_write) {
  KEYRACK_ASSERT(state_ == state::enlisting);
  may_write_ = may_write;
  if (!doubtful_.empty()) {
    state_ = state::looking;
  } else if (may_write_) {
    become_ready();
  } else {
    become_fenced();
  }
}

void slot_machine::looked(std::span<const found_commit> found) {
  KEYRACK_ASSERT(state_ == state::looking && found.size() == doubtful_.size());
  batch absent;
  for (std::size_t i = 0; i < found.size(); ++i) {
    switch (found[i]) {
    case found_commit::mine: answer(doubtful_[i], append_result::applied); break;
    case found_commit::foreign: answer(doubtful_[i], append_result::conflict); break;
    case found_commit::absent:
      if (++doubtful_[i].found_absent < limits_.doubts_per_commit) {
        absent.commits.push_back(std::move(doubtful_[i]));
      } else {
        answer(doubtful_[i], append_result::refused);
      }
      break;
    }
  }
  doubtful_.clear();
  if (!absent.commits.empty()) again_.push_front(std::move(absent));
  if (may_write_) {
    become_ready();
  } else {
    become_fenced();
  }
}

void slot_machine::become_ready() {
  state_ = state::ready;
  failures_ = 0;
  given_up_ = false;
}

void slot_machine::become_fenced() {
  state_ = state::fenced;
  answer_certain(append_result::fenced);
}

void slot_machine::appended(const std::vector<bool>& inserted) {
  KEYRACK_ASSERT(state_ == state::ready && inserted.size() == batch_.commits.size());
  for (std::size_t i = 0; i < inserted.size(); ++i) {
    answer(batch_.commits[i], inserted[i] ? append_result::applied : append_result::conflict);
  }
  batch_.commits.clear();
}

void slot_machine::append_fenced() {
  KEYRACK_ASSERT(state_ == state::ready);
  answer_all(batch_.commits, append_result::fenced);
  become_fenced();
}

void slot_machine::append_refused(std::string_view sqlstate) {
  KEYRACK_ASSERT(state_ == state::ready);
  auto refused = std::exchange(batch_, {});
  if (is_about_a_value(sqlstate) && refused.commits.size() > 1) {
    const auto middle = refused.commits.begin() + static_cast<std::ptrdiff_t>(refused.commits.size() / 2);
    batch second{.commits = {std::make_move_iterator(middle), std::make_move_iterator(refused.commits.end())},
                 .tried = true};
    refused.commits.erase(middle, refused.commits.end());
    refused.tried = true;
    again_.push_front(std::move(second));
    again_.push_front(std::move(refused));
  } else if (!refused.tried) {
    refused.tried = true;
    again_.push_front(std::move(refused));
  } else {
    answer_all(refused.commits, append_result::refused);
  }
}

void slot_machine::expire(steady_instant now) {
  if (settled() || given_up_ || now - away_since_ < limits_.doubt_deadline) return;
  given_up_ = true;
  answer_all(doubtful_, append_result::unknown);
  answer_certain(append_result::refused);
}

void slot_machine::give_up() {
  answer_all(batch_.commits, append_result::unknown);
  answer_all(doubtful_, append_result::unknown);
  answer_certain(append_result::refused);
}

}  // namespace keyrack::persistence
