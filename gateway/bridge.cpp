#include "gateway/bridge.hpp"

#include <chrono>

namespace keyrack::gateway {
namespace {

// The router answers soon after an envelope's deadline; only when even that does not come the bridge answers itself.
constexpr auto patience = std::chrono::milliseconds{250};

constexpr std::uint64_t correlation_of(std::size_t index, std::uint32_t generation) {
  return static_cast<std::uint64_t>(generation) << 32 | index;
}

}  // namespace

bridge::bridge(router& to, bridge_bounds bounds, std::function<void()> wake)
    : router_(to), bounds_(bounds), wake_(std::move(wake)) {}

void bridge::deliver(std::vector<reply> replies) {
  std::unique_lock lock{mutex_};
  if (closed_) return;
  if (replies_.empty()) {
    replies_ = std::move(replies);
  } else {
    replies_.insert(replies_.end(), std::make_move_iterator(replies.begin()), std::make_move_iterator(replies.end()));
  }
  push_and_wake(std::move(lock));
}

void bridge::complete(std::uint64_t correlation) {
  std::unique_lock lock{mutex_};
  if (closed_) return;
  completions_.push_back(correlation);
  push_and_wake(std::move(lock));
}

// Wakes under the lock: after `close` nobody is on the way to a loop that is gone.
void bridge::push_and_wake(std::unique_lock<std::mutex>) {
  if (!std::exchange(woken_, true)) wake_();
}

void bridge::drain() {
  {
    std::lock_guard lock{mutex_};
    replies_taken_.swap(replies_);
    completions_taken_.swap(completions_);
    woken_ = false;
  }
  draining_ = true;
  for (auto& r : replies_taken_) resume(r.correlation, &r.answer);
  for (const auto correlation : completions_taken_) resume(correlation, nullptr);
  replies_taken_.clear();
  completions_taken_.clear();
  draining_ = false;
  send_asked();
}

void bridge::send_asked() {
  for (auto& e : asked_) router_.send(std::move(e));
  asked_.clear();
}

void bridge::expire(steady_instant now) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].waiting && slots_[i].deadline <= now) give_up(i);
  }
}

void bridge::fail_all() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].waiting) give_up(i);
  }
}

void bridge::close() {
  ended_ = true;
  asked_.clear();
  std::lock_guard lock{mutex_};
  closed_ = true;
}

bridge::slot* bridge::find(std::uint64_t correlation) {
  const auto index = correlation & 0xFFFF'FFFF;
  if (index >= slots_.size()) return nullptr;
  auto& found = slots_[index];
  return found.waiting && correlation_of(index, found.generation) == correlation ? &found : nullptr;
}

std::uint64_t bridge::occupy(slot with) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const auto index = free_.back();
  free_.pop_back();
  with.generation = slots_[index].generation + 1;
  if (with.of_hotel) ++per_hotel_[with.hotel];
  slots_[index] = with;
  ++in_flight_;
  return correlation_of(index, with.generation);
}

void bridge::release(std::size_t index) {
  auto& left = slots_[index];
  if (left.of_hotel) {
    const auto counted = per_hotel_.find(left.hotel);
    if (--counted->second == 0) per_hotel_.erase(counted);
  }
  left.waiting = nullptr;
  free_.push_back(static_cast<std::uint32_t>(index));
  --in_flight_;
}

void bridge::resume(std::uint64_t correlation, answer_envelope* answer) {
  auto* found = find(correlation);
  if (found == nullptr) {
    ++counts_.late_answers;
    return;
  }
  const auto waiting = found->waiting;
  if (answer != nullptr && found->answer != nullptr) *found->answer = std::move(*answer);
  release(correlation & 0xFFFF'FFFF);
  waiting.resume();
}

void bridge::give_up(std::size_t index) {
  const auto waiting = slots_[index].waiting;
  *slots_[index].timed_out = true;
  release(index);
  waiting.resume();
}

bridge::asking bridge::ask(envelope e, bool& hotel_bound) { return {*this, std::move(e), hotel_bound}; }

bool bridge::asking::await_ready() {
  const auto refuse = [this](std::uint64_t& count, const char* detail) {
    ++count;
    answer_.hotel = envelope_.hotel;
    answer_.body = failure{.code = errc::overloaded, .outcome = outcome::not_applied, .detail = detail};
    return true;
  };
  if (over_.ended_ || over_.in_flight_ >= over_.bounds_.in_flight_max) {
    return refuse(over_.counts_.refused_node, "This node has as many requests in flight as it takes.");
  }
  const auto counted = over_.per_hotel_.find(envelope_.hotel);
  if (counted != over_.per_hotel_.end() && counted->second >= over_.bounds_.per_hotel_max) {
    hotel_bound_ = true;
    return refuse(over_.counts_.refused_hotel, "This hotel has as many requests in flight as it takes.");
  }
  return false;
}

void bridge::asking::await_suspend(std::coroutine_handle<> waiting) {
  answer_.hotel = envelope_.hotel;
  // What stands here until an answer replaces it: whoever gives up does not know more.
  answer_.body = failure{.code = errc::deadline_exceeded,
                         .outcome = envelope_.is_command() ? outcome::unknown : outcome::not_applied,
                         .detail = "No answer came before the deadline."};
  envelope_.correlation = over_.occupy({.waiting = waiting,
                                        .answer = &answer_,
                                        .timed_out = &timed_out_,
                                        .deadline = envelope_.deadline + patience,
                                        .hotel = envelope_.hotel,
                                        .of_hotel = true});
  envelope_.reply_to = over_.shared_from_this();
  over_.asked_.push_back(std::make_shared<const envelope>(std::move(envelope_)));
  if (!over_.draining_ && over_.asked_.size() == 1) over_.push_and_wake(std::unique_lock{over_.mutex_});
}

answer_envelope bridge::asking::await_resume() { return std::move(answer_); }

}  // namespace keyrack::gateway
