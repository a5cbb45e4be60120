// Goal: a log line is one line, valid JSON whatever is in its fields, and the sample is the same in every module.
#include "config/log.hpp"
#include "config/log_line.hpp"

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <thread>

namespace keyrack {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr log_time at{std::chrono::sys_days{std::chrono::year{2031} / 3 / 1} +
                      std::chrono::microseconds{43'200'000'042}};

std::string json(std::string_view event, log_fields fields) {
  std::string out;
  append_json_line(out, at, log_level::info, event, fields);
  return out;
}
std::string text(std::string_view event, log_fields fields) {
  std::string out;
  append_text_line(out, at, log_level::warn, event, fields);
  return out;
}

TEST(LogLine, IsJsonWithItsFields) {
  EXPECT_EQ(
      json("booking accepted", {{"request_id", "r-1"}, {"sequence", 7U}, {"free", -1}, {"late", true}, {"share", 0.5}}),
      R"({"time":"2031-03-01T12:00:00.000042Z","level":"info","event":"booking accepted",)"
      R"("request_id":"r-1","sequence":7,"free":-1,"late":true,"share":0.5})");
}

TEST(LogLine, KeepsTheEdgesOfNumbers) {
  EXPECT_THAT(
      json("e", {{"a", std::numeric_limits<std::uint64_t>::max()}, {"b", std::numeric_limits<std::int64_t>::min()}}),
      HasSubstr(R"("a":18446744073709551615,"b":-9223372036854775808)"));
  EXPECT_THAT(json("e", {{"a", std::nan("")}, {"b", -HUGE_VAL}}), HasSubstr(R"("a":null,"b":null)"));
}

// Goal: whatever bytes a stranger sends, the line parses, is one line, and the valid part of the text survives.
class Escapes : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(Escapes, ParseToTheValidPartOfTheText) {
  const auto& [given, parsed] = GetParam();
  const auto line = json(given, {{"detail", given}});
  EXPECT_EQ(line.find('\n'), line.npos);
  boost::json::error_code failed;
  const auto value = boost::json::parse(line, failed);
  ASSERT_FALSE(failed) << line;
  EXPECT_EQ(value.at("detail").as_string(), parsed) << line;
  EXPECT_EQ(value.at("event").as_string(), parsed) << line;

  const auto shown = text("e", {{"detail", given}});
  EXPECT_EQ(shown.find_first_of("\n\r\x1b"), shown.npos);
}

INSTANTIATE_TEST_SUITE_P(LogLine, Escapes,
                         testing::Values(std::pair{"", ""}, std::pair{"\"quoted\" \\ /", "\"quoted\" \\ /"},
                                         std::pair{"a\nb\r\tc\x1b[31m", "a\nb\r\tc\x1b[31m"},
                                         std::pair{std::string{"a\0b", 3}, std::string{"a\0b", 3}},
                                         std::pair{"Zürich 日本 🏨", "Zürich 日本 🏨"},
                                         std::pair{"\xff"
                                                   "a",
                                                   "\uFFFD"
                                                   "a"},
                                         std::pair{"\xc0\xaf", "\uFFFD\uFFFD"}, std::pair{"a\xe2\x82", "a\uFFFD\uFFFD"},
                                         std::pair{"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
                                         std::pair{"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
                                         std::pair{"\xf0\x9f\x8f", "\uFFFD\uFFFD\uFFFD"}, std::pair{"\x7f", "\x7f"},
                                         std::pair{"\x01\x1f ", "\x01\x1f "}));

TEST(LogLine, AsTextQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(text("append failed", {{"hotel", "7k2m"}, {"detail", "no \"disk\""}, {"slot", 1}, {"empty", ""}}),
            R"(12:00:00.000 warn  append failed hotel=7k2m detail="no \"disk\"" slot=1 empty="")");
}

/// Standard error goes to a file while it lives; `lines` are what came.
class captured_stderr {
public:
  captured_stderr() {
    saved_ = dup(STDERR_FILENO);
    path_ = "/tmp/keyrack-log-XXXXXX";
    const int file = mkstemp(path_.data());
    dup2(file, STDERR_FILENO);
    close(file);
  }
  captured_stderr(const captured_stderr&) = delete;
  ~captured_stderr() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    unlink(path_.c_str());
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::ifstream file{path_};
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  }

private:
  int saved_ = -1;
  std::string path_;
};

TEST(Log, WritesWholeLinesFromManyThreadsAndDropsNone) {
  constexpr int threads = 4;
  constexpr int lines_each = 500;
  std::vector<std::string> lines;
  const auto dropped_before = log_lines_dropped();
  {
    captured_stderr captured;
    start_log({.level = "info", .format = "json", .queue_lines_max = threads * lines_each});
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t) {
      writers.emplace_back([t] {
        for (int i = 0; i < lines_each; ++i)
          log_info("line", {{"thread", t}, {"number", i}, {"pad", std::string(300, 'x')}});
      });
    }
    writers.clear();
    stop_log();
    lines = captured.lines();
  }
  EXPECT_EQ(log_lines_dropped(), dropped_before);
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(threads * lines_each));
  for (const auto& line : lines) {
    boost::json::error_code failed;
    boost::json::parse(line, failed);
    ASSERT_FALSE(failed) << line;
  }
}

TEST(Log, WritesOnlyFromItsLevelOn) {
  captured_stderr captured;
  start_log({.level = "warn", .format = "json"});
  log_info("not this", {});
  log_error("this", {});
  EXPECT_FALSE(log_enabled(log_level::info));
  stop_log();
  ASSERT_EQ(captured.lines().size(), 1U);
  EXPECT_THAT(captured.lines().front(), HasSubstr(R"("level":"error","event":"this")"));
}

TEST(Log, AFullQueueLosesLinesAndCountsThem) {
  const auto before = log_lines_dropped();
  captured_stderr captured;
  constexpr std::uint64_t sent = 20'000;
  start_log({.level = "info", .format = "json", .queue_lines_max = 16});
  for (std::uint64_t i = 0; i < sent; ++i) log_info("flood", {{"number", i}});
  stop_log();
  EXPECT_EQ(captured.lines().size() + (log_lines_dropped() - before), sent);
}

TEST(Log, SamplesTheSameRequestsEverywhereAndAboutOneOfN) {
  captured_stderr captured;
  start_log({.level = "info", .format = "json", .sample_successes = 100});
  int picked = 0;
  constexpr int requests = 100'000;
  for (int i = 0; i < requests; ++i) {
    const auto id = fmt::format("request-{}", i);
    const bool sampled = log_sampled(id);
    EXPECT_EQ(sampled, log_sampled(id));
    picked += sampled ? 1 : 0;
    if (i < 1'000) log_success(id, "booked", {{"request_id", id}});
  }
  stop_log();
  EXPECT_GT(picked, requests / 100 * 8 / 10);
  EXPECT_LT(picked, requests / 100 * 12 / 10);
  for (const auto& line : captured.lines()) {
    EXPECT_THAT(line, HasSubstr(R"("event":"booked")"));
  }
  EXPECT_LT(captured.lines().size(), 40U);
}

}  // namespace
}  // namespace keyrack
