// Goal: /metrics is a valid exposition, every metric has a name by the house's rule and a help, and counts are exact
// from many threads.
#include "config/metrics.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>
#include <thread>

namespace keyrack {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, HaveNamesByTheRuleAndAHelp) {
  const metrics all{"1.2.3"};
  const std::regex rule{"(keyrack_[a-z]+(_[a-z]+)+|process_[a-z_]+)"};
  std::set<std::string_view> names;
  for (const auto* family : all.registry.families()) {
    const std::string name{family->name()};
    EXPECT_TRUE(std::regex_match(name, rule)) << name;
    EXPECT_TRUE(names.insert(family->name()).second) << name << " is there twice";
    EXPECT_TRUE(family->help().ends_with('.')) << name << " has no sentence as its help";
    EXPECT_EQ(family->type() == instrument_family::kind::counter,
              name.ends_with("_total") && !name.starts_with("process_"))
        << name;
    for (const auto& label : family->labels()) EXPECT_TRUE(label != "le" && label != "quantile") << name;
  }
  EXPECT_GT(names.size(), 50U);
}

/// What is wrong with an exposition by the format's rules; empty: nothing.
std::string fault_of_exposition(const std::string& text) {
  const std::regex comment{"# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))"};
  const std::regex sample{
      R"re(([a-z_]+)(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? (-?[0-9.e+-]+|[+-]Inf|Nan)( [0-9]+)?)re"};
  if (!text.ends_with('\n')) return "does not end in a line end";
  std::istringstream lines{text};
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (line.starts_with("# ")) {
      if (!std::regex_match(line, comment)) return "bad comment: " + line;
      std::istringstream{line.substr(7)} >> family;
    } else if (!std::regex_match(line, parts, sample)) {
      return "bad sample: " + line;
    } else if (!parts[1].str().starts_with(family)) {
      return "sample outside its family: " + line;
    }
  }
  return {};
}

TEST(Metrics, TextIsAValidExposition) {
  metrics all{"1.2.3"};
  all.gateway.requests.of({"POST /v1/reservations", "201"}).add(3);
  all.gateway.requests.of({"odd \"route\" \\ with\nlines", "404"}).add();
  all.gateway.request_seconds.of({"POST /v1/reservations"}).observe(std::chrono::microseconds{1'500});
  all.hotel.awake.set(12);
  all.heartbeat.clock_offset_seconds.set(std::chrono::milliseconds{-3});
  const auto text = metrics_text(all);
  EXPECT_EQ(fault_of_exposition(text), "");
  EXPECT_THAT(
      text,
      HasSubstr(
          "# HELP keyrack_gateway_requests_total Requests answered.\n# TYPE keyrack_gateway_requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("keyrack_gateway_requests_total{route=\"POST /v1/reservations\",status=\"201\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("keyrack_hotel_awake 12\n"));
  EXPECT_THAT(text, HasSubstr("keyrack_heartbeat_clock_offset_seconds -0.003"));
  EXPECT_THAT(text, HasSubstr("keyrack_build_info{version=\"1.2.3\""));
  EXPECT_THAT(text, HasSubstr("# TYPE process_cpu_seconds_total counter\n"));
  EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(text, Not(HasSubstr("keyrack_journal_reconnects_total"))) << "nothing was counted there yet";
}

TEST(Metrics, AnExpositionWithAFaultIsSeen) {
  EXPECT_NE(fault_of_exposition("# TYPE a counter\na 1"), "");
  EXPECT_NE(fault_of_exposition("# TYPE a thing\na 1\n"), "");
  EXPECT_NE(fault_of_exposition("# TYPE a counter\nb 1\n"), "");
  EXPECT_NE(fault_of_exposition("# TYPE a counter\na{x=\"1} 1\n"), "");
}

TEST(Histogram, TellsOneMillisecondFromTwo) {
  metrics all;
  auto& seconds = all.gateway.request_seconds.of({"r"});
  seconds.observe(std::chrono::microseconds{990});
  seconds.observe(std::chrono::milliseconds{1});
  seconds.observe(std::chrono::microseconds{1'990});
  seconds.observe(std::chrono::minutes{5});
  seconds.observe(std::chrono::nanoseconds{-1});
  const auto text = metrics_text(all);
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"r\",le=\"0.001\"} 3\n")) << text;
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"r\",le=\"0.002\"} 4\n")) << text;
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"r\",le=\"30\"} 4\n")) << text;
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"r\",le=\"+Inf\"} 5\n")) << text;
  EXPECT_THAT(text, HasSubstr("_count{route=\"r\"} 5\n"));
}

TEST(Histogram, OfOutagesTellsHalfASecondFromOne) {
  metrics all;
  all.cluster.failover_seconds.observe(std::chrono::milliseconds{510});
  all.cluster.failover_seconds.observe(std::chrono::milliseconds{990});
  all.cluster.failover_seconds.observe(std::chrono::milliseconds{1'010});
  const auto text = metrics_text(all);
  EXPECT_THAT(text, HasSubstr("failover_seconds_bucket{le=\"0.5\"} 0\n")) << text;
  EXPECT_THAT(text, HasSubstr("failover_seconds_bucket{le=\"0.6\"} 1\n")) << text;
  EXPECT_THAT(text, HasSubstr("failover_seconds_bucket{le=\"1\"} 2\n")) << text;
  EXPECT_THAT(text, HasSubstr("failover_seconds_bucket{le=\"1.25\"} 3\n")) << text;
}

class Shape : public testing::TestWithParam<const buckets*> {};

TEST_P(Shape, BoundsAscendAndEachBoundBelongsToItsOwnBucket) {
  const auto& shape = *GetParam();
  histogram of{shape};
  for (std::size_t i = 0; i < shape.bounds.size(); ++i) {
    EXPECT_LT(i > 0 ? shape.bounds[i - 1] : 0, shape.bounds[i]);
    of.observe(shape.bounds[i]);
    EXPECT_EQ(of.in_bucket(i), 1U);
  }
  of.observe(shape.bounds.back() + 1);
  EXPECT_EQ(of.in_bucket(shape.bounds.size()), 1U);
}
INSTANTIATE_TEST_SUITE_P(Histogram, Shape,
                         testing::Values(&buckets::durations, &buckets::outages, &buckets::counts, &buckets::bytes));

TEST(Metrics, CountExactlyFromManyThreadsWhileTheyAreRead) {
  metrics all;
  constexpr int threads = 4;
  constexpr int each = 20'000;
  {
    std::vector<std::jthread> counters;
    for (int t = 0; t < threads; ++t) {
      counters.emplace_back([&] {
        counter_table<2, 2> table{all.hotel.commands};
        for (int i = 0; i < each; ++i) {
          all.journal.append_seconds.observe(std::chrono::nanoseconds{i});
          table.at(1, 1, [] { return "hold_rooms"; }, [] { return "accepted"; }).add();
          all.gateway.in_flight.add();
          all.gateway.in_flight.sub();
        }
      });
    }
    for (int i = 0; i < 20; ++i) EXPECT_EQ(fault_of_exposition(metrics_text(all)), "");
  }
  const auto text = metrics_text(all);
  EXPECT_THAT(text, HasSubstr(fmt::format("keyrack_journal_append_seconds_count {}\n", threads * each)));
  EXPECT_THAT(text, HasSubstr(fmt::format("{{kind=\"hold_rooms\",answer=\"accepted\"}} {}\n", threads * each)));
  EXPECT_THAT(text, HasSubstr("keyrack_gateway_in_flight 0\n"));
}

}  // namespace
}  // namespace keyrack
