// Opens connections, on a thread of its own and with a timeout: CAF would block its one network thread in `connect`, without
// any. Owns what an attempt's failure means: nobody listens there, or no answer. Knows nothing of links.
#pragma once

#include "cluster/transport.hpp"
#include "cluster/transport/sockets.hpp"

#include <mutex>
#include <thread>
#include <variant>

namespace keyrack::cluster {

struct dial_failure {
  link_state why = link_state::lost;  ///< refused or lost
  std::string detail;
};
using dial_result = std::variant<unique_fd, dial_failure>;

class dialer {
public:
  /// `done` comes on the dialer's thread, once for each dial until `stop`.
  dialer(std::chrono::milliseconds timeout, std::function<void(std::uint64_t ticket, dial_result)> done);
  ~dialer() { stop(); }

  /// Tries the addresses behind a name one after the other; the timeout is for all. Any thread.
  void dial(std::uint64_t ticket, std::string address);

  /// Ends the thread; what was under way ends without a word. May wait for the resolver of names.
  void stop();

private:
  struct attempt {
    std::uint64_t ticket = 0;
    std::vector<socket_address> untried;  // the next one last
    steady_instant gives_up;
    unique_fd fd;
    bool all_refused = true;
    std::string detail;
  };

  void run();
  void begin(std::uint64_t ticket, const std::string& address);
  /// Connects to the next address; false: the attempt has ended, and its result was told.
  bool try_next(attempt& which);
  void failed(attempt& which, int error);
  /// True: it goes on.
  bool advance(attempt& which, bool ready);
  void wait_and_advance();

  const std::chrono::milliseconds timeout_;
  const std::function<void(std::uint64_t, dial_result)> done_;
  unique_fd wake_;
  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, std::string>> asked_;
  bool stopping_ = false;
  std::vector<attempt> under_way_;  // of the thread
  std::thread thread_;
};

}  // namespace keyrack::cluster
