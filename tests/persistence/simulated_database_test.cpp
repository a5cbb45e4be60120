// Goal: the simulated PostgreSQL does what the real one does, over random scripts of the product's own statements; or the
// simulation proves nothing. And the comparison would notice, rule by rule, if it did not.
#include "tests/persistence/database_script.hpp"
#include "tests/sim/seeds.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace keyrack::testing {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Each has some twenty connections, of the hundred that a server has.
const int threads = std::min(2, sim::threads_wanted());

/// One for each thread, made before them, and for all tests: to make and to drop a database takes a second.
class stages {
public:
  stages() {
    for (int n = 0; n < threads; ++n) free_.push_back(std::make_unique<database_stage>());
  }
  static stages& of_all() {
    static stages all;
    return all;
  }
  /// A test begins.
  void forget() {
    all = {};
    disagreements.clear();
    unsteady.clear();
  }
  /// How the databases disagree over that script; empty: not at all.
  std::string play_once(std::uint64_t seed, sim::lie wrong = sim::lie::none) {
    auto stage = take();
    script_tally of_this;
    auto disagreement = script{*stage, seed, wrong, of_this}.run();
    const std::scoped_lock lock{mutex_};
    if (disagreement.empty()) all.add(of_this);
    free_.push_back(std::move(stage));
    return disagreement;
  }

  /// Whether they agree. Where PostgreSQL's order is free in a way that the script does not know, they do when it is played
  /// again: that is counted.
  bool play(std::uint64_t seed) {
    auto how = play_once(seed);
    for (int again = 0; again < 2 && !how.empty(); ++again) {
      count_unsteady(seed);
      how = play_once(seed);
    }
    if (!how.empty()) note(seed, how);
    return how.empty();
  }

  void note(std::uint64_t seed, const std::string& how) {
    const std::scoped_lock lock{mutex_};
    unsteady.erase(seed);
    disagreements.emplace(seed, how);
  }

  script_tally all;
  std::map<std::uint64_t, std::string> disagreements;
  std::set<std::uint64_t> unsteady;  // scripts that agreed when they were played again

private:
  void count_unsteady(std::uint64_t seed) {
    const std::scoped_lock lock{mutex_};
    unsteady.insert(seed);
  }

  std::unique_ptr<database_stage> take() {
    const std::scoped_lock lock{mutex_};
    auto stage = std::move(free_.back());
    free_.pop_back();
    return stage;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<database_stage>> free_;
};

void expect_not_empty(script_tally all, int scripts) {
  EXPECT_GT(all.waited, scripts);
  EXPECT_GT(all.held, scripts);
  EXPECT_LT(all.free_orders, scripts / 20);
  for (const auto* outcome : {"fenced", "unfenced", "inserted", "handed", "found", "term", "changed", "renewed", "beat",
                              "removed", "left", "registered", "lost", "told", "alone"}) {
    EXPECT_GT(all.outcomes[outcome], 0) << outcome;
  }
}

TEST(SimulatedDatabase, AgreesWithTheRealOneOnEveryScript) {
  const bool one = std::getenv("KEYRACK_SCRIPT") != nullptr;
  const sim::seed_range scripts{.first = number_from_environment("KEYRACK_SCRIPT", 1),
                                .count = number_from_environment("KEYRACK_SCRIPTS", one ? 1 : 1'000)};
  auto& played = stages::of_all();
  played.forget();
  const auto took = sim::for_each_seed(scripts, true, [&](std::uint64_t seed) { return played.play(seed); }, threads);
  const auto& wrong = played.disagreements;
  ASSERT_TRUE(wrong.empty()) << wrong.begin()->second << "\nreplay: KEYRACK_SCRIPT=" << wrong.begin()->first;
  const auto& all = played.all;
  fmt::print("{} scripts in {:.0f} s, {:.0f} a second; {} statements, {} held open, {} backends ended, {} statements "
             "lost; {} looks at one that waited; {} ended early, for the order was free",
             scripts.count, took, static_cast<double>(scripts.count) / took, all.steps, all.held, all.killed, all.lost,
             all.waited, all.free_orders);
  for (const auto& [outcome, n] : all.outcomes) fmt::print("; {} {}", n, outcome);
  for (const auto seed : played.unsteady) fmt::print("; script {} agreed only when it was played again", seed);
  fmt::print("\n");
  EXPECT_LE(played.unsteady.size(), 1 + scripts.count / 200);
  if (scripts.count >= 100) expect_not_empty(all, static_cast<int>(scripts.count));  // of few nothing is sure
}

class Lie : public ::testing::TestWithParam<sim::lie> {};

// By a script over which the databases agree without the lie.
TEST_P(Lie, IsNoticed) {
  auto& played = stages::of_all();
  played.forget();
  const auto agree = [&](std::uint64_t seed) {
    const auto how = played.play_once(seed, GetParam());
    if (how.empty() || !played.play_once(seed).empty()) return true;
    played.note(seed, how);
    return false;
  };
  sim::for_each_seed({.first = 1, .count = 1'000}, false, agree, threads);
  ASSERT_FALSE(played.disagreements.empty()) << "nobody noticed";
  const auto& [seed, how] = *played.disagreements.begin();
  fmt::print("noticed with script {}:{}\n", seed, how.substr(how.rfind("DISAGREEMENT") + 12));
}

std::vector<sim::lie> all_lies() {
  std::vector<sim::lie> all;
  for (int i = 1; i < static_cast<int>(sim::lie::count); ++i) all.push_back(static_cast<sim::lie>(i));
  return all;
}

INSTANTIATE_TEST_SUITE_P(Rules, Lie, ::testing::ValuesIn(all_lies()),
                         [](const auto& lie) { return fmt::format("Number{}", static_cast<int>(lie.param)); });

}  // namespace
}  // namespace keyrack::testing
