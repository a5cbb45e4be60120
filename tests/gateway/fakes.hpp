// Stand-ins for what the gateway stands on: hotels in memory decided by the real domain, a lease that can be withheld,
// records in a map. No threads of their own: what answers late answers when the test says so.
#pragma once

#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/evolve.hpp"
#include "actors/domain/hotel/queries.hpp"
#include "actors/ports.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace keyrack::testing {

/// The day on which all tests happen: 2027-05-01, noon.
inline constexpr date test_today{20'939};
inline instant test_now() { return instant{std::chrono::days{test_today.days}} + std::chrono::hours{12}; }

class fixed_clock final : public cluster_clock {
public:
  instant now() const override { return test_now(); }
};

/// Covers everything, unless told otherwise; then it answers a wait when told.
class fake_lease final : public read_lease {
public:
  bool covers(const leased&) const override { return covering; }
  void await_beat(const leased&, steady_instant, std::function<void(bool)> then) override {
    std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(then));
    changed_.notify_all();
  }
  void wait_until_asked() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !waiting_.empty(); });
  }
  void beat(bool covered) {
    std::vector<std::function<void(bool)>> taken;
    {
      std::lock_guard lock{mutex_};
      taken.swap(waiting_);
    }
    for (auto& then : taken) then(covered);
  }
  std::atomic<bool> covering{true};

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void(bool)>> waiting_;
};

/// One request as a hotel would answer it, with all its events so far.
class memory_hotels {
public:
  answer_envelope answer(const envelope& e) {
    auto& hotel = hotels_[e.hotel];
    hotel.state.id = e.hotel;
    answer_envelope out{.hotel = e.hotel, .sequence = 0, .rests_on = leased{}, .body = done{}};
    const moment now{std::max(test_now(), hotel.state.last_at), test_today};
    if (const auto* asked = std::get_if<query>(&e.body)) {
      auto shown = keyrack::answer(hotel.state, *asked, now);
      if (auto* refused = std::get_if<refusal>(&shown)) {
        out.body = std::move(*refused);
      } else {
        out.body = std::make_shared<const view>(std::get<view>(std::move(shown)));
      }
    } else {
      decide_into(hotel, e, now, out);
    }
    out.sequence = hotel.state.seq;
    return out;
  }
  std::uint64_t sequence_of(hotel_id id) { return hotels_[id].state.seq; }

private:
  struct hotel_memory {
    hotel_state state;
    std::vector<std::shared_ptr<const event>> journal;
  };
  static void decide_into(hotel_memory& hotel, const envelope& e, const moment& now, answer_envelope& out) {
    auto decided = decide(hotel.state, e.request, std::get<command>(e.body), now);
    for (auto& happened : decided.events) {
      evolve(hotel.state, happened);
      hotel.journal.push_back(std::make_shared<const event>(std::move(happened)));
    }
    if (const auto* fresh = std::get_if<accepted>(&decided.result)) {
      out.rests_on = durable{};
      out.body = done{hotel.journal.at(fresh->seq - 1), false};
    } else if (const auto* known = std::get_if<repeated>(&decided.result)) {
      out.body = done{hotel.journal.at(known->seq - 1), true};
    } else {
      out.body = std::get<refusal>(std::move(decided.result));
    }
  }
  std::map<hotel_id, hotel_memory> hotels_;
};

/// Answers at once, or holds everything back until released.
class fake_router final : public router {
public:
  void send(envelope_ptr e) override {
    std::unique_lock lock{mutex_};
    ++sent_;
    held_.push_back(std::move(e));
    changed_.notify_all();
    if (!holding_) flush(lock);
  }
  /// From now on everything waits for `release`.
  void hold() {
    std::lock_guard lock{mutex_};
    holding_ = true;
  }
  void wait_until_held(std::size_t n) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return held_.size() >= n; });
  }
  /// Answers all that waits and goes on answering at once.
  void release() {
    std::unique_lock lock{mutex_};
    holding_ = false;
    flush(lock);
  }
  /// Instead of a hotel's answer, for everything that comes or waits.
  void answer_with(std::function<answer_envelope(const envelope&)> how) {
    std::lock_guard lock{mutex_};
    how_ = std::move(how);
  }
  /// Asked first: what it gives is the answer, else the hotel's own is.
  void before_answer(std::function<std::optional<answer_envelope>(const envelope&)> how) {
    std::lock_guard lock{mutex_};
    before_ = std::move(how);
  }
  /// What waits is never answered.
  void forget() {
    std::lock_guard lock{mutex_};
    held_.clear();
  }
  std::vector<envelope_ptr> held() {
    std::lock_guard lock{mutex_};
    return held_;
  }
  std::size_t sent() {
    std::lock_guard lock{mutex_};
    return sent_;
  }

