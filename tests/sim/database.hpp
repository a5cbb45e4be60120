// PostgreSQL as the journal uses it, and at its worst: the append's statement is executed or not, its answer comes, comes late
// or never; the server goes away and comes back; rows of the executed stay. Fences and appends exclude each other as their
// row locks do. Refuses to know what events mean.
#pragma once

#include "actors/envelope.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace keyrack::sim {

using incarnation = std::uint64_t;

struct journal_row {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  incarnation writer = 0;
  commit_ptr what;
};

class database {
public:
  enum class row_result : std::uint8_t { applied, conflict };

  void register_writer(incarnation me) { live_.insert(me); }
  void fence(incarnation who) { live_.erase(who); }
  bool live(incarnation who) const { return live_.contains(who); }

  /// The append's statement: nothing when fenced, else for each commit whether its row was inserted.
  std::vector<row_result> append(incarnation me, const std::vector<commit_ptr>& batch) {
    std::vector<row_result> results;
    if (!live(me)) return results;
    for (const auto& c : batch) {
      const bool inserted =
          rows_[c->hotel].try_emplace(c->first_seq(), journal_row{c->first_seq(), c->last_seq(), me, c}).second;
      results.push_back(inserted ? row_result::applied : row_result::conflict);
    }
    return results;
  }

  const std::map<std::uint64_t, journal_row>& rows(hotel_id hotel) { return rows_[hotel]; }
  const journal_row* find(hotel_id hotel, std::uint64_t first_seq) {
    const auto found = rows_[hotel].find(first_seq);
    return found == rows_[hotel].end() ? nullptr : &found->second;
  }

  /// Events of a hotel in order; up to the first gap, which the checker looks for on its own.
  std::vector<event> events(hotel_id hotel) {
    std::vector<event> all;
    for (const auto& [first, row] : rows_[hotel])
      all.insert(all.end(), row.what->events.begin(), row.what->events.end());
    return all;
  }

  std::map<hotel_id, std::shared_ptr<const hotel_state>> snapshots;

private:
  std::set<incarnation> live_;
  std::map<hotel_id, std::map<std::uint64_t, journal_row>> rows_;
};

}  // namespace keyrack::sim
