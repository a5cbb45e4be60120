// Goal: the simulated PostgreSQL does what the real one does, over random scripts of the product's own statements; or the
// simulation proves nothing. And the comparison would notice, rule by rule, if it did not.
#include "tests/persistence/database_script.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace keyrack::testing {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(SimulatedDatabase, AgreesWithTheRealOneOnEveryScript) {
  const bool one = std::getenv("KEYRACK_SCRIPT") != nullptr;
  const auto first = number_from_environment("KEYRACK_SCRIPT", 1);
  const auto count = number_from_environment("KEYRACK_SCRIPTS", one ? 1 : 90);
  database_stage stage;
  script_tally all;
  for (auto seed = first; seed < first + count; ++seed) {
    const auto disagreement = script{stage, seed, sim::lie::none, all}.run();
    ASSERT_EQ(disagreement, "") << "\nreplay: KEYRACK_SCRIPT=" << seed;
  }
  fmt::print(
      "{} scripts, {} statements, {} held open, {} backends ended, {} statements lost; {} looks at one that waited",
      count, all.steps, all.held, all.killed, all.lost, all.waited);
  for (const auto& [outcome, n] : all.outcomes) fmt::print("; {} {}", n, outcome);
  fmt::print("\n");
  if (count < 100) return;  // of few scripts nothing is sure
  EXPECT_GT(all.waited, static_cast<int>(count));
  EXPECT_GT(all.held, static_cast<int>(count));
  for (const auto* outcome : {"fenced", "unfenced", "inserted", "handed", "found", "term", "changed", "renewed", "beat",
                              "removed", "left", "registered", "lost", "told"}) {
    EXPECT_GT(all.outcomes[outcome], 0) << outcome;
  }
}

class Lie : public ::testing::TestWithParam<sim::lie> {};

TEST_P(Lie, IsNoticed) {
  database_stage stage;
  script_tally all;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    if (script{stage, seed, GetParam(), all}.run().empty()) continue;
    fmt::print("noticed with script {}\n", seed);
    return;
  }
  FAIL() << "nobody noticed";
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