private:
  answer_envelope answer_to(const envelope& e) {
    if (before_) {
      if (auto given = before_(e)) return std::move(*given);
    }
    return how_ ? how_(e) : hotels_.answer(e);
  }
  void flush(std::unique_lock<std::mutex>&) {
    std::map<reply_port*, std::pair<std::shared_ptr<reply_port>, std::vector<reply_port::reply>>> batches;
    for (const auto& e : held_) {
      auto& batch = batches[e->reply_to.get()];
      batch.first = e->reply_to;
      batch.second.push_back({e->correlation, answer_to(*e)});
    }
    held_.clear();
    for (auto& [port, batch] : batches) batch.first->deliver(std::move(batch.second));
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  memory_hotels hotels_;
  bool holding_ = false;
  std::size_t sent_ = 0;
  std::function<answer_envelope(const envelope&)> how_;
  std::function<std::optional<answer_envelope>(const envelope&)> before_;
  std::vector<envelope_ptr> held_;
};

/// Tables in memory. `failing` answers everything with that failure.
class fake_records final : public records {
public:
  std::optional<failure> failing;
  std::map<guest_id, guest_record> guests;
  std::map<reservation_id, std::string> notes;
  std::map<reservation_id, reservation> departed;
  std::map<reservation_id, std::vector<event>> histories;
  page<reservation_row> reservations;
  page<hotel_row> hotels;
  std::vector<guest_id> found_by_name;
  int asked = 0;
  bool silent = false;  ///< never answers

  void find_guest(guest_id id, steady_instant, record_callback<guest_record> then) override { give_guest(id, then); }
  void change_guest(guest_id id, guest_change change, std::optional<std::uint64_t> if_match, steady_instant,
                    record_callback<guest_record> then) override {
    if (!may_touch(id, if_match, then)) return;
    auto& g = guests.at(id);
    if (change.name) g.name = *change.name;
    if (change.email) g.email = *change.email;
    if (change.phone) g.phone = *change.phone;
    ++g.version;
    give_guest(id, then);
  }
  void erase_guest(guest_id id, std::optional<std::uint64_t> if_match, steady_instant,
                   record_callback<guest_record> then) override {
    if (!may_touch(id, if_match, then)) return;
    auto& g = guests.at(id);
    g.name = g.email = g.phone = "";
    g.erased = true;
    give_guest(id, then);
  }
  void find_guests_by_name(hotel_id, std::string, steady_instant,
                           record_callback<std::vector<guest_id>> then) override {
    give(found_by_name, then);
  }
  void find_notes(reservation_id id, steady_instant, record_callback<std::string> then) override {
    give(notes[id], then);
  }
  void list_reservations_of_guest(guest_id, std::optional<bool>, date, std::optional<std::pair<date, reservation_id>>,
                                  int, steady_instant, record_callback<page<reservation_row>> then) override {
    give(reservations, then);
  }
  void list_hotels(std::optional<hotel_id>, int, steady_instant, record_callback<page<hotel_row>> then) override {
    give(hotels, then);
  }
  void find_departed(reservation_id id, steady_instant, record_callback<reservation> then) override {
    const auto found = departed.find(id);
    if (found == departed.end()) return then(failure{.code = errc::reservation_unknown});
    give(found->second, then);
  }
  void read_history(reservation_id id, std::uint64_t, int, steady_instant,
                    record_callback<std::vector<event>> then) override {
    give(histories[id], then);
  }

private:
  template <typename T>
  void give(const T& what, const record_callback<T>& then) {
    ++asked;
    if (silent) return;
    if (failing) return then(*failing);
    then(what);
  }
  void give_guest(guest_id id, const record_callback<guest_record>& then) {
    const auto found = guests.find(id);
    if (found == guests.end() && !failing && !silent) return then(failure{.code = errc::guest_unknown});
    give(found == guests.end() ? guest_record{} : found->second, then);
  }
  bool may_touch(guest_id id, std::optional<std::uint64_t> if_match, const record_callback<guest_record>& then) {
    const auto found = guests.find(id);
    if (found == guests.end()) {
      then(failure{.code = errc::guest_unknown});
    } else if (if_match && *if_match != found->second.version) {
      then(failure{.code = errc::version_conflict});
    } else {
      return true;
    }
    return false;
  }
};

}  // namespace keyrack::testing
