// Those who book, change their minds and ask, again when nobody answers, and what they were told in the end. Judges what is
// theirs alone: one answer to each call, and an outcome that is true.
#pragma once

#include "tests/sim/environment.hpp"
#include "tests/sim/fleet.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace keyrack::sim {

class clients {
public:
  clients(environment& env, fleet& machines, std::vector<hotel_id> hotels)
      : env_(env), fleet_(machines), hotels_(std::move(hotels)) {}

  /// Creates all hotels, with rooms.
  void open_hotels();
  /// So many of them, until `end`; what is unknown then they still ask for until `patience_ends`.
  void begin(int count, duration end, duration patience_ends);
  /// A booking in every hotel, of nights that nobody else wants.
  void book_everywhere();
  /// Those that have not come true.
  int bookings_missing() const;

  /// Nobody waits for an answer, or for what was booked everywhere.
  bool at_rest() const;

  /// An answer, from the machine that was asked.
  void answer(const envelope_ptr& e, const answer_envelope& a);
  /// At the end: calls that nobody answered, outcomes that are not true.
  void check();

  const std::vector<std::string>& violations() const { return violations_; }
  /// Requests that no retry settled.
  int unknown() const;

private:
  struct wish_of_client {
    std::shared_ptr<const envelope> what;
    bool insists = false;  // asks until it is done
    bool settled = false;
    bool done = false;
    int attempts = 0;
    std::uint64_t last_call = 0;
  };
  struct call {
    std::uint64_t wish = 0;
    duration called{};
    process* asked = nullptr;
    bool answered = false;
  };

  void step();
  std::uint64_t wish(hotel_id id, command c, bool insists = false);
  void ask(hotel_id id, query q);
  void call_now(std::uint64_t n);
  void ask_again(std::uint64_t n);
  void give_up(std::uint64_t id);
  void failed(std::uint64_t id, outcome o);

  environment& env_;
  fleet& fleet_;
  const std::vector<hotel_id> hotels_;
  duration end_{};
  duration patience_ends_ = duration::max();
  std::uint64_t last_wish_ = 0;
  std::map<std::uint64_t, wish_of_client> wishes_;
  std::unordered_map<std::uint64_t, call> calls_;
  std::map<std::uint64_t, std::function<void()>> when_done_;
  std::vector<request_key> not_applied_;
  std::vector<request_key> refused_;
  std::vector<std::uint64_t> last_bookings_;
  std::vector<std::string> violations_;
};

}  // namespace keyrack::sim
