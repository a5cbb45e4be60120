// Commits to rows of the projections: pure. Owns what a batch of commits leaves to be written, one row per reservation and
// hotel however often they were touched, and that each hotel's commits join. Refuses to know tables and connections.
#pragma once

#include "actors/domain/hotel/events.hpp"
#include "actors/domain/ids.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace keyrack::persistence {

struct reservation_projection {
  hotel_id hotel;
  reservation_number number;
  guest_id guest;
  keyrack::stay stay;
  reservation_status status{};
  std::uint64_t last_seq = 0;
  std::optional<instant> hold_expires_at;  ///< of a pending one
  std::string body;
};

/// The hotel as its last event left it. A batch that only removes it does not know the profile.
struct hotel_projection {
  hotel_id hotel;
  std::optional<std::string> profile;
  std::uint64_t version = 0;
  instant created_at{};
  instant updated_at{};
  bool removed = false;
};

/// Up to which event each hotel is known; a hotel that is not in it is not known at all.
using known_sequences = std::unordered_map<hotel_id, std::uint64_t>;

/// Why a commit was not taken in.
struct not_folded {
  enum class reason : std::uint8_t {
    gap,     ///< the commit before it has not been seen: read the hotel from there
    broken,  ///< it cannot be read, or overlaps what is known: nothing may go on behind it
  } what{};
  std::string detail;
};

/// What a batch of commits leaves to be written.
class projection_fold {
public:
  /// `known` is carried on; it outlives the fold. REQUIRES: every hotel that is added has an entry, 0 for a new one.
  explicit projection_fold(known_sequences& known) : known_(known) {}

  /// Takes a commit in. One whose events are all known changes nothing.
  std::expected<void, not_folded> add(hotel_id hotel, std::uint64_t first_seq, std::uint64_t last_seq,
                                      std::string_view payload);

  const std::vector<reservation_projection>& reservations() const { return reservations_; }
  const std::vector<hotel_projection>& hotels() const { return hotels_; }
  /// Hotels that the batch has moved on, in the order in which they were met first.
  const std::vector<hotel_id>& touched() const { return touched_; }
  std::uint64_t last_seq(hotel_id hotel) const { return known_.at(hotel); }
  bool empty() const { return touched_.empty(); }

private:
  void apply(hotel_id hotel, const event& e);
  hotel_projection& hotel_row(hotel_id hotel);
  void touch(hotel_id hotel);

  known_sequences& known_;
  std::vector<reservation_projection> reservations_;
  std::vector<hotel_projection> hotels_;
  std::vector<hotel_id> touched_;
  struct reservation_id_hash {
    std::size_t operator()(const reservation_id& id) const noexcept {
      return std::hash<hotel_id>{}(id.hotel) ^ (id.number.value * 0x9E3779B97F4A7C15ULL);
    }
  };
  std::unordered_map<reservation_id, std::size_t, reservation_id_hash> reservation_places_;
  std::unordered_map<hotel_id, std::size_t> hotel_places_;
  std::unordered_set<hotel_id> touched_set_;
};

}  // namespace keyrack::persistence
