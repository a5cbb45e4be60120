// An HTTP connection that asks again, with the same key, until a request is answered for good: through overload, restarts
// and answers that were lost. Owns the pauses and the patience; refuses to know what is asked.
#pragma once

#include "deploy/demo/http_client.hpp"
#include "deploy/demo/patience.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <stdexcept>

namespace keyrack::demo {

/// Ends a load; what() is the sentence for the user.
struct load_failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class patient_client {
public:
  patient_client(const boost::asio::any_io_executor& executor, const http_address& to, patience_rules rules)
      : client_(executor, to, rules.total), timer_(executor), to_(to.text()), rules_(rules) {}

  /// Throws load_failed when patience ends; at once when the first connection of all fails, for then nobody is there.
  boost::asio::awaitable<http_answer> answer_to(api_request request);

  std::uint64_t retries() const { return retries_; }

private:
  http_client client_;
  boost::asio::steady_timer timer_;
  std::string to_;
  patience_rules rules_;
  std::uint64_t retries_ = 0;
  bool ever_answered_ = false;
};

}  // namespace keyrack::demo
