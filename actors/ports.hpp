// What the inner rooms need from the outer ones, as interfaces that those implement: the node's clock and lease (beaten
// by persistence), the way to a hotel (cluster), the records beside the journal (persistence). Thread-safe, all of them.
#pragma once

#include "actors/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace keyrack {

/// The node's own steady clock: CLOCK_BOOTTIME.
steady_instant steady_now();

/// Cluster time: the database's clock as of the last beat, carried on by the steady clock. Never goes back.
class cluster_clock {
public:
  virtual ~cluster_clock() = default;
  virtual instant now() const = 0;
};

/// Whether an answer from memory may leave. Fed by the heartbeat.
class read_lease {
public:
  virtual ~read_lease() = default;

  /// True when the last completed beat was sent less than a lease ago and after the hotel was loaded, or when a beat
  /// that was sent after the decision came back unfenced. Cheap; asked at the moment the answer leaves.
  virtual bool covers(const leased& answer) const = 0;

  /// Asks for a beat at once and calls `then(covered)` when one that was sent after `answer.decided_at` has come back
  /// (true), or when the incarnation was fenced or `deadline` has passed (false). On any thread, once.
  virtual void await_beat(const leased& answer, steady_instant deadline, std::function<void(bool)> then) = 0;
};

/// The way to a hotel, wherever it lives. `send` is a plain call from the gateway's thread.
class router {
public:
  virtual ~router() = default;
  /// Every envelope is answered once through its `reply_to`, at the latest soon after its deadline.
  virtual void send(envelope_ptr e) = 0;
};

/// A person, as recorded beside the journal.
struct guest_record {
  guest_id id;
  std::string name;
  std::string email;
  std::string phone;
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
  bool erased = false;
};
struct guest_change {
  std::optional<std::string> name;
  std::optional<std::string> email;
  std::optional<std::string> phone;
};
struct reservation_row {
  hotel_id hotel;
  reservation value;
};
struct hotel_row {
  hotel_id hotel;
  hotel_profile profile;
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
};
template <typename Row>
struct page {
  std::vector<Row> rows;
  bool more = false;
  instant complete_up_to{};  ///< the projection has everything that was committed before
};

/// What went wrong with a look-up: `unavailable`, `deadline_exceeded`, `guest_unknown`, `version_conflict`, `reservation_unknown`.
template <typename T>
using record_result = std::variant<T, failure>;
template <typename T>
using record_callback = std::function<void(record_result<T>)>;

/// Questions to the tables beside the journal and to the journal itself. Asynchronous: callbacks come on a thread of
/// the implementation, once each, before the deadline or with `deadline_exceeded`. Bounded: over it `overloaded`.
class records {
public:
  virtual ~records() = default;
  virtual void find_guest(guest_id id, steady_instant deadline, record_callback<guest_record> then) = 0;
  virtual void change_guest(guest_id id, guest_change change, std::optional<std::uint64_t> if_match,
                            steady_instant deadline, record_callback<guest_record> then) = 0;
  /// Erases the person's data and the notes of all reservations; the row stays, empty. Erasing again changes nothing.
  virtual void erase_guest(guest_id id, std::optional<std::uint64_t> if_match, steady_instant deadline,
                           record_callback<guest_record> then) = 0;
  /// Guests whose name contains `part`, without regard to case, with reservations at the hotel; at most 1,000.
  virtual void find_guests_by_name(hotel_id hotel, std::string part, steady_instant deadline,
                                   record_callback<std::vector<guest_id>> then) = 0;
  virtual void find_notes(reservation_id id, steady_instant deadline, record_callback<std::string> then) = 0;
  /// From the projection. Upcoming: stays that end after `today_utc - 1`; ordered by check-in (past: descending), then id.
  virtual void list_reservations_of_guest(guest_id id, std::optional<bool> upcoming, date today_utc,
                                          std::optional<std::pair<date, reservation_id>> after, int limit,
                                          steady_instant deadline, record_callback<page<reservation_row>> then) = 0;
  /// From the projection, in the order of ids.
  virtual void list_hotels(std::optional<hotel_id> after, int limit, steady_instant deadline,
                           record_callback<page<hotel_row>> then) = 0;
  /// A reservation that has left its hotel's memory, from projection and journal.
  virtual void find_departed(reservation_id id, steady_instant deadline, record_callback<reservation> then) = 0;
  /// The events of a reservation, newest first, from the one at `last_seq` backwards.
  virtual void read_history(reservation_id id, std::uint64_t last_seq, int limit, steady_instant deadline,
                            record_callback<std::vector<event>> then) = 0;
};

/// Whether the node can do its work, and why not.
struct readiness {
  bool ready = false;
  std::vector<std::string> reasons;  ///< sentences for an operator
};

}  // namespace keyrack
