#include "tests/sim/planted.hpp"

#include <array>

namespace keyrack::sim {

namespace {

// In the order of the enumeration.
constexpr std::array names{
    "none",
    "doubt_taken_for_applied",
    "doubt_taken_for_absent",
    "append_without_fence",
    "answer_before_commit",
    "no_lease",
    "serves_before_lease_ended",
    "request_keys_forgotten",
    "fresh_key_after_unknown",
    "router_retries_with_fresh_key",
    "fence_ignores_locks",
    "fence_not_waited_for",
    "gift_without_fence",
    "hand_over_before_appends_end",
    "old_rows_believed",
    "move_drops_parked",
    "lost_hand_over_taken_back",
    "doubt_answered_from_visibility",
    "beats_vouch_for_nothing",
    "hand_overs_are_no_work",
    "held_back_unaware",
    "role_holder_not_ended",
    "time_goes_back",
    "superseded_link_read",
};
static_assert(names.size() == static_cast<std::size_t>(planted::count));

}  // namespace

std::vector<planted> all_planted() {
  std::vector<planted> all;
  for (std::size_t i = 1; i < names.size(); ++i) all.push_back(static_cast<planted>(i));
  return all;
}

std::string_view to_text(planted bug) { return names.at(static_cast<std::size_t>(bug)); }

}  // namespace keyrack::sim
