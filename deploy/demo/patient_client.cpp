#include "deploy/demo/patient_client.hpp"

#include "deploy/demo/answers.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace keyrack::demo {
namespace {

using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds pause_max = 2s;
constexpr std::chrono::milliseconds retry_after_max = 10s;

}  // namespace

boost::asio::awaitable<http_answer> patient_client::answer_to(api_request request) {
  const auto began = steady::now();
  auto pause = rules_.pause_first;
  for (;;) {
    std::string reason;
    auto wait = pause;
    try {
      auto answer = co_await client_.exchange(request);
      ever_answered_ = true;
      if (!worth_retrying(answer)) co_return answer;
      reason = problem_text(answer);
      if (answer.retry_after) wait = std::min<std::chrono::milliseconds>(*answer.retry_after, retry_after_max);
    } catch (const boost::system::system_error& error) {
      reason = error.code().message();
    }
    if (!ever_answered_) throw load_failed(fmt::format("no node answers at http://{}: {}", to_, reason));
    if (steady::now() - began > rules_.total) {
      throw load_failed(fmt::format("{} {} got no final answer within {} s: {}", request.method, request.target,
                                    rules_.total.count(), reason));
    }
    ++retries_;
    timer_.expires_after(wait);
    co_await timer_.async_wait(boost::asio::use_awaitable);
    pause = std::min(pause * 2, pause_max);
  }
}

}  // namespace keyrack::demo
