// What clients saw, and whether it can have been: the promises, checked against the journal by a model that is written
// differently from the code (plain lists of reservations, counted night by night).
#pragma once

#include "tests/sim/database.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <string>
#include <vector>

namespace keyrack::sim {

class history {
public:
  history(world& w, database& db) : world_(w), db_(db) {}

  /// What a client wants has one effect, under whatever keys it is sent.
  void sent(request_key key, std::uint64_t wish) { wish_of_.emplace(key, wish); }
  std::uint64_t wish_of(request_key key) const { return wish_of_.at(key); }

  /// An answer reached a client that had called at `called`. Checks all that can be checked at once.
  void answered(const envelope& e, const answer_envelope& a, duration called, std::uint64_t wish);

  /// At the end: gaps, forks, oversold nights, keys answered twice.
  void check_journal(const std::vector<hotel_id>& hotels);
  /// At the end: whatever anybody was told is still there.
  void check_told();

  const std::vector<std::string>& violations() const { return violations_; }
  int accepted() const { return accepted_; }
  int refused() const { return refused_; }
  int replayed() const { return replayed_; }
  int read() const { return read_; }

private:
  void violated(const std::string& what);
  void check_done(const envelope& e, const done& d, std::uint64_t wish);
  void check_sold_out(const envelope& e, const answer_envelope& a);
  void check_fresh(const envelope& e, const answer_envelope& a, duration called);

  world& world_;
  database& db_;
  std::vector<std::string> violations_;
  struct acknowledged {
    hotel_id hotel;
    std::uint64_t seq = 0;
  };
  std::map<std::uint64_t, acknowledged> by_wish_;
  std::map<request_key, std::uint64_t> wish_of_;
  // The latest event of a hotel that had been told to anybody, and since when.
  std::map<hotel_id, std::vector<std::pair<duration, std::uint64_t>>> told_;
  int accepted_ = 0;
  int refused_ = 0;
  int replayed_ = 0;
  int read_ = 0;
};

}  // namespace keyrack::sim
