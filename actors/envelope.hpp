// A command or a query on its way to a hotel, and the answer on its way back. Immutable once sent; shared, never copied.
#pragma once

#include "actors/domain/hotel/commands.hpp"
#include "actors/domain/hotel/decide.hpp"
#include "actors/domain/hotel/queries.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keyrack {

/// Steady time that does not stop while the machine sleeps (CLOCK_BOOTTIME), in nanoseconds. Leases and deadlines are in it.
struct steady_instant {
  std::int64_t ns = 0;
  auto operator<=>(const steady_instant&) const = default;
  steady_instant operator+(std::chrono::nanoseconds d) const { return {ns + d.count()}; }
  std::chrono::nanoseconds operator-(steady_instant other) const { return std::chrono::nanoseconds{ns - other.ns}; }
};

/// A person's data and a reservation's notes: written in the append of the reservation, never part of the journal.
struct personal_record {
  guest_id guest;
  bool new_guest = false;  ///< false: only notes
  std::string name;
  std::string email;
  std::string phone;
  std::string notes;
};

/// On what an answer rests, checked where it leaves the node (architecture, read lease).
struct durable {};               ///< on an append that was sent after the decision and is durable: may leave at once
struct leased {                  ///< on memory: may leave under the read lease, see `read_lease`
  steady_instant loaded_at;      ///< when the hotel was loaded from the journal
  steady_instant decided_at;     ///< when this answer was decided, or read
  std::int64_t incarnation = 0;  ///< whose memory it was: no other incarnation's lease covers it
};
using basis = std::variant<durable, leased>;

/// Something went wrong on the way; says whether it applied.
struct failure {
  errc code{};  ///< overloaded, unavailable, deadline_exceeded; between nodes moving, fenced
  keyrack::outcome outcome = outcome::not_applied;
  std::string detail;
};

/// The command was accepted, now or before (`replayed`). Rendered from the event alone, so that a repeated request gets
/// the same bytes.
struct done {
  std::shared_ptr<const event> what;
  bool replayed = false;
};

struct answer_envelope {
  hotel_id hotel;
  std::uint64_t sequence = 0;  ///< of the hotel, at which the answer was true
  basis rests_on;
  std::variant<done, refusal, std::shared_ptr<const view>, failure> body;
};

/// Where an answer goes: the gateway's bridge here, the transport later. Thread-safe. Called once per envelope.
class reply_port {
public:
  struct reply {
    std::uint64_t correlation = 0;
    answer_envelope answer;
  };
  virtual ~reply_port() = default;
  /// Takes a batch of answers; never blocks, never throws.
  virtual void deliver(std::vector<reply> replies) = 0;
};

struct envelope {
  hotel_id hotel;
  keyrack::request request;  ///< of commands; empty for queries
  std::variant<command, query> body;
  std::vector<personal_record> personal;  ///< goes into the append if the command is accepted; at most one
  steady_instant deadline;
  std::string request_id;  ///< for the logs
  std::shared_ptr<reply_port> reply_to;
  std::uint64_t correlation = 0;
  bool in_doubt = false;   ///< an earlier attempt ended unknown: a failure of this one is unknown too
  bool forwarded = false;  ///< by another node, whose router tries again: it is answered here or given back

  bool is_command() const { return body.index() == 0; }
};
using envelope_ptr = std::shared_ptr<const envelope>;

/// Where a hotel gives back what it cannot answer: its router, which tries again or tells the client. Thread-safe.
class bounce_port {
public:
  virtual ~bounce_port() = default;
  virtual void bounce(std::vector<envelope_ptr> what, const failure& why) = 0;
};

/// One commit: all that one hotel decided while its append before was under way.
struct commit {
  hotel_id hotel;
  std::vector<event> events;  ///< never empty; first and last sequence number are theirs
  std::vector<personal_record> personal;
  std::vector<reservation_number> notes_of;  ///< parallel to `personal`: the reservation that it belongs to
  std::uint64_t first_seq() const { return events.front().seq; }
  std::uint64_t last_seq() const { return events.back().seq; }
};
using commit_ptr = std::shared_ptr<const commit>;

/// How an append ended. In doubt is not among them: the writer resolves doubts before it answers.
enum class append_result : std::uint8_t {
  applied,
  fenced,    ///< certainly not applied: this incarnation has lost its place
  conflict,  ///< certainly not applied: rows of somebody else stand there; the hotel must be loaded anew
  refused,   ///< certainly not applied: the database did not take it, and was asked again once
  unknown,   ///< the database stayed away too long; it may be there
};
std::string_view to_text(append_result result);

}  // namespace keyrack
