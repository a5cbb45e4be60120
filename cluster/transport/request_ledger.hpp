// The requests of one outgoing link: credit, correlation, deadlines. Owns what a request's end means: one that never left was
// not applied. Pure; knows no clock, no socket, no frame.
#pragma once

#include "cluster/transport.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>

namespace keyrack::cluster {

/// A call that is due, made when no lock is held.
struct completion {
  std::function<void(transport::answer)> then;
  transport::answer result;
};

/// A request as it leaves.
struct leaving_request {
  std::uint64_t id = 0;
  steady_instant deadline;
  std::string bytes;
};

class request_ledger {
public:
  struct bounds {
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };
  struct answered {
    completion call;
    steady_instant sent_at;
  };
  explicit request_ledger(bounds of) : bounds_(of) {}

  /// Whether there is credit for one more of this size.
  bool admits(std::size_t bytes) const { return open_.size() < bounds_.requests && bytes <= bounds_.bytes - bytes_; }

  /// REQUIRES: admits(bytes.size()).
  void add(std::string bytes, steady_instant deadline, std::function<void(transport::answer)> then);

  bool has_unsent() const { return !unsent_.empty(); }

  /// Requests that leave now, oldest first: of about `bytes_max` bytes; one that is larger leaves alone.
  std::vector<leaving_request> leave(std::size_t bytes_max, steady_instant now);

  /// The answer to a request; nothing if it is not waited for any more.
  std::optional<answered> answer(std::uint64_t id, transport::answer result);

  /// Those whose deadline has passed.
  void expire(steady_instant now, std::vector<completion>& into);

  /// The link broke: ends all.
  void end(std::string_view why, std::vector<completion>& into);

  /// When `expire` is due next; nothing: never.
  std::optional<steady_instant> next_deadline() const;

  std::size_t in_flight() const { return open_.size(); }
  std::size_t bytes_in_flight() const { return bytes_; }
  /// Those that have not left; some that have expired may be among them.
  std::size_t unsent() const { return unsent_.size(); }
  /// The share of its credit that is used, by number or by bytes, whichever is more.
  double used() const;

private:
  struct entry {
    std::function<void(transport::answer)> then;
    steady_instant deadline;
    std::size_t size = 0;
    std::string bytes;  // until it leaves
    std::optional<steady_instant> sent_at;
  };
  using entries = std::unordered_map<std::uint64_t, entry>;
  std::function<void(transport::answer)> close(entries::iterator which);

  const bounds bounds_;
  entries open_;
  std::set<std::pair<steady_instant, std::uint64_t>> deadlines_;
  std::deque<std::uint64_t> unsent_;  // also of some that have expired
  std::size_t bytes_ = 0;
  std::uint64_t next_id_ = 1;
};

}  // namespace keyrack::cluster
