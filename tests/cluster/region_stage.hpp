// A region's core, fed step by step: one hotel and its shard, this node, another and a third. For tests of `region`.
#pragma once

#include "cluster/region.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace keyrack::cluster {

inline constexpr incarnation_id me = 7;
inline constexpr incarnation_id other = 8;
inline constexpr incarnation_id third = 9;
inline constexpr hotel_id hotel{4711};
inline constexpr auto wait_after_fence = std::chrono::milliseconds{600};
inline const shard_id home = shard_of(hotel);
inline const region::bounds bounds{
    .waiting_max = 3, .wait_after_fence = wait_after_fence, .prepare_for = std::chrono::seconds{1}};

class region_stage : public testing::Test {
protected:
  region::effects rows(shard_row row) { return rows_of(home, row); }
  region::effects rows_of(shard_id shard, shard_row row) {
    std::vector<shard_row> all(shards_count, shard_row{.version = -5});  // older than all that is known
    all[static_cast<std::size_t>(shard)] = row;
    return step([&](auto& out) { r->on_rows(all, now, out); });
  }
  region::effects command() {
    auto e = std::make_shared<envelope>();
    e->hotel = hotel;
    e->correlation = ++last;
    return step([&](auto& out) { r->on_envelope(e, out); });
  }
  region::effects gone() {
    return step([&](auto& out) { r->on_gone(hotel, out); });
  }
  region::effects handed_over(hand_over what, bool done) {
    return step([&](auto& out) { r->on_handed_over(what, done, out); });
  }
  region::effects prepared(std::int64_t version) {
    return step([&](auto& out) { r->on_prepared(home, version, out); });
  }
  region::effects after(std::chrono::milliseconds time) {
    now = now + time;
    return step([&](auto& out) { r->on_time(now, out); });
  }
  template <typename Step>
  region::effects step(Step what) {
    region::effects out;
    what(out);
    return out;
  }
  bool serves() { return !command().send.empty(); }
  /// Mine and empty: everything up to the hand-over.
  hand_over being_handed_over(std::int64_t version = 2) {
    rows({.owner = me, .version = version - 1});
    auto out = rows({.owner = me, .target = other, .version = version});
    EXPECT_THAT(out.hand_overs, testing::ElementsAre(hand_over{home, version, other}));
    return {home, version, other};
  }

  std::optional<region> r{std::in_place, me, bounds};
  steady_instant now{1'000'000'000};
  std::uint64_t last = 0;
};

}  // namespace keyrack::cluster
