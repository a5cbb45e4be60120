#include "cluster/transport/request_ledger.hpp"

#include "actors/domain/assert.hpp"
#include "cluster/transport/frame_limits.hpp"

#include <algorithm>

namespace keyrack::cluster {

namespace {

transport::answer failed(errc code, bool sent, std::string_view detail) {
  return std::unexpected{failure{code, sent ? outcome::unknown : outcome::not_applied, std::string{detail}}};
}

}  // namespace

void request_ledger::add(std::string bytes, steady_instant deadline, std::function<void(transport::answer)> then) {
  KEYRACK_ASSERT(admits(bytes.size()));
  const auto id = next_id_++;
  const auto size = bytes.size();
  bytes_ += size;
  deadlines_.emplace(deadline, id);
  unsent_.push_back(id);
  open_.emplace(
      id, entry{.then = std::move(then), .deadline = deadline, .size = size, .bytes = std::move(bytes), .sent_at = {}});
}

std::vector<leaving_request> request_ledger::leave(std::size_t bytes_max, steady_instant now) {
  std::vector<leaving_request> leaving;
  std::size_t bytes = 0;
  while (!unsent_.empty()) {
    const auto found = open_.find(unsent_.front());
    if (found != open_.end()) {
      auto& request = found->second;
      if (!leaving.empty() && bytes + request.size + item_overhead > bytes_max) break;
      bytes += request.size + item_overhead;
      request.sent_at = now;
      leaving.push_back({.id = found->first, .deadline = request.deadline, .bytes = std::move(request.bytes)});
    }
    unsent_.pop_front();
  }
  return leaving;
}

std::function<void(transport::answer)> request_ledger::close(entries::iterator which) {
  auto then = std::move(which->second.then);
  bytes_ -= which->second.size;
  deadlines_.erase({which->second.deadline, which->first});
  open_.erase(which);
  return then;
}

std::optional<request_ledger::answered> request_ledger::answer(std::uint64_t id, transport::answer result) {
  const auto found = open_.find(id);
  // An answer to what was never sent is as little waited for as a late one.
  if (found == open_.end() || !found->second.sent_at) return std::nullopt;
  const auto sent_at = *found->second.sent_at;
  return answered{.call = {close(found), std::move(result)}, .sent_at = sent_at};
}

void request_ledger::expire(steady_instant now, std::vector<completion>& into) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto found = open_.find(deadlines_.begin()->second);
    const bool sent = found->second.sent_at.has_value();
    into.push_back({close(found), failed(errc::deadline_exceeded, sent, "no answer from the other node in time")});
  }
  if (open_.empty()) unsent_.clear();
}

void request_ledger::end(std::string_view why, std::vector<completion>& into) {
  while (!open_.empty()) {
    const auto sent = open_.begin()->second.sent_at.has_value();
    into.push_back({close(open_.begin()), failed(errc::unavailable, sent, why)});
  }
  unsent_.clear();
}

double request_ledger::used() const {
  const auto share = [](std::size_t of, std::size_t most) {
    return static_cast<double>(of) / static_cast<double>(most);
  };
  return std::max(share(open_.size(), bounds_.requests), share(bytes_, bounds_.bytes));
}

std::optional<steady_instant> request_ledger::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace keyrack::cluster
