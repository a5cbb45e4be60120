// Goal: every code has a name of its own, and the order of the list is the order of refusals that the design page gives.
#include "actors/domain/errc.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace keyrack {
namespace {

TEST(Errc, StandsInTheOrderOfTheDesignPage) {
  const std::vector<std::string_view> in_order = {"key_reused",
                                                  "hotel_unknown",
                                                  "room_type_unknown",
                                                  "reservation_unknown",
                                                  "wrong_status",
                                                  "version_conflict",
                                                  "stay_invalid",
                                                  "stay_in_past",
                                                  "stay_too_far",
                                                  "too_many_guests",
                                                  "sold_out",
                                                  "closed",
                                                  "closed_to_arrival",
                                                  "closed_to_departure",
                                                  "min_stay",
                                                  "max_stay",
                                                  "hold_lapsed",
                                                  "no_room_ready",
                                                  "room_type_in_use",
                                                  "currency_mismatch",
                                                  "calendar_invalid",
                                                  "limit_reached",
                                                  "room_taken",
                                                  "hotel_in_use",
                                                  "json_invalid",
                                                  "cursor_invalid",
                                                  "body_invalid",
                                                  "guest_unknown",
                                                  "overloaded",
                                                  "unavailable",
                                                  "deadline_exceeded",
                                                  "node_unknown",
                                                  "shard_unknown",
                                                  "last_node",
                                                  "node_unfit",
                                                  "already_there",
                                                  "shard_pinned",
                                                  "move_open",
                                                  "rebalance_running",
                                                  "moving",
                                                  "fenced"};
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    EXPECT_EQ(to_text(static_cast<errc>(i)), in_order[i]);
    names.insert(in_order[i]);
  }
  EXPECT_EQ(names.size(), in_order.size());
  EXPECT_EQ(in_order.size(), static_cast<std::size_t>(errc::fenced) + 1);
}

TEST(Outcome, HasItsName) {
  EXPECT_EQ(to_text(outcome::not_applied), "not_applied");
  EXPECT_EQ(to_text(outcome::unknown), "unknown");
}

}  // namespace
}  // namespace keyrack
