// The requests of one incoming link: what is unanswered, and the answers on their way. Owns the bound on what a peer can make
// this node keep. Pure.
#pragma once

#include "cluster/proto/transport.pb.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace keyrack::cluster {

class answer_book {
public:
  struct bounds {
    std::size_t requests = 0;
    std::size_t bytes = 0;  ///< of requests that are unanswered; of answers that wait to leave
  };
  explicit answer_book(bounds of) : bounds_(of) {}

  /// Takes a request in; false: it must be refused, there is too much or the id is in use.
  bool admit(std::uint64_t id, std::size_t bytes);

  /// Its answer. False: it was answered before, or never admitted.
  bool answer(std::uint64_t id, std::string bytes);

  /// It will never be answered.
  void abandon(std::uint64_t id) { close(id); }

  /// Answers that it was not admitted.
  void refuse(std::uint64_t id, link::Failure why);

  /// More answers wait than the peer can have asked for: it sends and does not read.
  bool overflows() const;

  bool has_answers() const { return !leaving_.empty(); }

  /// Moves answers of about `bytes_max` bytes into a frame; one that is larger leaves alone.
  void leave(std::size_t bytes_max, link::Answers& into);

  std::size_t unanswered() const { return open_.size(); }
  std::size_t unsent() const { return leaving_.size(); }

private:
  bool close(std::uint64_t id);

  const bounds bounds_;
  std::unordered_map<std::uint64_t, std::size_t> open_;  // its size
  std::deque<link::Answer> leaving_;
  std::size_t open_bytes_ = 0;
  std::size_t leaving_bytes_ = 0;
};

}  // namespace keyrack::cluster
